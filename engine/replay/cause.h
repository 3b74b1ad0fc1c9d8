// What makes two held messages one cause.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "parsers/hl7/message.h"

namespace hilum::replay {

// A reason of holding without what differs from message to message of one cause: which occurrence and which
// repetition ("OBX[3]-3.1" to "OBX-3.1"), which part of a message that was split.
std::string cause_of(std::string_view reason);

// What stands in the place that a look-up's reason names, in the message as received: of coded fields
// outside the segments about people, where it is a code and not a person's data; else nothing.
std::optional<std::string> code_at_fault(std::string_view reason, hl7::Message const& message);

}  // namespace hilum::replay
