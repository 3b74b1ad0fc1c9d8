#include "engine/listeners/http_exchange.h"

#include <algorithm>
#include <array>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/error.hpp>
#include <ctime>

#include "engine/listeners/verdict.h"
#include "engine/net/http_date.h"
#include "parsers/hl7/batch.h"

namespace hilum::listeners {

namespace http = boost::beast::http;

namespace {

// application/hl7-v2 and +er7 without the x- are what other versions of the specification and its clients
// write.
constexpr std::array<std::string_view, 4> accepted_types{"x-application/hl7-v2+er7", "application/hl7-v2+er7",
                                                         "application/hl7-v2", "text/plain"};
constexpr std::string_view answer_type = "x-application/hl7-v2+er7";
constexpr std::string_view retry_after = "Retry-After: 5\r\n";

std::string_view view(boost::beast::string_view text) {
    return {text.data(), text.size()};
}

std::string_view trimmed(std::string_view text) {
    auto const first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return out;
}

// Origin form or absolute form (RFC 9112 §3.2), without the query.
std::string_view path_of(std::string_view target) {
    target = target.substr(0, target.find('?'));
    auto const scheme = target.find("://");
    if (target.starts_with('/') || scheme == std::string_view::npos) return target;
    auto const slash = target.find('/', scheme + 3);
    return slash == std::string_view::npos ? "/" : target.substr(slash);
}

}  // namespace

HttpReply http_refusal(unsigned status, std::string text, std::string extra) {
    HttpReply reply;
    reply.status = status;
    reply.body = std::move(text) + "\n";
    reply.extra = std::move(extra);
    return reply;
}

std::string charset_of(std::string_view content_type) {
    for (auto rest = content_type; rest.find(';') != std::string_view::npos;) {
        rest.remove_prefix(rest.find(';') + 1);
        auto const parameter = trimmed(rest.substr(0, rest.find(';')));
        if (lower(parameter.substr(0, 8)) != "charset=") continue;
        auto value = parameter.substr(8);
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        constexpr std::string_view token = "abcdefghijklmnopqrstuvwxyz0123456789.:_+-";
        auto charset = lower(value);
        bool const good = charset.size() <= 40 && charset.find_first_not_of(token) == std::string::npos;
        return good ? charset : std::string();
    }
    return {};
}

bool has_folded_line(std::string_view head) {
    return head.find("\r\n ") != std::string_view::npos || head.find("\r\n\t") != std::string_view::npos;
}

std::optional<HttpReply> refuse_head(HttpRequestParser const& parser, std::string_view path) {
    auto const& request = parser.get();
    bool const has_coding = request.find(http::field::transfer_encoding) != request.end();
    if (request.version() >= 11 && request.count(http::field::host) != 1) {
        return http_refusal(400, "a request needs exactly one Host header");
    }
    if (has_coding && request.version() < 11) return http_refusal(400, "HTTP/1.0 has no Transfer-Encoding");
    if (has_coding && !parser.chunked())
        return http_refusal(501, "the only Transfer-Encoding known here is chunked");
    if (path_of(view(request.target())) != path) return http_refusal(404, "nothing is at this path");
    if (request.method() != http::verb::post) {
        return http_refusal(405, "send a message with POST", "Allow: POST\r\n");
    }
    if (!parser.chunked() && !parser.content_length())
        return http_refusal(411, "a request needs a Content-Length");
    auto const encoding = lower(trimmed(view(request[http::field::content_encoding])));
    if (!encoding.empty() && encoding != "identity")
        return http_refusal(415, "send the message without Content-Encoding");
    auto const type = view(request[http::field::content_type]);
    auto const media = lower(trimmed(type.substr(0, type.find(';'))));
    if (std::find(accepted_types.begin(), accepted_types.end(), media) == accepted_types.end()) {
        return http_refusal(415, "send a message as x-application/hl7-v2+er7 or text/plain");
    }
    if (auto const charset = charset_of(type);
        charset.starts_with("utf-16") || charset.starts_with("utf-32")) {
        return http_refusal(
            415, "a message needs a charset whose first 128 characters are ASCII's, such as utf-8");
    }
    auto const expect = lower(trimmed(view(request[http::field::expect])));
    if (!expect.empty() && expect != "100-continue")
        return http_refusal(417, "the only Expect known here is 100-continue");
    return std::nullopt;
}

std::optional<HttpReply> refuse_body(std::string_view body) {
    if (body.empty()) return http_refusal(400, "the body is empty: it should be one HL7 message");
    auto const split = hl7::split_messages(body);
    if (split.batch || split.messages.size() > 1) {
        return http_refusal(400, "one message a request: this body holds " +
                                     (split.batch ? std::string("a batch")
                                                  : std::to_string(split.messages.size()) + " messages"));
    }
    return std::nullopt;
}

HttpReply refuse_parse(boost::system::error_code const& ec) {
    if (ec == http::error::header_limit) return http_refusal(431, "the header is longer than 8 KiB");
    if (ec == http::error::body_limit)
        return http_refusal(413, "the message is longer than this listener takes");
    if (ec == http::error::bad_version) return http_refusal(400, "this is not HTTP/1.1");
    return http_refusal(400, "this is not a well-formed HTTP/1.1 request");
}

HttpReply http_reply(flow::Answer const& answer, std::string_view charset) {
    HttpReply reply;
    switch (verdict(answer)) {
        case Verdict::accepted:
            reply.status = 200;
            break;
        case Verdict::refused: {
            bool const reject = answer.code == hl7::AckCode::AR || answer.code == hl7::AckCode::CR;
            reply.status = reject ? 400 : 500;
            break;
        }
        case Verdict::not_now:
            reply.status = 503;
            reply.extra = retry_after;
            break;
    }
    if (answer.bytes.empty()) {
        reply.body =
            reply.status == 503 ? "the message could not be stored now\n" : "the body is no HL7 message\n";
        return reply;
    }
    // A response is one message: where both are owed, the application acknowledgement says more. Where none
    // is, the status has said it.
    auto const& body = answer.application.empty() ? answer.bytes : answer.application;
    if (!answer.owed && answer.application.empty()) return reply;
    reply.content_type = answer_type;
    if (!charset.empty()) (reply.content_type += "; charset=") += charset;
    reply.body = body;
    return reply;
}

std::string http_text(HttpReply const& reply, bool keep_alive, bool with_body) {
    auto const reason = http::obsolete_reason(http::int_to_status(reply.status));
    std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " ";
    out.append(reason.data(), reason.size());
    out += "\r\nDate: " + net::http_date(std::time(nullptr)) + "\r\n";
    // 204 has no content, and 304 not its own: neither speaks of a length (RFC 9110 §8.6).
    if (reply.status != 204 && reply.status != 304)
        out += "Content-Type: " + reply.content_type +
               "\r\nContent-Length: " + std::to_string(reply.body.size()) + "\r\n";
    out += reply.extra + (keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
    if (with_body) out += reply.body;
    return out;
}

}  // namespace hilum::listeners
