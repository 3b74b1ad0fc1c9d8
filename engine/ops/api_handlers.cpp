// One handler per resource, and the table of them.
#include <optional>

#include "engine/ops/api.h"
#include "engine/ops/api_body.h"
#include "engine/ops/api_json.h"
#include "engine/ops/api_replay.h"
#include "engine/ops/json.h"
#include "engine/ops/openapi.h"
#include "parsers/time_text.h"
#include "routes/config/diagnostics.h"

namespace hilum::ops {
namespace {

using Handled = net::Task<Reply>;

constexpr std::string_view plain = "text/plain; charset=utf-8";

// --- probes and metrics

Handled livez(Call const&) {
    co_return ok("alive\n", plain);
}

Handled readyz(Call const& call) {
    Reply reply = ok("ready\n", plain);
    auto const status = call.control.status();
    bool const ready = call.control.ready();
    if (!ready) {
        reply.status = 503;
        reply.body = "not ready\n";
    }
    if (status.space_level != "room")
        reply.body = (ready ? "ready; the store is " : "not ready; the store is ") +
                     std::to_string(status.space.percent) + " % full\n";
    co_return reply;
}

Handled metrics(Call const& call) {
    co_return ok(call.control.metrics(), "text/plain; version=0.0.4; charset=utf-8");
}

Handled openapi(Call const&) {
    co_return ok(std::string(openapi_document()), "application/yaml");
}

Handled status(Call const& call) {
    co_return ok(status_json(call.control.status()));
}

Handled listeners(Call const& call) {
    co_return ok(listeners_json(call.control.listeners()));
}

Handled conformance(Call const& call) {
    co_return ok(conformance_json(call.control.conformance()));
}

// --- the configuration

Handled reload(Call const& call) {
    Body body = read_body(call.request, {});
    if (body.refusal) co_return std::move(*body.refusal);
    auto const view = co_await call.control.reload();
    if (!view.refused) co_return ok(reload_json(view));
    unsigned const status = view.refused->code == std::string_view("bad_configuration") ? 422 : 409;
    co_return problem(status, *view.refused, &view.diagnostics);
}

// --- queues

Handled queues(Call const& call) {
    auto const all = co_await call.control.queues();
    co_return ok(queues_json(all, call.control.status()));
}

Handled queue(Call const& call) {
    auto const found = co_await call.control.queue(call.path[0]);
    co_return found ? ok(queue_json(*found)) : failed(found.error());
}

using QueueAction = net::Task<Result<QueueView>> (Control::*)(std::string destination);

template <QueueAction action>
Handled queue_action(Call const& call) {
    Body body = read_body(call.request, {});
    if (body.refusal) co_return std::move(*body.refusal);
    auto const done = co_await (call.control.*action)(call.path[0]);
    co_return done ? ok(queue_json(*done)) : failed(done.error());
}

Handled pause(Call const& call) {
    Body body = read_body(call.request,
                          {{"reason", json::Value::Kind::string}, {"until", json::Value::Kind::string}});
    if (body.refusal) co_return std::move(*body.refusal);
    store::Pause pause;
    pause.reason = body.value.text("reason").substr(0, 1000);
    if (auto const until = body.value.text("until"); !until.empty()) {
        auto const time = parse_rfc3339(until);
        if (!time)
            co_return problem(400, error("bad_time", "body", "until is no RFC 3339 time",
                                         "write it as 2026-07-14T06:00:00Z"));
        pause.until_us = *time;
    }
    auto const done = co_await call.control.pause(call.path[0], std::move(pause));
    co_return done ? ok(queue_json(*done)) : failed(done.error());
}

Handled retry(Call const& call) {
    Body body = read_body(call.request, {{"message", json::Value::Kind::natural}});
    if (body.refusal) co_return std::move(*body.refusal);
    auto const done = co_await call.control.retry(call.path[0], body.value.number("message"));
    co_return done ? ok(queue_json(*done)) : failed(done.error());
}

using TakeOut = net::Task<Result<QueueView>> (Control::*)(std::string destination, std::uint64_t message,
                                                          std::string reason);

template <TakeOut action>
Handled take_out(Call const& call) {
    Body body = read_body(call.request, {{"message", json::Value::Kind::natural, true},
                                         {"reason", json::Value::Kind::string, true}});
    if (body.refusal) co_return std::move(*body.refusal);
    auto const reason = read_reason(body, "say why");
    if (!reason) co_return problem(400, reason.error());
    auto const done = co_await (call.control.*action)(call.path[0], body.value.number("message"), *reason);
    co_return done ? ok(queue_json(*done)) : failed(done.error());
}

// --- messages

Error bad_parameter(std::string_view name, std::string what, std::string next) {
    return error("bad_parameter", std::string(name), std::move(what), std::move(next));
}

constexpr std::string_view message_states[] = {"accepted", "filtered", "rejected", "held", "done"};
constexpr std::string_view delivery_states[] = {"queued",  "retrying",  "delivered", "held",
                                                "skipped", "cancelled", "in_flight", "ambiguous"};

std::optional<Error> read_word(Call const& call, std::string_view name,
                               std::span<std::string_view const> words, std::string& out) {
    auto const found = call.query.find(name);
    if (found == call.query.end() || found->second.empty()) return std::nullopt;
    out = found->second;
    if (std::find(words.begin(), words.end(), out) != words.end()) return std::nullopt;
    return bad_parameter(name, "there is no state " + config::in_quotes(out),
                         config::suggest(out, words, "states"));
}

std::optional<Error> read_time(Call const& call, std::string_view name, std::optional<std::int64_t>& out) {
    auto const found = call.query.find(name);
    if (found == call.query.end()) return std::nullopt;
    out = parse_rfc3339(found->second);
    if (out) return std::nullopt;
    return bad_parameter(name, "not a time of RFC 3339", "write it like 2026-11-22T03:04:05Z or 2026-11-22");
}

Result<store::Query> read_search(Call const& call) {
    store::Query q;
    struct {
        std::string_view name;
        std::string& field;
    } const texts[] = {
        {"listener", q.listener},     {"type", q.type},   {"control_id", q.control_id},  {"sender", q.sender},
        {"patient_id", q.patient_id}, {"visit", q.visit}, {"destination", q.destination}};
    for (auto const& text : texts) {
        if (auto const found = call.query.find(text.name); found != call.query.end())
            text.field = found->second;
    }
    if (auto const wrong = read_word(call, "state", message_states, q.state)) return *wrong;
    if (auto const wrong = read_word(call, "delivery_state", delivery_states, q.delivery_state))
        return *wrong;
    if (auto const wrong = read_time(call, "since", q.since_us)) return *wrong;
    if (auto const wrong = read_time(call, "until", q.until_us)) return *wrong;
    if (auto const found = call.query.find("before"); found != call.query.end()) {
        if (!read_number(found->second, q.before.emplace()))
            return bad_parameter("before", "not a message number", "give digits");
    }
    if (auto const found = call.query.find("limit"); found != call.query.end()) {
        if (!read_number(found->second, q.limit) || q.limit < 1 || q.limit > 1000) {
            return bad_parameter("limit", "not a number from 1 to 1000",
                                 "ask for the next page with before=");
        }
    }
    return q;
}

Handled messages(Call const& call) {
    auto query = read_search(call);
    if (!query) co_return problem(400, query.error());
    std::uint32_t const limit = query->limit;
    auto const rows = co_await call.control.messages(std::move(*query));
    if (!rows) co_return failed(rows.error());
    co_return ok(messages_json(*rows, rows->size() == limit ? rows->back().sequence : 0));
}

// The message that the path's first parameter names.
net::Task<Result<MessageView>> find_message(Call const& call) {
    std::uint64_t number = 0;
    if (!read_number(call.path[0], number)) {
        co_return error("no_such_message", {}, "a message has a number", "GET /api/v1/messages lists them");
    }
    co_return co_await call.control.message(number);
}

Handled message(Call const& call) {
    auto const view = co_await find_message(call);
    co_return view ? ok(message_json(*view)) : failed(view.error());
}

constexpr std::string_view raw_type = "application/octet-stream";

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

}  // namespace

std::vector<ApiRoute> const& api_routes() {
    static std::vector<ApiRoute> const routes{
        {"GET", "/livez", livez},
        {"GET", "/readyz", readyz},
        {"GET", "/metrics", metrics},
        {"GET", "/api/v1/openapi.yaml", openapi},
        {"GET", "/api/v1/status", status},
        {"POST", "/api/v1/reload", reload},
        {"GET", "/api/v1/listeners", listeners},
        {"GET", "/api/v1/conformance", conformance},
        {"GET", "/api/v1/queues", queues},
        {"GET", "/api/v1/queues/{name}", queue},
        {"POST", "/api/v1/queues/{name}/pause", pause},
        {"POST", "/api/v1/queues/{name}/resume", queue_action<&Control::resume>},
        {"POST", "/api/v1/queues/{name}/retry", retry},
        {"POST", "/api/v1/queues/{name}/skip", take_out<&Control::skip>},
        {"POST", "/api/v1/queues/{name}/hold", take_out<&Control::hold>},
        {"GET",
         "/api/v1/messages",
         messages,
         {"listener", "type", "control_id", "sender", "patient_id", "visit", "state", "destination",
          "delivery_state", "since", "until", "before", "limit"}},
        {"GET", "/api/v1/messages/{number}", message},
        {"GET", "/api/v1/messages/{number}/received", received},
        {"GET", "/api/v1/messages/{number}/deliveries/{ordinal}/body", delivery_body},
        {"POST", "/api/v1/messages/{number}/resend", resend},
        {"POST", "/api/v1/messages/{number}/cancel", cancel_message},
        {"POST", "/api/v1/queues/{name}/move", move_queue},
        {"POST", "/api/v1/replays", plan_replay},
        {"GET", "/api/v1/replays", replays},
        {"GET", "/api/v1/replays/{job}", replay},
        {"POST", "/api/v1/replays/{job}/start", start_replay},
        {"POST", "/api/v1/replays/{job}/cancel", cancel_replay},
    };
    return routes;
}

}  // namespace hilum::ops
