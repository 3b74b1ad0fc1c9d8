// From a filled template to a file name that stays in its folder, whatever the message says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hilum::routes {

inline constexpr std::size_t longest_name = 200;  // bytes; leaves room for "~12345" under the usual 255

// For what a hole of the template gives: '/', '\\', control characters and those that other systems forbid
// (<>:"|?*) become '_', and it is cut at 100 bytes, between characters of UTF-8. An empty text stays empty.
std::string clean_part(std::string_view text);

// The folders below the root and, last, the file's name. Each component is one that open() takes for a plain
// name: not empty, not beginning with a dot (so neither "." nor ".." nor hidden), without '/' and NUL, at
// most longest_name bytes. At most eight components: further '/' become '_'.
std::vector<std::string> name_components(std::string_view filled);

// "a.hl7" -> "a~2.hl7"
std::string numbered(std::string_view name, unsigned number);

}  // namespace hilum::routes
