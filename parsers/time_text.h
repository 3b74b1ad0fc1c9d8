// Times as people and JSON read them: RFC 3339.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hilum {

// "2026-11-22T03:04:05.678901Z", of a Unix time in microseconds; years 0 to 9999, clamped.
std::string rfc3339(std::int64_t us);
// The same back; also with an offset ("+01:00"), with fewer digits of a second, or a day alone ("2026-11-22":
// its beginning in UTC). nullopt when it is none of these.
std::optional<std::int64_t> parse_rfc3339(std::string_view text);

}  // namespace hilum
