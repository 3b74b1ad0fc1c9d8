// What the subcommands share: reading files, writing answers that can't garble a terminal, tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/result.h"

namespace hilum::cli {

// A whole file, or standard input for "-". Errors: "unreadable".
Result<std::string> read_file(std::string const& path);

// Writes to stdout and flushes. Throws std::runtime_error when that fails (a full disk; a closed pipe ends
// quietly).
void answer(std::string_view text);
// "hilum: text" and a line end, to stderr.
void complain(std::string_view text);

// One line that shows what is there: control characters escaped, never sent to the terminal.
std::string printable(std::string_view text);

// Columns side by side, the last one as long as it is. The first row is the heading.
std::string table(std::vector<std::vector<std::string>> const& rows);

// "3s", "12m", "5h", "4d" since a time; "" for 0.
std::string age(std::int64_t since_us, std::int64_t now_us);
std::int64_t now_us();

// "500ms" "30s" "5m" "2h" "1d"; nullopt when it is none.
std::optional<std::int64_t> parse_duration_ms(std::string_view text);

}  // namespace hilum::cli
