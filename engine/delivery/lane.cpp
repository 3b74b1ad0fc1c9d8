#include "engine/delivery/lane.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

namespace hilum::delivery {

using namespace std::chrono_literals;
using destinations::Attempt;
using destinations::AttemptClass;
using store::DeliveryOutcome;

namespace {

constexpr auto forever = std::chrono::hours(24 * 365);
constexpr std::size_t scan_bytes = 16u << 20;
constexpr std::size_t max_unconfirmed = 1000;

}  // namespace

Lane::Lane(std::string name, store::NameId id, LaneContext context, store::LaneState const& recovered,
           bool after_crash)
    : name_(std::move(name)),
      id_(id),
      context_(std::move(context)),
      executor_(context_.runtime.context(context_.context_index).get_executor()),
      window_(recovered.cursor, recovered.queued, recovered.settled_ahead),
      timer_(executor_),
      after_crash_(after_crash && recovered.queued > 0),
      held_(recovered.held),
      random_(static_cast<std::minstd_rand::result_type>(std::hash<std::string>{}(name_)) ^
              static_cast<std::minstd_rand::result_type>(context_.now_us())) {
    publish();
}

Lane::~Lane() = default;

void Lane::set_destination(std::unique_ptr<destinations::Destination> destination, Policy policy) {
    next_destination_ = std::move(destination);
    next_policy_ = std::move(policy);
    replace_ = true;
    wake();
}

void Lane::start() {
    running_ = true;
    net::asio::co_spawn(
        executor_, [self = shared_from_this()] { return self->run(); }, net::asio::detached);
}

net::Task<void> Lane::stop(std::chrono::milliseconds grace) {
    stopping_ = true;
    wake();
    auto const end = std::chrono::steady_clock::now() + grace;
    net::Timer pause(executor_);
    while (running_) {
        if (destination_ && std::chrono::steady_clock::now() > end) destination_->close();
        pause.expires_after(2ms);
        co_await pause.async_wait(net::as_result);
    }
    if (destination_) destination_->close();
}

void Lane::push(store::LaneEntry const& entry) {
    if (window_.push(entry)) net::asio::post(executor_, [self = shared_from_this()] { self->wake(); });
}

void Lane::wake() {
    timer_.cancel();
}

net::Task<void> Lane::sleep(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    co_await timer_.async_wait(net::as_result);
}

void Lane::publish() {
    context_.metrics.depth.store(window_.queued(), std::memory_order_relaxed);
    context_.metrics.oldest_us.store(head_ ? head_->received_us : 0, std::memory_order_relaxed);
}

void Lane::take_replacement() {
    if (!replace_) return;
    replace_ = false;
    if (destination_) destination_->close();
    destination_ = std::move(next_destination_);
    policy_ = next_policy_;
}

net::Task<void> Lane::run() {
    // Not `while (co_await ...) co_await ...`: g++ 12 makes code of that which uses a frame it has not
    // filled.
    for (;;) {
        bool const ready = co_await wait_for_head();
        if (!ready) break;
        co_await deliver_head();
    }
    running_ = false;
}

void Lane::take_head() {
    head_ = window_.pop();
    if (!head_) return;
    attempts_ = 0;
    possible_duplicate_ = std::exchange(after_crash_, false);
    next_attempt_us_ = 0;
    publish();
}

net::Task<void> Lane::fill_window() {
    auto const from = window_.begin_scan();
    auto work = [this, from] { return context_.store.scan(id_, from, Window::capacity, scan_bytes); };
    auto scan = co_await net::run_blocking(context_.runtime, work);
    if (scan) {
        window_.end_scan(*scan);
        co_return;
    }
    window_.end_scan({{}, from, false});
    context_.log.error("lane_scan_failed",
                       {{"destination", name_}, {"error", scan.error().code}, {"place", scan.error().place}});
    co_await sleep(1s);
}

// True when the head is there and may be sent; false when the lane is to end.
net::Task<bool> Lane::wait_for_head() {
    for (;;) {
        if (stopping_) co_return false;
        take_replacement();
        if (!head_) take_head();
        if (!head_ && window_.must_scan()) {
            co_await fill_window();
            continue;
        }
        if (head_ && skip_ && skip_->message == head_->sequence) {
            Attempt const skipped{
                AttemptClass::delivered, "skipped", std::exchange(skip_, std::nullopt)->reason, {}, {}};
            co_await settle(DeliveryOutcome::skipped, skipped, 0);
            continue;
        }
        if (head_ && answer_) {
            co_await take_answer();
            continue;
        }
        if (head_ && destination_ && !paused_) co_return true;
        if (!head_) {
            publish();
            if (!window_.sleep()) continue;
        }
        co_await sleep(forever);
    }
}

net::Task<void> Lane::deliver_head() {
    auto const stored = context_.store.read(head_->message);
    if (!stored || head_->ordinal >= stored->record.deliveries.size()) {
        // Nothing that could be sent is there any more. Whoever answers for the data has to know, and the
        // lane must not stand still for it.
        auto const why =
            stored ? error("damaged", "", "the record does not have this delivery") : stored.error();
        context_.log.error("message_unreadable", {{"destination", name_},
                                                  {"message", head_->sequence},
                                                  {"error", why.code},
                                                  {"place", why.place}});
        Attempt const unreadable{AttemptClass::local, why.code, why.text(), {}, {}};
        co_await settle(DeliveryOutcome::held, unreadable, 0);
        co_return;
    }
    auto const began = std::chrono::steady_clock::now();
    if (attempts_ == 0) first_attempt_ = began;
    ++attempts_;
    retry_now_ = false;
    next_attempt_us_ = 0;
    if (possible_duplicate_) context_.metrics.possible_duplicates.fetch_add(1, std::memory_order_relaxed);
    in_flight_ = true;
    destinations::Outgoing const outgoing{
        head_->sequence, stored->body(head_->ordinal), head_->received_us, attempts_, possible_duplicate_,
        head_->key,      stored->record.listener};
    auto const attempt = co_await destination_->deliver(outgoing);
    in_flight_ = false;
    auto const took =
        std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - began);
    context_.metrics.attempt_seconds.observe(static_cast<std::uint64_t>(took.count()));
    auto const duration_us = static_cast<std::uint32_t>(std::min<std::int64_t>(took.count(), UINT32_MAX));

