// What messages are: known before any comes, from the listener on.
#pragma once

#include <string_view>

namespace hilum::config {

enum class Content : unsigned char {
    hl7,   // HL7 v2 messages
    fhir,  // FHIR interactions (parsers/fhir/interaction.h)
};

inline Content other(Content content) {
    return content == Content::fhir ? Content::hl7 : Content::fhir;
}

inline std::string_view name(Content content) {
    return content == Content::fhir ? "FHIR" : "HL7 v2";
}

}  // namespace hilum::config
