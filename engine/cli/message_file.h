// The messages of a file, whatever their form.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "parsers/hl7/message.h"
#include "parsers/result.h"

namespace hilum::cli {

struct MessageFile {
    struct One {
        std::size_t number = 0;  // in the file, from 1
        std::string bytes;       // as HL7 v2 with delimiters
    };
    std::vector<One> messages;
    bool leftover = false;              // there is text that belongs to no message
    std::vector<Error> batch_findings;  // counts of a batch that are wrong, and the like
};

// HL7 v2 (one message, several, or a batch) or HL7 v2 in XML; "-" is standard input. `only` chooses the
// message with that number, 0 all. Errors: "unreadable", those of hl7::from_xml, "no_message".
Result<MessageFile> read_messages(std::string const& path, std::size_t only = 0);
// The same of what has been read already.
Result<MessageFile> messages_of(std::string const& text, std::size_t only = 0);

}  // namespace hilum::cli
