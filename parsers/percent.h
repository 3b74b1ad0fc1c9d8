// Text in a URL (RFC 3986 §2.1).
#pragma once

#include <string>
#include <string_view>

namespace hilum {

// All but the unreserved characters (§2.3) as %XX: safe in a path segment, in a query, and in a form.
std::string percent_encoded(std::string_view text);
// Each %XX as its byte; a % without two digits behind it stays, and so does +.
std::string percent_decoded(std::string_view text);

}  // namespace hilum