    bool const settled = co_await book(attempt, duration_us);
    if (settled) co_return;
    if (attempt.result == AttemptClass::timeout || attempt.result == AttemptClass::cut ||
        attempt.result == AttemptClass::unconfirmed)
        possible_duplicate_ = true;
    context_.metrics.retried.fetch_add(1, std::memory_order_relaxed);
    double const random = std::uniform_real_distribution<>(0, 1)(random_);
    co_await back_off(policy_.pause(attempts_, attempt.retry_after, random));
}

net::Task<bool> Lane::book(Attempt const& attempt, std::uint32_t duration_us) {
    if (attempt.result == AttemptClass::delivered) {
        co_await settle(DeliveryOutcome::delivered, attempt, duration_us);
        co_return true;
    }
    note_failure(attempt);
    if (gives_up(policy_.action(attempt.result))) {
        co_await settle(DeliveryOutcome::held, attempt, duration_us);
        co_return true;
    }
    auto const failed = result_for_head(DeliveryOutcome::failed, attempt, duration_us);
    co_await record(failed);
    co_return false;
}

bool Lane::gives_up(Action action) const {
    if (action == Action::hold) return true;
    auto const limit = policy_.give_up();
    return limit && std::chrono::steady_clock::now() - first_attempt_ >= *limit;
}

void Lane::note_failure(Attempt const& attempt) {
    auto const kind = destinations::name(attempt.result);
    if (auto const counter = context_.metrics.failures.find(kind); counter != context_.metrics.failures.end())
        ++counter->second;
    auto const error =
        std::string(kind) + (attempt.code.empty() || attempt.code == kind ? "" : " " + attempt.code);
    // One line when the trouble begins or changes, not one per attempt all night: the attempts are in the
    // trace and the metrics.
    if (attempts_ == 1 || error != last_error_) {
        context_.log.warn(
            "delivery_failed",
            {{"destination", name_}, {"message", head_->sequence}, {"error", error}, {"attempt", attempts_}});
    }
    last_error_ = error;
    last_error_us_ = context_.now_us();
}

net::Task<void> Lane::back_off(std::chrono::milliseconds time) {
    auto const end = std::chrono::steady_clock::now() + time;
    next_attempt_us_ = context_.now_us() + std::chrono::microseconds(time).count();
    while (!stopping_ && !retry_now_ && !skip_ && !replace_ && !paused_ && !answer_) {
        auto const left =
            std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
        if (left <= 0ms) break;
        co_await sleep(left);
    }
    next_attempt_us_ = 0;
}

store::ResultRecord Lane::result_for_head(DeliveryOutcome outcome, Attempt const& attempt,
                                          std::uint32_t duration_us) const {
    store::ResultRecord result;
    result.sequence = head_->sequence;
    result.key = head_->key;
    result.settled_up_to = outcome == DeliveryOutcome::failed ? head_->key : head_->key.next();
    result.destination = id_;
    result.outcome = outcome;
    result.attempt = attempts_;
    result.possible_duplicate = possible_duplicate_;
    result.time_us = context_.now_us();
    result.duration_us = duration_us;
    result.code = attempt.code;
    result.text = attempt.text;
    result.answer = attempt.answer;
    return result;
}

// A result that can't be written stops the lane here: going on would mean delivering what a restart would not
// know of.
net::Task<bool> Lane::record(store::ResultRecord const& result) {
    for (;;) {
        auto const recorded = context_.store.record(result);
        if (recorded) {
            store_failed_ = false;
            co_return true;
        }
        if (!store_failed_) {
            context_.log.error(
                "result_not_recorded",
                {{"destination", name_}, {"message", result.sequence}, {"error", recorded.error().code}});
        }
        store_failed_ = true;
        if (stopping_) co_return false;
        co_await sleep(500ms);
    }
}

