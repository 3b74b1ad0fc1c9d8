// The handlers about messages: search, trace, bytes, sending again.
#include "engine/ops/api_messages.h"

#include <algorithm>
#include <optional>
#include <span>

#include "engine/net/clock.h"
#include "engine/ops/api_body.h"
#include "engine/ops/api_json.h"
#include "engine/ops/json.h"
#include "parsers/time_text.h"
#include "routes/config/diagnostics.h"

namespace hilum::ops {
namespace {

using Handled = net::Task<Reply>;
using Fields = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view raw_type = "application/octet-stream";

Error bad_parameter(std::string_view name, std::string what, std::string next) {
    return error("bad_parameter", std::string(name), std::move(what), std::move(next));
}

constexpr std::string_view message_states[] = {"accepted", "filtered", "rejected", "held", "done"};
constexpr std::string_view delivery_states[] = {"queued",  "retrying",  "delivered", "held",
                                                "skipped", "cancelled", "in_flight", "ambiguous"};

// True, false or not there, which is false.
Result<bool> read_flag(Fields const& fields, std::string_view name) {
    auto const found = fields.find(name);
    if (found == fields.end() || found->second == "false") return false;
    if (found->second == "true") return true;
    return bad_parameter(name, "neither true nor false", "write " + std::string(name) + "=true");
}

std::optional<Error> read_word(Fields const& fields, std::string_view name,
                               std::span<std::string_view const> words, std::string& out) {
    auto const found = fields.find(name);
    if (found == fields.end() || found->second.empty()) return std::nullopt;
    out = found->second;
    if (std::find(words.begin(), words.end(), out) != words.end()) return std::nullopt;
    return bad_parameter(name, "there is no state " + config::in_quotes(out),
                         config::suggest(out, words, "states"));
}

std::optional<Error> read_time(Fields const& fields, std::string_view name,
                               std::optional<std::int64_t>& out) {
    auto const found = fields.find(name);
    if (found == fields.end()) return std::nullopt;
    out = parse_rfc3339(found->second);
    if (out) return std::nullopt;
    return bad_parameter(name, "not a time of RFC 3339", "write it like 2026-11-22T03:04:05Z or 2026-11-22");
}

// The parameters of a search, wherever they stand.
Result<store::Query> read_search(Fields const& fields) {
    store::Query q;
    struct {
        std::string_view name;
        std::string& field;
    } const texts[] = {
        {"listener", q.listener},     {"type", q.type},   {"control_id", q.control_id},  {"sender", q.sender},
        {"patient_id", q.patient_id}, {"visit", q.visit}, {"destination", q.destination}};
    for (auto const& text : texts) {
        if (auto const found = fields.find(text.name); found != fields.end()) text.field = found->second;
    }
    if (auto const wrong = read_word(fields, "state", message_states, q.state)) return *wrong;
    if (auto const wrong = read_word(fields, "delivery_state", delivery_states, q.delivery_state))
        return *wrong;
    if (auto const wrong = read_time(fields, "since", q.since_us)) return *wrong;
    if (auto const wrong = read_time(fields, "until", q.until_us)) return *wrong;
    if (auto const found = fields.find("before"); found != fields.end()) {
        if (!read_number(found->second, q.before.emplace()))
            return bad_parameter("before", "not a message number", "give digits");
    }
    if (auto const found = fields.find("limit"); found != fields.end()) {
        if (!read_number(found->second, q.limit) || q.limit < 1 || q.limit > 1000) {
            return bad_parameter("limit", "not a number from 1 to 1000",
                                 "ask for the next page with before=");
        }
    }
    return q;
}

// The message that the path's first parameter names.
net::Task<Result<MessageView>> find_message(Call const& call) {
    std::uint64_t number = 0;
    if (!read_number(call.path[0], number)) {
        co_return error("no_such_message", {}, "a message has a number", "GET /api/v1/messages lists them");
    }
    co_return co_await call.control.message(number);
}

Handled find(Control& control, Fields const& fields, bool count) {
    auto query = read_search(fields);
    if (!query) co_return problem(400, query.error());
    auto const masked = read_flag(fields, "masked");
    if (!masked) co_return problem(400, masked.error());
    MessagePage page;
    auto rows = co_await control.messages(*query);
    if (!rows) co_return failed(rows.error());
    page.rows = std::move(*rows);
    if (page.rows.size() == query->limit) page.next_before = page.rows.back().sequence;
    if (count) {
        auto const begin = net::Clock::now();
        auto const counted = co_await control.count(*query);
        if (!counted) co_return failed(counted.error());
        page.count = *counted;
        page.count_took = std::chrono::duration_cast<std::chrono::milliseconds>(net::Clock::now() - begin);
    }
    co_return ok(messages_json(page, *masked));
}

}  // namespace

Handled messages(Call const& call) {
    return find(call.control, call.query, false);
}

Handled search(Call const& call) {
    using Kind = json::Value::Kind;
    Body body = read_body(call.request, {{"listener", Kind::string},
                                         {"type", Kind::string},
                                         {"control_id", Kind::string},
                                         {"sender", Kind::string},
                                         {"patient_id", Kind::string},
                                         {"visit", Kind::string},
                                         {"state", Kind::string},
                                         {"destination", Kind::string},
                                         {"delivery_state", Kind::string},
                                         {"since", Kind::string},
                                         {"until", Kind::string},
                                         {"before", Kind::natural},
                                         {"limit", Kind::natural},
                                         {"masked", Kind::boolean},
                                         {"count", Kind::boolean}});
    if (body.refusal) co_return std::move(*body.refusal);
    Fields fields;
    for (auto const& [name, value] : body.value.members) {
        fields[name] = value.is_natural()            ? std::to_string(value.natural)
                       : value.kind == Kind::boolean ? std::string(value.boolean ? "true" : "false")
                                                     : value.string;
    }
    co_return co_await find(call.control, fields, body.value["count"].boolean);
}

Handled message(Call const& call) {
    auto const masked = read_flag(call.query, "masked");
    if (!masked) co_return problem(400, masked.error());
    auto const view = co_await find_message(call);
    co_return view ? ok(message_json(*view, *masked)) : failed(view.error());
}

Handled steps(Call const& call) {
    auto const values = read_flag(call.query, "values");
    if (!values) co_return problem(400, values.error());
    std::uint64_t number = 0;
    if (!read_number(call.path[0], number)) {
        co_return failed(
            error("no_such_message", {}, "a message has a number", "GET /api/v1/messages lists them"));
    }
    auto const story = co_await call.control.steps(number);
    co_return story ? ok(story_json(*story, *values)) : failed(story.error());
}

Handled received(Call const& call) {
    auto const view = co_await find_message(call);
    co_return view ? ok(std::string(view->stored.record.received), raw_type) : failed(view.error());
}

Handled delivery_body(Call const& call) {
    auto const view = co_await find_message(call);
    if (!view) co_return failed(view.error());
    std::uint32_t ordinal = 0;
    if (!read_number(call.path[1], ordinal) || ordinal >= view->stored.record.deliveries.size()) {
        co_return failed(
            error("no_such_delivery", {}, "the message has no such delivery", "its deliveries count from 0"));
    }
    co_return ok(std::string(view->stored.body(ordinal)), raw_type);
}

Handled resend(Call const& call) {
    Body body = read_body(call.request, {{"destination", json::Value::Kind::string},
                                         {"by", json::Value::Kind::string},
                                         {"to", json::Value::Kind::string}});
    if (body.refusal) co_return std::move(*body.refusal);
    std::uint64_t number = 0;
    if (!read_number(call.path[0], number)) {
        co_return failed(
            error("no_such_message", {}, "a message has a number", "GET /api/v1/messages lists them"));
    }
    auto const by = read_by(body);
    if (!by) co_return problem(400, by.error());
    auto const done = co_await call.control.resend(number, std::string(body.value.text("destination")), *by,
                                                   std::string(body.value.text("to")));
    co_return done ? ok(resent_json(*done)) : failed(done.error());
}

}  // namespace hilum::ops
