#include "engine/ops/api_body.h"

#include <algorithm>

#include "routes/config/diagnostics.h"

namespace hilum::ops {

Reply ok(std::string body, std::string_view type) {
    return {.status = 200, .content_type = std::string(type), .body = std::move(body), .allow = {}};
}

Reply failed(Error const& e) {
    return problem(status_of(e), e);
}

Body read_body(Request const& request, std::initializer_list<BodyKey> keys) {
    Body body;
    body.value.kind = json::Value::Kind::object;
    auto const refuse = [&](unsigned status, Error e) {
        body.refusal = problem(status, e);
        return std::move(body);
    };
    if (!request.body.empty()) {
        std::string_view const type =
            std::string_view(request.content_type).substr(0, request.content_type.find(';'));
        // A browser sends this type to another origin only after asking, which is never answered: no forged
        // forms.
        if (type != "application/json") {
            return refuse(415, error("not_json_type", {}, "the body is not application/json",
                                     "set Content-Type: application/json"));
        }
        auto parsed = json::parse(request.body);
        if (!parsed) return refuse(400, parsed.error());
        body.value = std::move(*parsed);
    }
    if (!body.value.is_object()) return refuse(400, error("bad_body", {}, "the body is not a JSON object"));
    std::vector<std::string_view> known;
    for (auto const& key : keys) known.push_back(key.name);
    for (auto const& member : body.value.members) {
        auto const* key =
            std::find_if(keys.begin(), keys.end(), [&](auto const& k) { return k.name == member.name; });
        if (key == keys.end()) {
            return refuse(
                400,
                error("unknown_member", "body", "unknown member " + config::in_quotes(member.name),
                      known.empty() ? "this takes no body" : config::suggest(member.name, known, "members")));
        }
        if (member.value.kind != key->kind) {
            return refuse(400, error("wrong_type", "body",
                                     "member " + config::in_quotes(member.name) + " is not " +
                                         (key->kind == json::Value::Kind::string    ? "a text"
                                          : key->kind == json::Value::Kind::boolean ? "true or false"
                                                                                    : "a whole number")));
        }
    }
    for (auto const& key : keys) {
        if (key.required && !body.value.find(key.name)) {
            return refuse(400, error("missing_member", "body",
                                     "member " + config::in_quotes(key.name) + " is missing"));
        }
    }
    return body;
}

Result<std::string> read_reason(Body const& body, std::string next) {
    std::string reason(body.value.text("reason"));
    if (reason.find_first_not_of(" \t\r\n") == std::string::npos || reason.size() > 1000)
        return error("bad_reason", "body", "the reason is empty or longer than 1000 bytes", std::move(next));
    return {boost::system::in_place_value, std::move(reason)};
}

Result<std::string> read_by(Body const& body) {
    std::string by(body.value.text("by"));
    if (by.size() > 200) return error("bad_by", "body", "the name of who asks is longer than 200 bytes");
    // The trace says so of what a job has done, and a job finds by it what it did.
    if (by.starts_with("replayed by job "))
        return error("bad_by", "body", "the name of who asks is one that replay jobs have", "take another");
    if (by.empty()) by = "api";
    return {boost::system::in_place_value, std::move(by)};
}

}  // namespace hilum::ops
