// Dates as HTTP writes them: IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7).
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace hilum::net {

std::string http_date(std::time_t time);
// Nothing for any other form: the two obsolete ones are not sent any more.
std::optional<std::time_t> parse_http_date(std::string_view text);

}  // namespace hilum::net
