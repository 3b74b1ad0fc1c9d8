#include "engine/delivery/replies.h"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace hilum::delivery {

// Shared by the sender and whoever tells: the sender may be gone by then.
struct ReplySlot {
    explicit ReplySlot(net::Executor e) : executor(std::move(e)) {}
    net::Executor executor;
    store::NameId destination = 0;
    // On the sender's thread alone:
    net::Timer* timer = nullptr;
    bool ended = false;
    std::optional<Reply> reply;
};

namespace {

void tell(std::shared_ptr<ReplySlot> const& slot, std::optional<Reply> reply) {
    net::asio::post(slot->executor, [slot, reply = std::move(reply)]() mutable {
        if (slot->ended) return;
        slot->ended = true;
        slot->reply = std::move(reply);
        if (slot->timer) slot->timer->cancel();
    });
}

}  // namespace

Replies::Wait::~Wait() {
    if (!slot_) return;
    slot_->timer = nullptr;
    replies_.forget(message_, slot_.get());
}

bool Replies::Wait::expect(store::Sequence message, store::NameId destination) {
    auto slot = std::make_shared<ReplySlot>(timer_.get_executor());
    slot->destination = destination;
    {
        std::lock_guard const lock(replies_.mutex_);
        if (replies_.stopped_ || replies_.waiting_.size() >= capacity) return false;
        replies_.waiting_[message] = slot;
        replies_.count_.store(replies_.waiting_.size(), std::memory_order_relaxed);
    }
    message_ = message;
    slot_ = std::move(slot);
    return true;
}

net::Task<std::optional<Reply>> Replies::Wait::reply(std::chrono::milliseconds limit) {
    if (!slot_) co_return std::nullopt;
    auto const slot = slot_;
    if (!slot->ended) {
        slot->timer = &timer_;
        timer_.expires_after(limit);
        co_await timer_.async_wait(net::as_result);
        slot->timer = nullptr;
    }
    co_return std::move(slot->reply);
}

bool Replies::awaited(store::Sequence message, store::NameId destination) const {
    if (count_.load(std::memory_order_relaxed) == 0) return false;
    std::lock_guard const lock(mutex_);
    auto const found = waiting_.find(message);
    return found != waiting_.end() && found->second->destination == destination;
}

void Replies::settled(store::Sequence message, store::NameId destination, Reply reply) {
    if (count_.load(std::memory_order_relaxed) == 0) return;
    std::shared_ptr<ReplySlot> slot;
    {
        std::lock_guard const lock(mutex_);
        auto const found = waiting_.find(message);
        if (found == waiting_.end() || found->second->destination != destination) return;
        slot = std::move(found->second);
        waiting_.erase(found);
        count_.store(waiting_.size(), std::memory_order_relaxed);
    }
    tell(slot, std::move(reply));
}

void Replies::follow(store::Sequence message, store::Sequence as,
                     std::vector<store::NameId> const& destinations) {
    if (count_.load(std::memory_order_relaxed) == 0) return;
    std::shared_ptr<ReplySlot> slot;
    {
        std::lock_guard const lock(mutex_);
        auto node = waiting_.extract(message);
        if (node.empty()) return;
        auto const to = node.mapped()->destination;
        if (std::find(destinations.begin(), destinations.end(), to) != destinations.end()) {
            node.key() = as;
            waiting_.insert(std::move(node));
            return;
        }
        slot = std::move(node.mapped());
        count_.store(waiting_.size(), std::memory_order_relaxed);
    }
    tell(slot, Reply{store::DeliveryOutcome::cancelled, "not_sent", {}});
}

void Replies::forget(store::Sequence message, ReplySlot const* slot) {
    std::lock_guard const lock(mutex_);
    auto found = waiting_.find(message);
    if (found == waiting_.end() || found->second.get() != slot) {
        // It goes on under another number.
        for (found = waiting_.begin(); found != waiting_.end() && found->second.get() != slot;) ++found;
    }
    if (found == waiting_.end()) return;
    waiting_.erase(found);
    count_.store(waiting_.size(), std::memory_order_relaxed);
}

void Replies::stop() {
    std::unordered_map<store::Sequence, std::shared_ptr<ReplySlot>> all;
    {
        std::lock_guard const lock(mutex_);
        stopped_ = true;
        all.swap(waiting_);
        count_.store(0, std::memory_order_relaxed);
    }
    for (auto const& [message, slot] : all) tell(slot, std::nullopt);
}

}  // namespace hilum::delivery
