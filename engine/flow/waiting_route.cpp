#include "engine/flow/waiting_route.h"

#include <boost/asio/thread_pool.hpp>

#include "engine/net/runtime.h"

namespace hilum::flow {

using destinations::Attempt;
using destinations::AttemptClass;
using destinations::Outgoing;

namespace {

// What the steps made of a message, all of it still in memory.
struct Worked {
    std::optional<Error> unreadable;
    routes::Processed processed;
};

// The first thing that keeps a message from going on. Part of it is never sent: whoever mends it sends all of
// it again.
std::string why_held(Generation const& generation, routes::Processed const& processed) {
    for (auto const& v : processed.verdicts) {
        if (v.outcome != routes::RouteOutcome::held && v.outcome != routes::RouteOutcome::rejected) continue;
        return "route " + generation.pipeline->route_names()[v.route] + ": " + v.reason;
    }
    return {};
}

class WaitingRoute final : public destinations::Destination {
  public:
    WaitingRoute(std::string route, WaitingContext context)
        : name_(std::move(route)),
          source_("route " + name_),
          context_(std::move(context)),
          world_(context_.outside) {}

    net::Task<Attempt> deliver(Outgoing const& outgoing) override;
    void close() noexcept override { world_.stop(); }
    std::string where() const override { return source_; }

  private:
    std::uint64_t identity_of(Outgoing const& outgoing) const;
    Worked work(Generation const& generation, std::uint32_t route, Outgoing const& outgoing,
                std::int64_t now_us);
    net::Task<Attempt> commit(Generation const& generation, Outgoing const& outgoing,
                              routes::Processed const& processed);

    std::string name_, source_;
    WaitingContext context_;
    outside::World world_;
    net::asio::thread_pool thread_{1};
};

net::Task<Attempt> WaitingRoute::deliver(Outgoing const& outgoing) {
    auto const generation = context_.flow.generation();
    auto const route = generation ? generation->pipeline->route(name_) : routes::Pipeline::none;
    if (route == routes::Pipeline::none)
        co_return Attempt{
            AttemptClass::busy, "no_route", "the configuration in force has no such route", {}, {}};
    auto const now_us = context_.now_us();
    auto job = [&] { return work(*generation, route, outgoing, now_us); };
    auto const worked = co_await net::run_on(thread_, job);
    if (worked.unreadable)
        co_return Attempt{AttemptClass::held, worked.unreadable->code, worked.unreadable->what, {}, {}};
    auto const& processed = worked.processed;
    auto const reason = why_held(*generation, processed);
    // The queue shows the code: reasons hold no content, and whoever looks at night should see which system
    // it is.
    if (processed.retry) co_return Attempt{AttemptClass::busy, reason, reason, {}, {}};
    if (!reason.empty()) co_return Attempt{AttemptClass::held, "held", reason, {}, {}};
    co_return co_await commit(*generation, outgoing, processed);
}

// A message that goes through the routes again has a new number, and is no duplicate of the one it was: steps
// that remember know it by that one's. What another route made of a message is one of its own.
std::uint64_t WaitingRoute::identity_of(Outgoing const& outgoing) const {
    auto const order = context_.store.read_order(outgoing.key.position);
    auto const stored = context_.store.read(order ? order->record.position : outgoing.key.position);
    bool const again = stored && stored->record.origin != 0 && !stored->record.source.starts_with("route ");
    return again ? stored->record.origin : outgoing.message;
}

Worked WaitingRoute::work(Generation const& generation, std::uint32_t route, Outgoing const& outgoing,
                          std::int64_t now_us) {
    Worked worked;
    auto const& pipeline = *generation.pipeline;
    auto const listener = pipeline.listener(context_.store.name(outgoing.listener));
    routes::Workpiece piece;
    if (auto const done = read(generation, listener, outgoing.body, piece); !done) {
        worked.unreadable = done.error();
        return worked;
    }
    auto const outside = world_.of_message(identity_of(outgoing), now_us);
    pipeline.resume(route, piece.subject(), outgoing.body, now_us, *outside, worked.processed);
    return worked;
}

net::Task<Attempt> WaitingRoute::commit(Generation const& generation, Outgoing const& outgoing,
                                        routes::Processed const& processed) {
    Attempt attempt{AttemptClass::delivered, "done", {}, {}, {}};
    store::Continuation record;
    auto& message = record.message;
    message.received_us = outgoing.received_us;
    message.listener = outgoing.listener;
    message.origin = outgoing.message;
    message.source = source_;
    message.config_hash = generation.config.hash;
    message.received = outgoing.body;
    message.answer_code = "none";
    take_over(processed, generation, message);
    auto& result = record.settles;
    result.sequence = outgoing.message;
    result.key = outgoing.key;
    result.settled_up_to = outgoing.settled_up_to;
    result.destination = context_.store.name_id(routes::Pipeline::waiting_lane(name_));
    result.attempt = outgoing.attempt;
    result.possible_duplicate = outgoing.possible_duplicate;
    result.time_us = context_.now_us();
    result.code = attempt.code;
    std::vector<store::NameId> to;
    for (auto const& d : message.deliveries) to.push_back(d.destination);
    CommitHub::BeforeLanes const follow = [&](store::Sequence as) {
        context_.replies.follow(outgoing.message, as, to);
    };
    auto const ticket = co_await context_.hub.commit(context_.store, record, &follow);
    if (!ticket) co_return Attempt{AttemptClass::local, ticket.error().code, ticket.error().what, {}, {}};
    count_processed(generation, routes::Pipeline::none, processed, context_.log);
    attempt.booked = true;
    co_return attempt;
}

}  // namespace

std::unique_ptr<destinations::Destination> make_waiting_route(std::string route, WaitingContext context) {
    return std::make_unique<WaitingRoute>(std::move(route), std::move(context));
}

}  // namespace hilum::flow
