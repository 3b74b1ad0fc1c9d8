// What is to be said against a message, for `inspect`: one list, whoever found it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message_view.h"

namespace hilum::cli {

struct Finding {
    std::string_view source;    // "structure", "charset"
    std::string_view severity;  // "error", "warning", "information"
    std::string code;           // "out_of_place"
    std::string place;          // "OBX[2]"
    std::string text;           // for people
};

// Whoever else examines messages adds its findings here.
std::vector<Finding> findings_of(hl7::MessageView const& view);

}  // namespace hilum::cli
