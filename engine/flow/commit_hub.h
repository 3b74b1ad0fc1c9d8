// Between the store's commit thread and the coroutines: wakes each sender where it waits and hands each
// delivery to its lane, in journal order, with one hop per I/O thread and commit.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

#include "engine/net/runtime.h"
#include "engine/store/store.h"

namespace hilum::delivery {
class Lane;
}

namespace hilum::flow {

class CommitHub final : public store::CommitListener {
  public:
    explicit CommitHub(net::Runtime& runtime);

    // Lanes by destination. A lane stays until remove(); thread-safe.
    void add(store::NameId destination, std::shared_ptr<delivery::Lane> lane);
    void remove(store::NameId destination);
    // Tells the lane that nobody waits for what its destination answers to the message.
    void cancel(store::NameId destination, store::Sequence message);

    // Appends and waits until the record is on stable storage; resumes on the caller's context. "busy" is
    // waited out (bounded), other errors are the store's. `record` is a MessageRecord, a ResendRecord, a
    // Continuation or a Transfer; on success the returned ticket has its number and place.
    // `before_lanes` is called on the commit thread when it is there and before any lane knows of it; must
    // not block.
    using BeforeLanes = std::function<void(store::Sequence)>;
    template <class Record>
    net::Task<Result<store::Ticket>> commit(store::Store& store, Record const& record,
                                            BeforeLanes const* before_lanes = nullptr);

    // The same for several at once, which share syncs. They are appended in this order, and none behind one
    // that was refused: those that are on disk are always the first ones. Returns their tickets; when they
    // are fewer, `refused` says why ("busy" is not waited out).
    template <class Record>
    net::Task<std::vector<store::Ticket>> commit_in_order(store::Store& store,
                                                          std::span<Record const> records,
                                                          std::optional<Error>& refused);

    void committed(std::span<store::Ticket* const> tickets) noexcept override;

    // Where its callers run.
    net::Runtime& runtime() { return runtime_; }

  private:
    using Clock = std::chrono::steady_clock;
    struct Resume {
        virtual ~Resume() = default;
        virtual void operator()() = 0;
    };
    // One commit_in_order() under way, in its coroutine's frame.
    struct Group {
        std::atomic<std::size_t> left{1};  // tickets to be told of, and one while they are being appended
        std::unique_ptr<Resume> resume;
    };
    // One commit() under way, in its coroutine's frame.
    struct Pending {
        Group* group = nullptr;  // which is resumed instead
        store::Ticket ticket;
        std::unique_ptr<Resume> resume;
        std::size_t context = 0;
        std::int64_t received_us = 0;
        Clock::time_point appended{};
        std::span<store::DeliveryEntry const> deliveries;  // of a message
        store::ResendRecord const* resend = nullptr;
        BeforeLanes const* before_lanes = nullptr;
    };
    static void prepare(Pending& pending, store::MessageRecord const& record);
    static void prepare(Pending& pending, store::ResendRecord const& record);
    static void prepare(Pending& pending, store::Continuation const& record);
    static void prepare(Pending& pending, store::Transfer const& record);
    net::Task<void> wait(Pending& pending, std::function<Result<void>()> const& append,
                         std::optional<Error>& refused);
    net::Task<std::size_t> wait_for_all(std::span<Pending> all,
                                        std::function<Result<void>(std::size_t)> const& append,
                                        std::optional<Error>& refused);
    void hand_to_lanes(Pending const& pending);
    std::size_t index_of(net::Executor const& executor) const;

    void look_out(std::size_t context) const;

    net::Runtime& runtime_;
    std::atomic<Clock::rep> alone_took_{0};  // how long the last commit took if it was of one record, or 0
    mutable std::mutex
        mutex_;  // of lanes_: held briefly, by the commit thread and when the configuration changes
    std::unordered_map<store::NameId, std::shared_ptr<delivery::Lane>> lanes_;
};

template <class Record>
net::Task<Result<store::Ticket>> CommitHub::commit(store::Store& store, Record const& record,
                                                   BeforeLanes const* before_lanes) {
    Pending pending;
    pending.before_lanes = before_lanes;
    prepare(pending, record);
    std::optional<Error> refused;
    std::function<Result<void>()> const append = [&] { return store.append(record, pending.ticket); };
    co_await wait(pending, append, refused);
    if (refused) co_return std::move(*refused);
    if (pending.ticket.error) co_return std::move(*pending.ticket.error);
    co_return std::move(pending.ticket);
}

template <class Record>
net::Task<std::vector<store::Ticket>> CommitHub::commit_in_order(store::Store& store,
                                                                 std::span<Record const> records,
                                                                 std::optional<Error>& refused) {
    std::vector<Pending> all(records.size());
    for (std::size_t i = 0; i < all.size(); ++i) prepare(all[i], records[i]);
    std::function<Result<void>(std::size_t)> const append = [&](std::size_t i) {
        return store.append(records[i], all[i].ticket);
    };
    auto const taken = co_await wait_for_all(all, append, refused);
    std::vector<store::Ticket> tickets;
    for (std::size_t i = 0; i < taken; ++i) {
        if (all[i].ticket.error) {
            refused = std::move(*all[i].ticket.error);
            break;
        }
        tickets.push_back(std::move(all[i].ticket));
    }
    co_return tickets;
}

}  // namespace hilum::flow
