// One handler per resource, and the table of them.
#include <optional>

#include "engine/ops/api.h"
#include "engine/ops/api_body.h"
#include "engine/ops/api_json.h"
#include "engine/ops/api_messages.h"
#include "engine/ops/api_replay.h"
#include "engine/ops/api_watch.h"
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

}  // namespace

std::vector<ApiRoute> const& api_routes() {
    static std::vector<ApiRoute> const routes{
        {"GET", "/", console_page},
        {"GET", "/livez", livez},
        {"GET", "/readyz", readyz},
        {"GET", "/metrics", metrics},
        {"GET", "/api/v1/openapi.yaml", openapi},
        {"GET", "/api/v1/status", status},
        {"POST", "/api/v1/reload", reload},
        {"GET", "/api/v1/listeners", listeners},
        {"GET", "/api/v1/conformance", conformance},
        {"GET", "/api/v1/overview", overview},
        {"GET", "/api/v1/live", live},
        {"GET", "/api/v1/listeners/{name}/history", listener_history},
        {"GET", "/api/v1/queues", queues},
        {"GET", "/api/v1/queues/{name}", queue},
        {"GET", "/api/v1/queues/{name}/history", queue_history},
        {"POST", "/api/v1/queues/{name}/pause", pause},
        {"POST", "/api/v1/queues/{name}/resume", queue_action<&Control::resume>},
        {"POST", "/api/v1/queues/{name}/retry", retry},
        {"POST", "/api/v1/queues/{name}/skip", take_out<&Control::skip>},
        {"POST", "/api/v1/queues/{name}/hold", take_out<&Control::hold>},
        {"GET",
         "/api/v1/messages",
         messages,
         {"listener", "type", "control_id", "sender", "patient_id", "visit", "state", "destination",
          "delivery_state", "since", "until", "before", "limit", "masked"}},
        {"POST", "/api/v1/messages/search", search},
        {"GET", "/api/v1/messages/{number}", message, {"masked"}},
        {"GET", "/api/v1/messages/{number}/steps", steps, {"values"}},
        {"GET", "/api/v1/messages/{number}/received", received},
        {"GET", "/api/v1/messages/{number}/deliveries/{ordinal}/body", delivery_body},
        {"POST", "/api/v1/messages/{number}/resend", resend},
        {"POST", "/api/v1/messages/{number}/cancel", cancel_message},
        {"GET", "/api/v1/held", held_groups},
        {"GET", "/api/v1/dictionary/{version}", dictionary, {"segments"}},
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
