// The parts of HL7 over HTTP that need no socket: what a request may look like and how an answer is said in
// HTTP. After HAPI's "HL7 over HTTP" specification; docs/listeners.md says where and why we differ.
#pragma once

#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "engine/flow/intake.h"

namespace hilum::listeners {

using HttpRequestParser = boost::beast::http::request_parser<boost::beast::http::string_body>;

struct HttpReply {
    unsigned status = 200;
    std::string content_type = "text/plain; charset=utf-8";
    std::string body;
    std::string extra;  // further header lines, each ended by CR LF
};

// A plain text refusal: one line for a person, nothing of the request.
HttpReply http_refusal(unsigned status, std::string text, std::string extra = {});

// Why a request must not be answered by the flow; nothing when its body may be read. `path` is the
// listener's.
std::optional<HttpReply> refuse_head(HttpRequestParser const& parser, std::string_view path);
// The same once the body is there.
std::optional<HttpReply> refuse_body(std::string_view body);
// For an error of the parser.
HttpReply refuse_parse(boost::system::error_code const& ec);

// Obsolete line folding in a header (RFC 9112 §5.2), which two readers may understand differently.
bool has_folded_line(std::string_view head);

// The charset parameter, lower case; empty when there is none or it is no token.
std::string charset_of(std::string_view content_type);

// Status: AA, CA 200; AR, CR 400; AE, CE 500; not stored for a reason of our own 503.
HttpReply http_reply(flow::Answer const& answer, std::string_view charset);

// Status line, headers and body. `with_body` is false for HEAD.
std::string http_text(HttpReply const& reply, bool keep_alive, bool with_body);

}  // namespace hilum::listeners
