#include "engine/ops/api_replay.h"

#include <algorithm>
#include <span>

#include "engine/net/instant.h"
#include "engine/ops/api_body.h"
#include "engine/ops/api_json.h"
#include "parsers/time_text.h"
#include "routes/config/diagnostics.h"

namespace hilum::ops {
namespace {

using Handled = net::Task<Reply>;
using Kind = json::Value::Kind;

constexpr std::uint32_t rate_max = 100'000;
constexpr std::size_t where_bytes_max = 10'000, cause_bytes_max = 10'000;
constexpr std::string_view modes[] = {"as-sent", "reprocess", "held"};

Error no_replay() {
    return error("not_now", {}, "this engine does not replay");
}

Result<std::int64_t> read_time(Body const& body, std::string_view name, std::int64_t otherwise) {
    if (!body.value.find(name)) return otherwise;
    auto const time = parse_rfc3339(body.value.text(name));
    if (!time)
        return error("bad_parameter", std::string(name), "not a time of RFC 3339",
                     "write it like 2026-11-22T03:04:05Z or 2026-11-22");
    return *time;
}

Result<ReplayRequest> read_request(Body const& body) {
    ReplayRequest r;
    auto const mode = body.value.find("mode") ? body.value.text("mode") : modes[0];
    auto const known = std::find(std::begin(modes), std::end(modes), mode);
    if (known == std::end(modes))
        return error("bad_parameter", "mode", "there is no mode " + config::in_quotes(mode),
                     "as-sent, reprocess or held");
    r.mode = static_cast<ReplayMode>(known - std::begin(modes));
    if (r.mode != ReplayMode::held && !body.value.find("from"))
        return error("missing_member", "body", "member \"from\" is missing", "say since when");
    auto const from = read_time(body, "from", 0);
    if (!from) return from.error();
    auto const to = read_time(body, "to", net::now_us());
    if (!to) return to.error();
    r.from_us = *from;
    r.to_us = *to;
    struct {
        std::string_view name;
        std::string& field;
    } const texts[] = {
        {"listener", r.listener}, {"route", r.route}, {"destination", r.destination},      {"code", r.code},
        {"cause", r.cause},       {"where", r.where}, {"to_destination", r.to_destination}};
    for (auto const& text : texts) text.field = body.value.text(text.name);
    if (r.cause.size() > cause_bytes_max)
        return error("bad_parameter", "cause", "the cause is longer than 10000 bytes");
    if (r.where.size() > where_bytes_max)
        return error("bad_expression", "where", "the expression is longer than 10000 bytes");
    if (body.value.find("rate")) {
        auto const rate = body.value.number("rate");
        if (rate < 1 || rate > rate_max)
            return error("bad_parameter", "rate", "not a number from 1 to 100000", "give messages a second");
        r.rate = static_cast<std::uint32_t>(rate);
    }
    auto by = read_by(body);
    if (!by) return by.error();
    r.by = std::move(*by);
    return r;
}

// The job that the path's first parameter names; 0: none can be meant.
std::uint64_t job_number(Call const& call) {
    std::uint64_t number = 0;
    return read_number(call.path[0], number) ? number : 0;
}

Reply told(Result<ReplayView> const& view) {
    return view ? ok(replay_json(*view)) : failed(view.error());
}

}  // namespace

Handled cancel_message(Call const& call) {
    Body body = read_body(call.request, {{"destination", Kind::string}, {"reason", Kind::string, true}});
    if (body.refusal) co_return std::move(*body.refusal);
    auto const reason = read_reason(body, "say why it is never to be sent");
    if (!reason) co_return problem(400, reason.error());
    auto const number = job_number(call);
    if (number == 0)
        co_return failed(
            error("no_such_message", {}, "a message has a number", "GET /api/v1/messages lists them"));
    auto const done =
        co_await call.control.cancel(number, std::string(body.value.text("destination")), *reason);
    co_return done ? ok(resent_json(*done)) : failed(done.error());
}

Handled move_queue(Call const& call) {
    Body body = read_body(call.request,
                          {{"to", Kind::string, true}, {"by", Kind::string}, {"dry_run", Kind::boolean}});
    if (body.refusal) co_return std::move(*body.refusal);
    auto const by = read_by(body);
    if (!by) co_return problem(400, by.error());
    auto const done = co_await call.control.move(call.path[0], std::string(body.value.text("to")), *by,
                                                 body.value["dry_run"].boolean);
    co_return done ? ok(move_json(*done)) : failed(done.error());
}

Handled plan_replay(Call const& call) {
    Body body = read_body(call.request, {{"mode", Kind::string},
                                         {"from", Kind::string},
                                         {"to", Kind::string},
                                         {"listener", Kind::string},
                                         {"route", Kind::string},
                                         {"destination", Kind::string},
                                         {"code", Kind::string},
                                         {"cause", Kind::string},
                                         {"where", Kind::string},
                                         {"to_destination", Kind::string},
                                         {"rate", Kind::natural},
                                         {"by", Kind::string}});
    if (body.refusal) co_return std::move(*body.refusal);
    auto request = read_request(body);
    if (!request) co_return problem(400, request.error());
    auto* const replays = call.control.replays();
    if (!replays) co_return failed(no_replay());
    co_return told(replays->plan(std::move(*request)));
}

Handled replays(Call const& call) {
    auto* const replays = call.control.replays();
    co_return ok(replays_json(replays ? replays->jobs() : std::vector<ReplayView>{}));
}

Handled replay(Call const& call) {
    auto* const replays = call.control.replays();
    co_return replays ? told(replays->job(job_number(call))) : failed(no_replay());
}

Handled start_replay(Call const& call) {
    Body body = read_body(call.request, {});
    if (body.refusal) co_return std::move(*body.refusal);
    auto* const replays = call.control.replays();
    if (!replays) co_return failed(no_replay());
    auto const view = co_await replays->start(job_number(call));
    co_return told(view);
}

Handled cancel_replay(Call const& call) {
    Body body = read_body(call.request, {});
    if (body.refusal) co_return std::move(*body.refusal);
    auto* const replays = call.control.replays();
    if (!replays) co_return failed(no_replay());
    auto const view = co_await replays->cancel(job_number(call));
    co_return told(view);
}

}  // namespace hilum::ops
