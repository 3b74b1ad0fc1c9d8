// What is to be said against a message, for people: one list, whoever found it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message_view.h"

namespace hilum::hl7 {

struct MessageFinding {
    std::string_view source;    // "structure", "charset"
    std::string_view severity;  // "error", "warning", "information"
    std::string code;           // "out_of_place"
    std::string place;          // "OBX[2]"
    std::string text;           // for people
};

// Whoever else examines messages adds its findings here.
std::vector<MessageFinding> findings_of(MessageView const& view);

}  // namespace hilum::hl7
