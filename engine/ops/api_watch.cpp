#include "engine/ops/api_watch.h"

#include "engine/net/instant.h"
#include "engine/ops/api_body.h"
#include "engine/ops/api_json.h"
#include "engine/ops/page.h"
#include "routes/config/diagnostics.h"

namespace hilum::ops {
namespace {

using Handled = net::Task<Reply>;

constexpr std::size_t segments_max = 100;

Reply stopping() {
    return problem(503, error("not_now", {}, "the engine is stopping"));
}

Reply told(std::optional<History> const& history, std::string_view code, std::string_view what,
           std::string const& name) {
    if (history) return ok(history_json(*history));
    return failed(error(std::string(code), name, "no " + std::string(what) + " has this name"));
}

}  // namespace

Handled console_page(Call const& call) {
    co_return page(call.request, "/");
}

Handled overview(Call const& call) {
    auto const now = co_await call.control.overview();
    co_return now ? ok(now->whole) : stopping();
}

// The first event is as fresh as an overview is.
Handled live(Call const& call) {
    auto const now = co_await call.control.overview();
    if (!now) co_return stopping();
    auto const executor = co_await net::asio::this_coro::executor;
    Reply reply = ok({}, "text/event-stream");
    reply.stream = call.control.live().join(executor);
    if (!reply.stream)
        co_return problem(503, error("too_many_clients", {}, "32 clients watch already",
                                     "close a console, or ask for /api/v1/overview"));
    co_return reply;
}

Handled queue_history(Call const& call) {
    auto const& name = call.path[0];
    co_return told(call.control.queue_history(name), "no_such_queue", "destination", name);
}

Handled listener_history(Call const& call) {
    auto const& name = call.path[0];
    co_return told(call.control.listener_history(name), "no_such_listener", "listener", name);
}

Handled held_groups(Call const& call) {
    auto const held = co_await call.control.held();
    co_return held ? ok(held_json(*held)) : failed(held.error());
}

Handled dictionary(Call const& call) {
    auto const version = hl7::version_named(call.path[0]);
    if (!version)
        co_return problem(400, error("bad_parameter", "version", "there is no such version of HL7 v2",
                                     "2.1 to 2.8.2, such as 2.5.1"));
    std::vector<std::string_view> names;
    auto const found = call.query.find("segments");
    std::string_view text = found == call.query.end() ? std::string_view() : found->second;
    while (!text.empty()) {
        auto const name = text.substr(0, text.find(','));
        text.remove_prefix(std::min(text.size(), name.size() + 1));
        if (!name.empty()) names.push_back(name);
    }
    if (names.empty() || names.size() > segments_max)
        co_return problem(400, error("bad_parameter", "segments", "no segments are named, or more than 100",
                                     "write segments=PID,OBX"));
    co_return ok(dictionary_json(call.control.dictionary(), *version, names));
}

}  // namespace hilum::ops
