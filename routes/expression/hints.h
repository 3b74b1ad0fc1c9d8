// What a wrong word was probably meant to be: paths, for messages.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "parsers/hl7/group_path.h"
#include "routes/config/describe.h"

namespace hilum::expression {

// A path that `text` was perhaps meant to be ("pid-3" "PID.3" "PID-3-1" "PID_3"); "" when none comes to mind.
std::string nearest_path(std::string_view text);

// The remedy for a text that is no path: `did you mean PID-3?`, else `next` as Path::parse gave it, else an
// example.
std::string path_remedy(std::string_view text, std::string_view next);

// A path of the configuration; a bad one is reported at its column.
std::optional<hl7::Path> compile_path(config::Text const& text, config::Diagnostics& diagnostics);

// The same for a path with or without groups; a group that no version of the standard has is reported.
std::optional<hl7::GroupPath> compile_group_path(config::Text const& text, config::Diagnostics& diagnostics);
std::string no_group(std::string_view name);      // what is wrong
std::string group_remedy(std::string_view name);  // and what was probably meant

// The column an error's place names ("column 12", "12"), counted from 1; 1 when it names none.
std::size_t column_of(std::string_view place);

}  // namespace hilum::expression
