// The URL of an HTTP receiver; Boost.URL stays behind url.cpp.
#pragma once

#include <string>
#include <string_view>

#include "parsers/result.h"
#include "routes/config/describe.h"

namespace hilum::net {

struct HttpUrl {
    config::Endpoint endpoint;
    std::string authority;  // for the Host header: "lab.example:8080", without the port 80
    std::string target;     // for the request line: path and query, as written
    std::string shown;      // "lab.example:8080/hl7": without the query, which may hold a key
};

// Errors: "bad_url", "no_tls" (https is not there yet), "has_credentials", each with the next step. They
// never repeat the URL: it may hold a secret.
Result<HttpUrl> parse_http_url(std::string_view text);

}  // namespace hilum::net
