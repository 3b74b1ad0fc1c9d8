#include "engine/ops/api.h"

#include <optional>

#include "engine/ops/api_json.h"
#include "engine/ops/json.h"
#include "engine/ops/page.h"
#include "routes/config/diagnostics.h"

namespace hilum::ops {
namespace {

constexpr std::size_t target_bytes_max = 4096;

// The next segment of a path that begins with a slash.
std::string_view take_segment(std::string_view& path) {
    path.remove_prefix(1);
    std::string_view const segment = path.substr(0, path.find('/'));
    path.remove_prefix(segment.size());
    return segment;
}

// The path's parameters when the pattern fits; nullopt when it doesn't. Still encoded: a %2F is no separator.
std::optional<std::vector<std::string_view>> match(std::string_view pattern, std::string_view path) {
    std::vector<std::string_view> parameters;
    while (!pattern.empty() && !path.empty()) {
        std::string_view const expected = take_segment(pattern);
        std::string_view const found = take_segment(path);
        if (expected.starts_with('{')) {
            if (found.empty()) return std::nullopt;
            parameters.push_back(found);
        } else if (expected != found) {
            return std::nullopt;
        }
    }
    if (!pattern.empty() || !path.empty()) return std::nullopt;
    return parameters;
}

Error bad_encoding(std::string place) {
    return error("bad_encoding", std::move(place), "a % that is not followed by two hex digits",
                 "write a % as %25");
}

// Fills call.query; an unknown or repeated parameter is refused, for a mistyped filter would find everything.
std::optional<Error> read_query(std::string_view text, ApiRoute const& route, Call& call) {
    while (!text.empty()) {
        std::string_view const pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        if (pair.empty()) continue;
        std::size_t const equals = pair.find('=');
        std::string name, value;
        if (!percent_decode(pair.substr(0, equals), name)) return bad_encoding("query");
        if (equals != std::string_view::npos && !percent_decode(pair.substr(equals + 1), value))
            return bad_encoding("query");
        if (std::find(route.query.begin(), route.query.end(), name) == route.query.end()) {
            std::string next = "this resource takes no query";
            if (!route.query.empty()) next = config::suggest(name, route.query, "parameters");
            return error("unknown_parameter", "query", "unknown parameter " + config::in_quotes(name),
                         std::move(next));
        }
        if (!call.query.emplace(name, value).second) {
            return error("repeated_parameter", "query",
                         "parameter " + config::in_quotes(name) + " is there twice");
        }
    }
    return std::nullopt;
}

}  // namespace

bool percent_decode(std::string_view text, std::string& out) {
    auto const hex = [](char c) {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    out.clear();
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        if (i + 2 >= text.size()) return false;
        int const high = hex(text[i + 1]), low = hex(text[i + 2]);
        if (high < 0 || low < 0) return false;
        out += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return true;
}

std::string_view status_text(unsigned status) {
    switch (status) {
        case 200:
            return "OK";
        case 304:
            return "Not Modified";
        case 400:
            return "Bad Request";
        case 403:
            return "Forbidden";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "Request Timeout";
        case 409:
            return "Conflict";
        case 413:
            return "Content Too Large";
        case 414:
            return "URI Too Long";
        case 415:
            return "Unsupported Media Type";
        case 422:
            return "Unprocessable Content";
        case 431:
            return "Request Header Fields Too Large";
        case 500:
            return "Internal Server Error";
        case 503:
            return "Service Unavailable";
        default:
            return "Error";
    }
}

unsigned status_of(Error const& error) {
    std::string_view const code = error.code;
    if (code.starts_with("no_such_")) return 404;
    if (code == "bad_replay" || code == "bad_expression") return 400;
    if (code == "not_now") return 409;
    if (code == "busy" || code == "disk_full" || code == "store_failed") return 503;
    return 500;
}

Reply problem(unsigned status, Error const& error, config::Diagnostics const* diagnostics) {
    json::Writer w;
    w.object([&] {
        w.field("type", "about:blank");
        w.field("title", status_text(status));
        w.field("status", status);
        w.field("detail", error.next.empty() ? error.what : error.what + "; " + error.next);
        w.field("code", error.code);
        w.field_if("place", error.place);
        if (!diagnostics) return;
        w.key("diagnostics");
        write_diagnostics(w, *diagnostics);
    });
    return {.status = status, .content_type = "application/problem+json", .body = w.text(), .allow = {}};
}

net::Task<Reply> answer(Request const& request, Control& control) {
    std::string_view const target = request.target;
    if (target.size() > target_bytes_max) {
        co_return problem(414, error("target_too_long", {}, "the request target is longer than 4096 bytes"));
    }
    if (!target.starts_with('/')) {
        co_return problem(
            400, error("bad_target", {}, "the request target is not a path", "begin it with a slash"));
    }
    std::size_t const question = target.find('?');
    std::string_view const path = target.substr(0, question);
    std::string allow;
    for (ApiRoute const& route : api_routes()) {
        auto const parameters = match(route.pattern, path);
        if (!parameters) continue;
        if (route.method != request.method) {
            ((allow += allow.empty() ? "" : ", ") += route.method) += route.method == "GET" ? ", HEAD" : "";
            continue;
        }
        Call call{request, control, {}, {}};
        for (std::string_view const parameter : *parameters) {
            if (!percent_decode(parameter, call.path.emplace_back()))
                co_return problem(400, bad_encoding("path"));
        }
        if (question != std::string_view::npos) {
            if (auto const wrong = read_query(target.substr(question + 1), route, call))
                co_return problem(400, *wrong);
        }
        co_return co_await route.handler(call);
    }
    if (allow.empty()) {
        if (request.method == "GET" && is_page(path)) co_return page(request, path);
        co_return problem(404, error("no_such_resource", {}, "there is nothing at this path",
                                     "/api/v1/openapi.yaml lists what there is"));
    }
    Reply reply = problem(
        405, error("method_not_allowed", {}, "this resource doesn't know that method", "use " + allow));
    reply.allow = std::move(allow);
    co_return reply;
}

}  // namespace hilum::ops
