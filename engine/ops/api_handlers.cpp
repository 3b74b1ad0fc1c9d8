// One handler per resource, and the table of them.
#include <charconv>
#include <optional>

#include "engine/ops/api.h"
#include "engine/ops/api_json.h"
#include "engine/ops/json.h"
#include "engine/ops/openapi.h"
#include "parsers/time_text.h"
#include "routes/config/diagnostics.h"

namespace hilum::ops {
namespace {

using Handled = net::Task<Reply>;

constexpr std::string_view plain = "text/plain; charset=utf-8";

Reply ok(std::string body, std::string_view type = "application/json") {
    return {.status = 200, .content_type = std::string(type), .body = std::move(body), .allow = {}};
}
Reply failed(Error const& e) {
    return problem(status_of(e), e);
}

template <class N>
bool read_number(std::string_view text, N& out) {
    auto const [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
    return ec == std::errc{} && end == text.data() + text.size();
}

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

// --- the body of a POST

struct BodyKey {
    std::string_view name;
    json::Value::Kind kind;
    bool required = false;
};

// The body as an object that has these keys and no others; an empty body counts as {}.
struct Body {
    json::Value value;
    std::optional<Reply> refusal;
};
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
            return refuse(400,
                          error("wrong_type", "body",
                                "member " + config::in_quotes(member.name) + " is not " +
                                    (key->kind == json::Value::Kind::string ? "a text" : "a whole number")));
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
    auto const all = co_await call.control.queues();
    for (auto const& q : all) {
        if (q.destination == call.path[0]) co_return ok(queue_json(q));
    }
    co_return failed(error("no_such_queue", {}, "there is no queue " + config::in_quotes(call.path[0]),
                           "GET /api/v1/queues lists them"));
}

using QueueAction = net::Task<Result<QueueView>> (Control::*)(std::string destination);

template <QueueAction action>
Handled queue_action(Call const& call) {
    Body body = read_body(call.request, {});
    if (body.refusal) co_return std::move(*body.refusal);
    auto const done = co_await (call.control.*action)(call.path[0]);
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
    std::string const reason(body.value.text("reason"));
    if (reason.find_first_not_of(" \t\r\n") == std::string::npos || reason.size() > 1000) {
        co_return problem(
            400, error("bad_reason", "body", "the reason is empty or longer than 1000 bytes", "say why"));
    }
    auto const done = co_await (call.control.*action)(call.path[0], body.value.number("message"), reason);
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
    Body body = read_body(call.request,
                          {{"destination", json::Value::Kind::string}, {"by", json::Value::Kind::string}});
    if (body.refusal) co_return std::move(*body.refusal);
    std::uint64_t number = 0;
    if (!read_number(call.path[0], number)) {
        co_return failed(
            error("no_such_message", {}, "a message has a number", "GET /api/v1/messages lists them"));
    }
    std::string by(body.value.text("by"));
    if (by.size() > 200)
        co_return problem(400, error("bad_by", "body", "the name of who asks is longer than 200 bytes"));
    if (by.empty()) by = "api";
    auto const done =
        co_await call.control.resend(number, std::string(body.value.text("destination")), std::move(by));
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
        {"POST", "/api/v1/queues/{name}/pause", queue_action<&Control::pause>},
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
    };
    return routes;
}

}  // namespace hilum::ops