net::Task<void> Lane::settle(DeliveryOutcome outcome, Attempt const& attempt, std::uint32_t duration_us) {
    auto const result = result_for_head(outcome, attempt, duration_us);
    bool recorded = attempt.booked;
    if (!recorded) recorded = co_await record(result);
    if (!recorded) co_return;
    auto& metrics = context_.metrics;
    if (outcome == DeliveryOutcome::delivered) {
        metrics.delivered.fetch_add(1, std::memory_order_relaxed);
        metrics.delivery_seconds.observe(
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, result.time_us - head_->received_us)));
        last_delivered_us_ = result.time_us;
        if (!last_error_.empty()) {
            context_.log.info(
                "delivery_recovered",
                {{"destination", name_}, {"message", head_->sequence}, {"attempts", attempts_}});
            last_error_.clear();
        }
    } else if (outcome == DeliveryOutcome::held) {
        metrics.held.fetch_add(1, std::memory_order_relaxed);
        ++held_;
        if (attempt.result == AttemptClass::unconfirmed) {
            held_unconfirmed_.push_back(result.key);
            if (held_unconfirmed_.size() > max_unconfirmed) held_unconfirmed_.pop_front();
        }
        context_.log.warn("delivery_held",
                          {{"destination", name_}, {"message", head_->sequence}, {"code", attempt.code}});
    } else {
        metrics.skipped.fetch_add(1, std::memory_order_relaxed);
        context_.log.warn("delivery_skipped", {{"destination", name_}, {"message", head_->sequence}});
    }
    head_.reset();
    answer_.reset();
    attempts_ = 0;
    possible_duplicate_ = false;
    next_attempt_us_ = 0;
    window_.settled();
    publish();
}

// The head's acknowledgement came while it waited for its next attempt.
net::Task<void> Lane::take_answer() {
    auto const attempt = *std::exchange(answer_, std::nullopt);
    co_await book(attempt, 0);
}

void Lane::answered(std::uint64_t message, store::LaneKey const& key, Attempt attempt) {
    context_.metrics.late_answers.fetch_add(1, std::memory_order_relaxed);
    if (!head_ || head_->key != key) return note_late(message, key, attempt);
    if (in_flight_) return destination_->answered(message, std::move(attempt));
    answer_ = std::move(attempt);
    wake();
}

// A delivery that the accept acknowledgement has settled stays delivered: the receiver has the message. One
// held for want of this acknowledgement is delivered by it, or stays held and says why.
void Lane::note_late(std::uint64_t message, store::LaneKey const& key, Attempt const& attempt) {
    bool const good = attempt.result == AttemptClass::delivered;
    auto const held = std::find(held_unconfirmed_.begin(), held_unconfirmed_.end(), key);
    bool const was_held = held != held_unconfirmed_.end();
    if (was_held && good) {
        held_unconfirmed_.erase(held);
        released(1);
        publish();
    }
    store::ResultRecord result;
    result.sequence = message;
    result.key = key;  // settled_up_to stays 0: the lane's cursor has nothing to do with it
    result.destination = id_;
    result.outcome = was_held && !good ? DeliveryOutcome::held : DeliveryOutcome::delivered;
    result.time_us = context_.now_us();
    result.code = attempt.code;
    result.text = attempt.text;
    result.answer = attempt.answer;
    auto const recorded = context_.store.record(result);
    if (!recorded) {
        context_.log.error("result_not_recorded",
                           {{"destination", name_}, {"message", message}, {"error", recorded.error().code}});
    }
    if (!good) {
        context_.log.warn("late_refusal",
                          {{"destination", name_}, {"message", message}, {"code", attempt.code}});
    }
}

ops::QueueView Lane::view() const {
    ops::QueueView v;
    v.destination = name_;
    v.where = destination_ ? destination_->where() : "";
    v.queued = window_.queued();
    v.held = held_;
    if (head_) {
        v.oldest_us = head_->received_us;
        v.head_message = head_->sequence;
        v.head_attempts = attempts_;
    }
    v.next_attempt_us = next_attempt_us_;
    v.last_error = last_error_;
    v.last_error_us = last_error_us_;
    v.last_delivered_us = last_delivered_us_;
    v.state = store_failed_                   ? "stopped"
              : !destination_ && !replace_    ? "removed"
              : paused_                       ? "paused"
              : head_ && !last_error_.empty() ? "retrying"
              : head_                         ? "running"
                                              : "idle";
    return v;
}

void Lane::pause() {
    paused_ = true;
    context_.log.info("queue_paused", {{"destination", name_}});
    wake();
}

void Lane::resume() {
    paused_ = false;
    context_.log.info("queue_resumed", {{"destination", name_}});
    wake();
}

void Lane::retry_now() {
    retry_now_ = true;
    wake();
}

bool Lane::skip(std::uint64_t message, std::string reason) {
    // What is in flight may be delivered at this moment; it can be skipped when its answer is here.
    if (!head_ || head_->sequence != message || in_flight_) return false;
    skip_ = Skip{message, std::move(reason)};
    wake();
    return true;
}

}  // namespace hilum::delivery
