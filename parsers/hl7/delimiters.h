// The delimiters a message declares in MSH-1 and MSH-2 (HL7 v2.8.2 §2.5.4).
#pragma once

namespace hilum::hl7 {

// '\0' stands for one that the message does not declare (a short MSH-2): it then never splits.
struct Delimiters {
    char field = '|';
    char component = '^';
    char repetition = '~';
    char escape = '\\';
    char subcomponent = '&';
    char truncation = '\0';  // '#' since 2.7

    friend bool operator==(Delimiters const&, Delimiters const&) = default;
};

}  // namespace hilum::hl7
