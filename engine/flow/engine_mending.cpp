// What a person does about single messages and left-over queues: sends again, cancels, moves elsewhere.
#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "engine/flow/engine.h"
#include "engine/replay/held.h"
#include "engine/replay/mover.h"

namespace hilum::flow {

using namespace std::chrono_literals;
using store::DeliveryOutcome;

namespace {

constexpr auto index_catches_up = 2s;
constexpr auto look_again = 100ms;
constexpr auto counting_time = 15s;  // of bytes, before "at least" is said
constexpr std::size_t entries_a_scan = 1024;
constexpr std::size_t scan_bytes = 16u << 20;

Error no_such_destination(std::string const& name) {
    return error("no_such_queue", name, "the configuration in force has no such destination",
                 "`hilum queues list` shows them");
}

bool is_waiting_lane(std::string_view name) {
    return name.starts_with("(route ");
}

}  // namespace

bool Engine::configured(std::string const& destination) const {
    auto const generation = flow_->generation();
    auto const& all = generation->config.destinations;
    return std::any_of(all.begin(), all.end(), [&](auto const& c) { return c.name == destination; });
}

// A message that routes held goes through those routes again, as they are now; its first record stays as it
// is.
net::Task<Result<Engine::Resent>> Engine::reprocess(store::StoredMessage const& stored,
                                                    store::Position position) {
    auto const& record = stored.record;
    Flow::Again again{record.sequence, {}};
    for (auto const& verdict : record.verdicts) {
        if (verdict.outcome == static_cast<std::uint8_t>(routes::RouteOutcome::held))
            again.only.push_back(store_->name(verdict.route));
    }
    auto const entrance = flow_->entrance(store_->name(record.listener));
    auto const answer = co_await flow_->accept_again(entrance, record.received, record.source, again);
    if (!answer.stored)
        co_return error("not_now", std::to_string(record.sequence), "the store did not take it",
                        "try again when `hilum queues list` answers");
    store::ResultRecord released;
    released.sequence = record.sequence;
    released.key = {position, store::whole_message};
    released.outcome = DeliveryOutcome::released;
    released.time_us = now_us_();
    released.code = "reprocessed";
    auto const text = "as message " + std::to_string(answer.message);
    released.text = text;
    if (auto recorded = store_->record(released); !recorded) co_return recorded.error();
    note("resent", {}, "message " + std::to_string(record.sequence) + " through its routes again: " + text);
    co_return Resent{{}, answer.message};
}

net::Task<Result<std::vector<replay::HeldEntry>>> Engine::held_of(std::uint64_t number,
                                                                  std::string const& destination) {
    auto look = [this, number] { return replay::held_entries(*store_, number); };
    auto held = co_await net::run_blocking(*runtime_, look);
    if (held && !destination.empty())
        std::erase_if(*held, [&](auto const& e) { return store_->name(e.destination) != destination; });
    co_return held;
}

void Engine::no_longer_held(store::NameId destination) {
    if (auto const of = lane(store_->name(destination)))
        net::asio::post(of->executor(), [of] { of->released(1); });
}

net::Task<Result<Engine::Resent>> Engine::resend(std::uint64_t number, std::string destination,
                                                 std::string by, std::string to) {
    store::Position position;
    auto stored = co_await read_message(number, position);
    if (!stored) co_return stored.error();
    auto const& record = stored->record;
    if (record.state == store::MessageState::rejected) {
        co_return error("not_now", std::to_string(number), "the message was rejected at intake",
                        "the sender has to correct it and send it again");
    }
    if (!to.empty() && !configured(to)) co_return no_such_destination(to);
    if (record.state == store::MessageState::held && destination.empty() && to.empty()) {
        co_return co_await reprocess(*stored, position);
    }
    auto const held = co_await held_of(number, destination);
    if (!held) co_return held.error();

    Resent resent;
    auto const elsewhere = to.empty() ? store::NameId{0} : store_->name_id(to);
    // What is held is settled by this, in the same commit: it is held no longer.
    for (auto const& entry : *held) {
        if (elsewhere != 0 && is_waiting_lane(store_->name(entry.destination))) continue;
        auto const destined = elsewhere != 0 ? elsewhere : entry.destination;
        store::Transfer transfer;
        transfer.order = {record.sequence,
                          position,
                          entry.ordinal,
                          destined,
                          now_us_(),
                          by,
                          flow_->order_in(destined, position, entry.ordinal)};
        transfer.settles = replay::end_of_holding(number, entry, DeliveryOutcome::released, now_us_());
        transfer.settles.code = "resent";
        auto const text = elsewhere != 0 ? "to " + to : std::string();
        transfer.settles.text = text;
        auto const ticket = co_await hub_->commit(*store_, transfer);
        if (!ticket) co_return ticket.error();
        no_longer_held(entry.destination);
        resent.destinations.push_back(store_->name(destined));
    }
    std::vector<std::uint32_t> bodies;  // that went elsewhere: each goes once
    for (std::uint32_t ordinal = 0; held->empty() && ordinal < record.deliveries.size(); ++ordinal) {
        auto const& delivery = record.deliveries[ordinal];
        auto const name = store_->name(delivery.destination);
        if (!destination.empty() && name != destination) continue;
        if (elsewhere != 0) {
            if (is_waiting_lane(name) || std::count(bodies.begin(), bodies.end(), delivery.body) != 0)
                continue;
            bodies.push_back(delivery.body);
        }
        auto const destined = elsewhere != 0 ? elsewhere : delivery.destination;
        store::ResendRecord const order{record.sequence,
                                        position,
                                        ordinal,
                                        destined,
                                        now_us_(),
                                        by,
                                        flow_->order_in(destined, position, ordinal)};
        auto const ticket = co_await hub_->commit(*store_, order);
        if (!ticket) co_return ticket.error();
        resent.destinations.push_back(store_->name(destined));
    }
    if (resent.destinations.empty()) {
        co_return error("not_now", std::to_string(number),
                        destination.empty() ? "the message has no delivery"
                                            : "the message has no delivery for \"" + destination + "\"",
                        "`hilum messages show " + std::to_string(number) + "` lists its deliveries");
    }
    note("resent", resent.destinations.front(),
         "message " + std::to_string(number) + " sent again, asked by " + by);
    co_return resent;
}

// The index knows what is held, and a person may ask about what has happened a moment ago.
net::Task<Result<Engine::Resent>> Engine::cancel(std::uint64_t number, std::string destination,
                                                 std::string reason) {
    auto const executor = co_await net::asio::this_coro::executor;
    net::Timer pause(executor);
    auto const end = std::chrono::steady_clock::now() + index_catches_up;
    while (store_->index_lag() != 0 && std::chrono::steady_clock::now() < end) {
        pause.expires_after(look_again);
        co_await pause.async_wait(net::as_result);
    }
    auto view = co_await message(number);
    if (!view) co_return view.error();
    auto const held = co_await held_of(number, destination);
    if (!held) co_return held.error();
    Resent cancelled;
    for (auto const& entry : *held) {
        auto result = replay::end_of_holding(number, entry, DeliveryOutcome::cancelled, now_us_());
        result.code = "cancelled";
        result.text = reason;
        if (auto recorded = store_->record(result); !recorded) co_return recorded.error();
        no_longer_held(entry.destination);
        cancelled.destinations.push_back(store_->name(entry.destination));
    }
    if (view->row.state == "held" && destination.empty()) {
        auto const position = store_->find(number);
        if (!position) co_return position.error();
        store::ResultRecord result;
        result.sequence = number;
        result.key = {*position, store::whole_message};
        result.outcome = DeliveryOutcome::cancelled;
        result.time_us = now_us_();
        result.code = "cancelled";
        result.text = reason;
        if (auto recorded = store_->record(result); !recorded) co_return recorded.error();
        cancelled.destinations.emplace_back();
    }
    if (cancelled.destinations.empty())
        co_return error("not_now", std::to_string(number), "nothing of the message is held",
                        "`hilum messages show " + std::to_string(number) +
                            "` says where it is; the head of a queue can be skipped");
    log_.warn("cancelled", {{"message", number}, {"holdings", cancelled.destinations.size()}});
    note("cancelled", {}, "message " + std::to_string(number) + " is never sent");
    co_return cancelled;
}

// What waits in a queue, counted from the journal.
net::Task<ops::MoveView> Engine::count_waiting(store::NameId id) {
    ops::MoveView view;
    store::LaneState state;
    for (auto const& s : store_->lanes())
        if (s.destination == id) state = s;
    auto next = state.cursor;
    auto const end = std::chrono::steady_clock::now() + counting_time;
    for (bool done = false; !done;) {
        if (std::chrono::steady_clock::now() > end) {
            view.at_least = true;
            break;
        }
        auto look = [&] {
            auto const scan = store_->scan(id, next, entries_a_scan, scan_bytes);
            if (!scan) return true;
            for (auto const& entry : scan->entries) {
                if (std::binary_search(state.settled_ahead.begin(), state.settled_ahead.end(), entry.key))
                    continue;
                auto const stored = store_->read(entry.message);
                if (stored) view.bytes += stored->body(entry.ordinal).size();
                ++view.messages;
            }
            next = scan->reached;
            return scan->at_end;
        };
        done = co_await net::run_blocking(*runtime_, look);
    }
    co_return view;
}

net::Task<Result<ops::MoveView>> Engine::move(std::string from, std::string to, std::string by,
                                              bool dry_run) {
    auto const of = lane(from);
    if (!of)
        co_return error("no_such_queue", from, "no queue has this name", "`hilum queues list` shows them");
    if (is_waiting_lane(from) || configured(from))
        co_return error("not_now", from,
                        "the queue is in use: only that of a removed destination can be moved",
                        "`hilum replay` sends to another destination what was delivered");
    if (!configured(to)) co_return no_such_destination(to);
    auto view = co_await count_waiting(store_->name_id(from));
    if (dry_run || view.messages == 0) co_return view;
    view.moving = true;
    auto mover = [this, of, to, by] {
        delivery::Lane::Destinations one;
        one.push_back(replay::make_mover(to, by, {*runtime_, *store_, *hub_, *flow_, of->name(), now_us_}));
        of->set_destinations(std::move(one), {});
    };
    auto const resumed = co_await set_paused(from, std::nullopt);
    if (!resumed) co_return resumed.error();
    net::asio::post(of->executor(), mover);
    log_.info("queue_moves", {{"destination", from}, {"to", to}, {"messages", view.messages}});
    note("moved", from, std::to_string(view.messages) + " messages go to " + to + ", asked by " + by);
    net::asio::co_spawn(of->executor(), end_of_move(of), net::asio::detached);
    co_return view;
}

// The queue is as it was, a removed one, when it is empty; unless a reload has brought its destination back.
net::Task<void> Engine::end_of_move(LanePointer of) {
    net::Timer pause(of->executor());
    do {
        pause.expires_after(look_again);
        co_await pause.async_wait(net::as_result);
    } while (ready_ && of->view().queued != 0);
    auto put_back = [this, of] {
        std::lock_guard lock(reload_mutex_);
        if (!running_ || destinations_.contains(of->name())) return true;
        net::asio::post(of->executor(), [of] { of->set_destinations({}, {}); });
        return true;
    };
    co_await net::run_blocking(*runtime_, put_back);
    log_.info("queue_moved", {{"destination", of->name()}});
}

}  // namespace hilum::flow
