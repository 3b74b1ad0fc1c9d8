#include "engine/replay/mover.h"

#include <algorithm>

namespace hilum::replay {
namespace {

using destinations::Attempt;
using destinations::AttemptClass;
using destinations::Outgoing;

class Mover final : public destinations::Destination {
  public:
    Mover(std::string to, std::string by, MoverContext context)
        : to_(std::move(to)), by_(std::move(by)), context_(std::move(context)) {}
    net::Task<Attempt> deliver(Outgoing const& outgoing) override;
    void close() noexcept override {}  // a commit ends by itself
    std::string where() const override { return "moves to " + to_; }

  private:
    struct Entry {
        store::Position message;
        std::uint32_t ordinal = 0;
    };
    Result<Entry> entry_of(store::LaneKey const& key) const;

    std::string to_, by_;
    MoverContext context_;
};

// An entry is a delivery of a message record, or an order to deliver one again.
Result<Mover::Entry> Mover::entry_of(store::LaneKey const& key) const {
    if (auto const order = context_.store.read_order(key.position))
        return Entry{order->record.position, order->record.ordinal};
    return Entry{key.position, key.ordinal};
}

net::Task<Attempt> Mover::deliver(Outgoing const& outgoing) {
    auto const generation = context_.flow.generation();
    auto const& all = generation->config.destinations;
    if (std::none_of(all.begin(), all.end(), [this](auto const& c) { return c.name == to_; }))
        co_return Attempt{AttemptClass::busy, "no_destination", to_ + " is not configured any more", {}, {}};
    auto look = [&] { return entry_of(outgoing.key); };
    auto const entry = co_await net::run_blocking(context_.runtime, look);
    if (!entry) co_return Attempt{AttemptClass::local, entry.error().code, entry.error().what, {}, {}};
    store::Transfer transfer;
    auto const now_us = context_.now_us();
    transfer.order = {outgoing.message,
                      entry->message,
                      entry->ordinal,
                      context_.store.name_id(to_),
                      now_us,
                      by_,
                      context_.flow.order_in(context_.store.name_id(to_), entry->message, entry->ordinal)};
    auto& result = transfer.settles;
    result.sequence = outgoing.message;
    result.key = outgoing.key;
    result.settled_up_to = outgoing.settled_up_to;
    result.destination = context_.store.name_id(context_.lane);
    result.outcome = store::DeliveryOutcome::cancelled;
    result.attempt = outgoing.attempt;
    result.time_us = now_us;
    result.code = "moved";
    auto const text = "to " + to_;
    result.text = text;
    auto const ticket = co_await context_.hub.commit(context_.store, transfer);
    if (!ticket) co_return Attempt{AttemptClass::local, ticket.error().code, ticket.error().what, {}, {}};
    Attempt attempt{AttemptClass::delivered, "moved", {}, {}, {}};
    attempt.booked = true;
    co_return attempt;
}

}  // namespace

std::unique_ptr<destinations::Destination> make_mover(std::string to, std::string by, MoverContext context) {
    return std::make_unique<Mover>(std::move(to), std::move(by), std::move(context));
}

}  // namespace hilum::replay
