// Differences between messages, for people and for scripts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engine/cli/terminal.h"
#include "parsers/hl7/message_diff.h"

namespace hilum::cli {

// A line for each, behind `indent` blanks: mark, path, name, before -> after.
std::string difference_lines(std::vector<hl7::Difference> const& all, std::size_t indent, Paint const& paint);
// "Patient Name" of "PID-5", by the newest version that has the field; empty where there is none.
std::string_view field_name(std::string_view path);

}  // namespace hilum::cli
