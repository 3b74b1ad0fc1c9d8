// The tables of characters, which glibc's iconv has: its one door. Works whatever the process's locale is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace hilum::hl7 {

enum class Table : std::uint8_t { iso_8859, euc_jp, windows_949, euc_tw, gb18030, big5, windows_31j };

// `part` is that of ISO 8859 (1 to 11, 13 to 16), 0 for the others. Appends; what can't be decoded becomes
// U+FFFD, and is counted. Threads have converters of their own.
std::size_t table_to_utf8(Table table, std::uint8_t part, std::string_view bytes, std::string& out);
// Appends; false when a character is not in the table, or `text` no UTF-8: `out` is then as it was.
bool table_from_utf8(Table table, std::uint8_t part, std::string_view text, std::string& out);
// These bytes are exactly one character or more of the table.
bool in_table(Table table, std::string_view bytes);

}  // namespace hilum::hl7
