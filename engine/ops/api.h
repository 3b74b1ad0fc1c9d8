// The ops API without its sockets: a request to a reply, by a table of routes. docs/api.md and openapi.yaml
// describe it to clients.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/net/asio.h"
#include "engine/ops/control.h"
#include "engine/ops/live.h"

namespace hilum::ops {

struct Request {
    std::string method;  // "GET"; a HEAD comes as the GET it stands for
    std::string target;  // as sent: path and query, still percent-encoded
    std::string content_type;
    std::string body;
    std::string if_none_match = {};
    bool gzip = false;  // the client takes such a body
};

struct Reply {
    unsigned status = 200;
    std::string content_type = "application/json";
    std::string body;
    std::string allow;                                                   // of a 405: the methods there are
    std::vector<std::pair<std::string_view, std::string>> headers = {};  // more of them; of a page, say
    std::shared_ptr<Stream> stream = {};                                 // the body, piece by piece
    bool may_be_kept = false;  // by a browser, as the headers say; else it is not
};

// What a handler gets: path parameters in order of the pattern, query parameters by name, all decoded.
struct Call {
    Request const& request;
    Control& control;
    std::vector<std::string> path;
    std::map<std::string, std::string, std::less<>> query;
};

struct ApiRoute {
    std::string_view method;
    std::string_view pattern;  // "/api/v1/queues/{name}/pause"
    net::Task<Reply> (*handler)(Call const& call);
    std::vector<std::string_view> query = {};  // the query parameters it knows; any other is refused
};
std::vector<ApiRoute> const& api_routes();

// Finds the route and calls its handler. Never throws; every request gets a reply. `request` and `control`
// live until then.
net::Task<Reply> answer(Request const& request, Control& control);

// An error as problem+json (RFC 9457), with our stable code beside the standard members, and with the
// findings that are its reasons, if any.
Reply problem(unsigned status, Error const& error, config::Diagnostics const* diagnostics = nullptr);
// The status that an error of Control or of the store stands for.
unsigned status_of(Error const& error);
// "Not Found"
std::string_view status_text(unsigned status);

// "%41b" to "Ab"; false when a % is not followed by two hex digits. A + stays a +.
bool percent_decode(std::string_view text, std::string& out);

}  // namespace hilum::ops
