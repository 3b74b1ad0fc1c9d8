// Messages beside each other, for route tests.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/group_path.h"
#include "parsers/hl7/lookup.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/message_diff.h"

namespace hilum::testing {

// By value; none where one of them is no message.
std::vector<hl7::Difference> differences_between(std::string_view before, std::string_view after);

// A golden file has line ends for segment ends where the message has no line end of its own.
std::string golden_text(std::string_view message);
bool same_message(std::string_view golden, std::string_view message);

// The text at a path that names one place; "" when it is empty or not there.
std::string value_at(hl7::Message const& message, hl7::GroupPath const& path,
                     hl7::StructureCache& structures);
// "PID-5.1 (Family Name)"
std::string named(hl7::GroupPath const& path, hl7::Message const& message, hl7::Lookup const& lookup);

}  // namespace hilum::testing
