#include "engine/flow/commit_hub.h"

#include <boost/asio/post.hpp>

#include "engine/delivery/lane.h"

namespace hilum::flow {

using namespace std::chrono_literals;
namespace {

constexpr auto look_out_at_most = 600us;

}  // namespace

CommitHub::CommitHub(net::Runtime& runtime) : runtime_(runtime) {}

void CommitHub::add(store::NameId destination, std::shared_ptr<delivery::Lane> lane) {
    std::lock_guard lock(mutex_);
    lanes_[destination] = std::move(lane);
}

void CommitHub::remove(store::NameId destination) {
    std::lock_guard lock(mutex_);
    lanes_.erase(destination);
}

void CommitHub::cancel(store::NameId destination, store::Sequence message) {
    std::lock_guard lock(mutex_);
    auto const lane = lanes_.find(destination);
    if (lane == lanes_.end()) return;
    net::asio::post(lane->second->executor(), [lane = lane->second, message] { lane->cancel(message); });
}

void CommitHub::prepare(Pending& pending, store::MessageRecord const& record) {
    pending.received_us = record.received_us;
    pending.deliveries = record.deliveries;
}

void CommitHub::prepare(Pending& pending, store::ResendRecord const& record) {
    pending.received_us = record.time_us;
    pending.resend = &record;
}

void CommitHub::prepare(Pending& pending, store::Continuation const& record) {
    prepare(pending, record.message);
}

void CommitHub::prepare(Pending& pending, store::Transfer const& record) {
    prepare(pending, record.order);
}

std::size_t CommitHub::index_of(net::Executor const& executor) const {
    for (std::size_t i = 0; i < runtime_.size(); ++i) {
        if (&runtime_.context(i) == &executor.context()) return i;
    }
    return 0;
}

net::Task<void> CommitHub::wait(Pending& pending, std::function<Result<void>()> const& append,
                                std::optional<Error>& refused) {
    auto const executor = co_await net::asio::this_coro::executor;
    pending.context = index_of(executor);
    pending.ticket.owner = &pending;
    // The store's pending bytes are bounded. Past the bound a sender waits here, and so does not send more; a
    // store that stays busy for 30 s has a disk that doesn't answer.
    auto const end = std::chrono::steady_clock::now() + 30s;
    net::Timer pause(executor);
    for (;;) {
        bool taken = false;
        co_await net::asio::async_initiate<net::asio::use_awaitable_t<net::Executor> const, void()>(
            [&](auto handler) {
                struct Handler final : Resume {
                    explicit Handler(decltype(handler) h) : held(std::move(h)) {}
                    void operator()() override { std::move(held)(); }
                    decltype(handler) held;
                };
                pending.resume = std::make_unique<Handler>(std::move(handler));
                // From here on committed() may run at any moment, on the commit thread: it only posts, and
                // this thread is here.
                pending.appended = Clock::now();
                if (auto const appended = append(); appended) {
                    taken = true;
                    look_out(pending.context);
                } else {
                    refused = appended.error();
                    net::asio::post(executor, [resume = std::shared_ptr<Resume>(std::move(pending.resume))] {
                        (*resume)();
                    });
                }
            },
            net::use_task);
        if (taken || refused->code != "busy" || std::chrono::steady_clock::now() > end) co_return;
        pause.expires_after(2ms);
        co_await pause.async_wait(net::as_result);
        refused.reset();
    }
}

net::Task<std::size_t> CommitHub::wait_for_all(std::span<Pending> all,
                                               std::function<Result<void>(std::size_t)> const& append,
                                               std::optional<Error>& refused) {
    auto const executor = co_await net::asio::this_coro::executor;
    auto const context = index_of(executor);
    Group group;
    std::size_t taken = 0;
    co_await net::asio::async_initiate<net::asio::use_awaitable_t<net::Executor> const, void()>(
        [&](auto handler) {
            struct Handler final : Resume {
                explicit Handler(decltype(handler) h) : held(std::move(h)) {}
                void operator()() override { std::move(held)(); }
                decltype(handler) held;
            };
            group.resume = std::make_unique<Handler>(std::move(handler));
            for (auto& pending : all) {
                pending.group = &group;
                pending.context = context;
                pending.ticket.owner = &pending;
                pending.appended = Clock::now();
                group.left.fetch_add(1);
                if (auto const appended = append(taken); !appended) {
                    group.left.fetch_sub(1);
                    refused = appended.error();
                    break;
                }
                ++taken;
            }
            // Whoever takes the last one resumes; it is posted, and this thread is here.
            if (group.left.fetch_sub(1) == 1)
                net::asio::post(executor,
                                [resume = std::shared_ptr<Resume>(std::move(group.resume))] { (*resume)(); });
        },
        net::use_task);
    co_return taken;
}

void CommitHub::hand_to_lanes(Pending const& pending) {
    auto const& ticket = pending.ticket;
    if (pending.before_lanes) (*pending.before_lanes)(ticket.sequence);
    auto push = [this](store::NameId destination, store::LaneEntry const& entry) {
        if (auto const lane = lanes_.find(destination); lane != lanes_.end()) lane->second->push(entry);
    };
    if (pending.resend) {
        auto const& r = *pending.resend;
        push(r.destination,
             {{ticket.position, 0}, r.sequence, r.position, r.ordinal, pending.received_us, true, r.order});
        return;
    }
    std::uint32_t ordinal = 0;
    for (auto const& delivery : pending.deliveries) {
        push(delivery.destination, {{ticket.position, ordinal},
                                    ticket.sequence,
                                    ticket.position,
                                    ordinal,
                                    pending.received_us,
                                    false,
                                    delivery.order});
        ++ordinal;
    }
}

// A sender that is alone waits for one sync and one wake-up of this thread after another, and on many
// machines the wake-up is a fifth of it. Where syncs are quick, the thread stays awake for its answer.
void CommitHub::look_out(std::size_t context) const {
    Clock::duration const took(alone_took_.load(std::memory_order_relaxed));
    if (took == Clock::duration::zero() || took > look_out_at_most) return;
    runtime_.look_out(context, Clock::now() + 2 * took);
}

void CommitHub::committed(std::span<store::Ticket* const> tickets) noexcept {
    std::vector<std::vector<std::unique_ptr<Resume>>> wake(runtime_.size());
    auto const took = tickets.size() == 1 ? Clock::now() - static_cast<Pending*>(tickets[0]->owner)->appended
                                          : Clock::duration::zero();
    alone_took_.store(took.count(), std::memory_order_relaxed);
    {
        std::lock_guard lock(mutex_);
        for (auto* ticket : tickets) {
            auto& pending = *static_cast<Pending*>(ticket->owner);
            if (!ticket->error) hand_to_lanes(pending);
            auto const context = pending.context;
            if (auto* const group = pending.group) {
                // Once this is counted, the coroutine may go on, and what it owns be gone.
                if (group->left.fetch_sub(1) == 1) wake[context].push_back(std::move(group->resume));
                continue;
            }
            wake[context].push_back(std::move(pending.resume));
        }
    }
    for (std::size_t i = 0; i < wake.size(); ++i) {
        if (wake[i].empty()) continue;
        net::asio::post(
            runtime_.context(i),
            [this, i, list = std::make_shared<std::vector<std::unique_ptr<Resume>>>(std::move(wake[i]))] {
                runtime_.look_out(i, {});
                for (auto& resume : *list) (*resume)();
            });
    }
}

}  // namespace hilum::flow
