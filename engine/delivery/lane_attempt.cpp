// Sending one message, and what comes of it.
#include <algorithm>

#include "engine/delivery/lane.h"
#include "engine/ops/kill_point.h"

namespace hilum::delivery {

using namespace std::chrono_literals;
using destinations::Attempt;
using destinations::AttemptClass;
using store::DeliveryOutcome;

namespace {

constexpr std::size_t max_unconfirmed = 1000;
constexpr std::size_t max_errands = 1000;
// Behind it, what was sent before a crash is sent as if it had not been.
constexpr std::size_t keys_remembered = 100'000;
// More than are delivered between two syncs, 0.2 s.
constexpr std::size_t results_lost_at_most = 10'000;

bool ambiguous(Attempt const& attempt) {
    return attempt.result == AttemptClass::timeout || attempt.result == AttemptClass::cut;
}

// Whether it is the receiver that is not there, whichever message it is asked to take.
bool receiver_is_away(Attempt const& attempt) {
    return attempt.result == AttemptClass::connect || attempt.result == AttemptClass::login ||
           (attempt.result == AttemptClass::busy &&
            (attempt.code == "HTTP 429" || attempt.code == "HTTP 503" || attempt.code.starts_with("token/")));
}

}  // namespace

// The mark that bytes may leave. A policy that must not send twice needs it on disk before they do.
class Lane::InFlight final : public destinations::Departure {
  public:
    InFlight(Lane& lane, Worker& worker) : lane_(lane), worker_(worker) {}

    net::Task<bool> begin() override {
        if (lane_.policy_.holds_ambiguous()) {
            Attempt const none;
            auto const mark = lane_.result_of(*worker_.claim, DeliveryOutcome::in_flight, none, 0);
            auto write = [this, &mark] { return lane_.context_.store.record_durably(mark); };
            auto const written = co_await net::run_blocking(lane_.context_.runtime, write);
            if (!written) co_return false;
        }
        worker_.in_flight = true;
        ops::kill_point(ops::KillPoint::before_send);
        co_return true;
    }

  private:
    Lane& lane_;
    Worker& worker_;
};

// Whether the entry may have been in flight when the engine last ended.
bool Lane::was_in_flight(Schedule::Claim const& claim) {
    bool const marked = uncertain_.erase(claim.entry.key) != 0;
    // Where nothing may go twice, each departure is on disk: the marks are all there is to know.
    if (policy_.holds_ambiguous()) return marked;
    if (last_run_.ended == Ended::clean || claim.entry.key.position >= last_run_.until) return marked;
    // Results that were lost are those of the last moments: of what is sent first now.
    if (last_run_.ended == Ended::machine) return ++claimed_recovered_ <= results_lost_at_most || marked;
    if (claimed_since_.size() >= keys_remembered) return marked;
    // The first of its key that was there, since the one before it was settled.
    return claimed_since_.insert(claim.key).second || marked;
}

void Lane::cancel(std::uint64_t message) {
    constexpr std::size_t cancelled_at_most = 10'000;
    cancelled_.insert(message);
    if (cancelled_.size() > cancelled_at_most) cancelled_.erase(cancelled_.begin());
}

net::Task<void> Lane::deliver(Worker& worker) {
    auto const claim = *worker.claim;
    auto const& entry = claim.entry;
    if (cancelled_.erase(entry.sequence) != 0) {
        Attempt const late{AttemptClass::delivered, "late", "nobody waits for the answer any more", {}, {}};
        co_await settle(claim, DeliveryOutcome::cancelled, late, 0);
        co_return;
    }
    auto const stored = context_.store.read(entry.message);
    if (!stored || entry.ordinal >= stored->record.deliveries.size()) {
        // Nothing that could be sent is there any more. Whoever answers for the data has to know, and the
        // lane must not stand still for it.
        auto const why =
            stored ? error("damaged", "", "the record does not have this delivery") : stored.error();
        context_.log.error(
            "message_unreadable",
            {{"destination", name_}, {"message", entry.sequence}, {"error", why.code}, {"place", why.place}});
        Attempt const unreadable{AttemptClass::local, why.code, why.text(), {}, {}};
        co_await settle(claim, DeliveryOutcome::held, unreadable, 0);
        co_return;
    }
    auto const began = Clock::now();
    auto& head = schedule_.head(claim.key);
    if (head.attempts == 0) {
        head.first_attempt = began;
        head.possible_duplicate = was_in_flight(claim);
        if (head.possible_duplicate && policy_.holds_ambiguous()) {
            co_await hold_uncertain(claim);
            co_return;
        }
    }
    ++head.attempts;
    if (head.possible_duplicate) context_.metrics.possible_duplicates.fetch_add(1, std::memory_order_relaxed);
    Batch batch;
    if (policy_.batch()) {
        batch = co_await gather(claim, stored->body(entry.ordinal));
        if (batch.text.empty()) {
            Attempt const alone{AttemptClass::held,
                                "no_batch",
                                "the message can't stand in a batch: it is not one HL7 v2 message in ER7",
                                {},
                                {}};
            co_await book(claim, alone, 0);
            co_return;
        }
    }
    bool const wanted = context_.replies && context_.replies->awaited(entry.sequence, id_);
    InFlight departure(*this, worker);
    destinations::Outgoing const outgoing{entry.sequence,
                                          stored->body(entry.ordinal),
                                          entry.received_us,
                                          head.attempts,
                                          head.possible_duplicate,
                                          entry.key,
                                          stored->record.listener,
                                          schedule_.cursor_after(claim),
                                          &departure,
                                          wanted,
                                          {entry.message, entry.ordinal},
                                          batch.text};
    auto const attempt = co_await worker.destination->deliver(outgoing);
    ops::kill_point(ops::KillPoint::before_record);
    worker.in_flight = false;
    auto const took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
    context_.metrics.attempt_seconds.observe(static_cast<std::uint64_t>(took.count()));
    auto const duration_us = static_cast<std::uint32_t>(std::min<std::int64_t>(took.count(), UINT32_MAX));
    if (batch.behind.empty()) {
        co_await book(claim, attempt, duration_us);
    } else {
        co_await book_batch(claim, batch, attempt, duration_us);
    }
}

// What was cut off by the end of the engine, where nothing may be sent twice.
net::Task<void> Lane::hold_uncertain(Schedule::Claim const& claim) {
    Attempt const unknown{AttemptClass::cut,
                          "ambiguous",
                          "the engine ended while the message was in flight: the receiver may have it",
                          {},
                          {}};
    co_await settle(claim, DeliveryOutcome::held, unknown, 0);
}

net::Task<void> Lane::book(Schedule::Claim const& claim, Attempt const& attempt, std::uint32_t duration_us) {
    auto const decision = policy_.decide(attempt);
    auto action = decision.action;
    bool const good = attempt.result == AttemptClass::delivered;
    std::optional<Attempt> noted;  // a copy only where there is something to add: responses may be large
    if (decision.rule != 0) {
        noted = attempt;
        noted->text += (noted->text.empty() ? "" : "; ");
        noted->text += "rule " + std::to_string(decision.rule) + " of on_answer";
    }
    Attempt const& told = noted ? *noted : attempt;
    if (!good) note_failure(claim, attempt);
    auto& head = schedule_.head(claim.key);
    if (action == Action::retry) {
        auto const tried =
            std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - head.first_attempt);
        if (auto const instead = policy_.exhausted(head.attempts, tried)) action = *instead;
    }
    switch (action) {
        case Action::delivered:
            co_await settle(claim, DeliveryOutcome::delivered, told, duration_us);
            break;
        case Action::hold:
            co_await settle(claim, DeliveryOutcome::held, told, duration_us);
            break;
        case Action::skip:
            co_await settle(claim, DeliveryOutcome::skipped, told, duration_us);
            break;
        case Action::retry:
        case Action::stop:
            co_await keep(claim, told, duration_us, action == Action::stop);
            break;
    }
}

// The entry stays first of its key.
net::Task<void> Lane::keep(Schedule::Claim const& claim, Attempt const& attempt, std::uint32_t duration_us,
                           bool stop) {
    bool const open = ambiguous(attempt);
    auto& head = schedule_.head(claim.key);
    if (open || attempt.result == AttemptClass::unconfirmed) head.possible_duplicate = true;
    auto const result =
        result_of(claim, open ? DeliveryOutcome::ambiguous : DeliveryOutcome::failed, attempt, duration_us);
    co_await record(result);
    if (stop) {
        context_.log.error("queue_stopped", {{"destination", name_},
                                             {"message", claim.entry.sequence},
                                             {"code", attempt.code},
                                             {"next", "retry, skip or hold the message"}});
        schedule_.stop(claim);
    } else {
        context_.metrics.retried.fetch_add(1, std::memory_order_relaxed);
        plan_retry(claim, attempt);
    }
    timer_.cancel();
    publish();
}

void Lane::plan_retry(Schedule::Claim const& claim, Attempt const& attempt) {
    double const random = std::uniform_real_distribution<>(0, 1)(random_);
    if (receiver_is_away(attempt)) {
        if (!outage_) outage_.emplace();
        outage_->until = Clock::now() + policy_.pause(++outage_->attempts, attempt.retry_after, random);
        return schedule_.again_at_once(claim);
    }
    outage_.reset();
    auto const attempts = std::max(schedule_.head(claim.key).attempts, 1u);
    schedule_.again(claim, Clock::now() + policy_.pause(attempts, attempt.retry_after, random));
}

void Lane::note_failure(Schedule::Claim const& claim, Attempt const& attempt) {
    auto const kind = destinations::name(attempt.result);
    if (auto const counter = context_.metrics.failures.find(kind); counter != context_.metrics.failures.end())
        ++counter->second;
    auto const error =
        std::string(kind) + (attempt.code.empty() || attempt.code == kind ? "" : " " + attempt.code);
    auto& head = schedule_.head(claim.key);
    // One line when the trouble begins or changes, not one per attempt all night: the attempts are in the
    // trace and the metrics.
    if (head.attempts <= 1 || error != last_error_) {
        context_.log.warn("delivery_failed", {{"destination", name_},
                                              {"message", claim.entry.sequence},
                                              {"error", error},
                                              {"attempt", head.attempts}});
    }
    head.error = error;
    last_error_ = error;
    last_error_us_ = context_.now_us();
}

store::ResultRecord Lane::result_of(Schedule::Claim const& claim, DeliveryOutcome outcome,
                                    Attempt const& attempt, std::uint32_t duration_us) {
    auto const& head = schedule_.head(claim.key);
    store::ResultRecord result;
    result.sequence = claim.entry.sequence;
    result.key = claim.entry.key;
    if (store::settles(outcome)) result.settled_up_to = schedule_.cursor_after(claim);
    result.destination = id_;
    result.outcome = outcome;
    result.attempt = head.attempts;
    result.possible_duplicate = head.possible_duplicate;
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
    // A lost "delivered" is a redelivery. A message that was given up, by a person or a rule, must not come
    // back behind those that have passed it: that is on disk before the next one goes.
    bool const given_up = store::settles(result.outcome) && result.outcome != DeliveryOutcome::delivered;
    auto write = [this, &result] { return context_.store.record_durably(result); };
    for (;;) {
        Result<void> recorded;
        if (given_up) {
            recorded = co_await net::run_blocking(context_.runtime, write);
        } else {
            recorded = context_.store.record(result);
        }
        if (recorded) {
            if (std::exchange(store_failed_, false)) wake();
            co_return true;
        }
        if (!store_failed_) {
            context_.log.error(
                "result_not_recorded",
                {{"destination", name_}, {"message", result.sequence}, {"error", recorded.error().code}});
        }
        store_failed_ = true;
        if (stopping_) {
            lost_results_ = true;
            co_return false;
        }
        net::Timer pause(executor_);
        pause.expires_after(500ms);
        co_await pause.async_wait(net::as_result);
    }
}

net::Task<void> Lane::settle(Schedule::Claim const& claim, DeliveryOutcome outcome, Attempt const& attempt,
                             std::uint32_t duration_us) {
    auto result = result_of(claim, outcome, attempt, duration_us);
    bool recorded = attempt.booked;
    if (!recorded) recorded = co_await record(result);
    if (!recorded) co_return;
    outage_.reset();
    note_settled(claim, result, attempt);
    tell_sender(claim, outcome, attempt);
    schedule_.settled(claim);
    window_.settled();
    throughput_.settled(Clock::now(), window_.queued());
    publish();
    if (schedule_.ready()) wake_workers();
}

void Lane::tell_sender(Schedule::Claim const& claim, DeliveryOutcome outcome, Attempt const& attempt) {
    // A route that waited has made other messages of it, whose lanes tell.
    if (!context_.replies || attempt.booked) return;
    context_.replies->settled(
        claim.entry.sequence, id_,
        {outcome, attempt.code, attempt.response.empty() ? attempt.answer : attempt.response});
}

void Lane::note_settled(Schedule::Claim const& claim, store::ResultRecord const& result,
                        Attempt const& attempt) {
    auto& metrics = context_.metrics;
    metrics.left.fetch_add(1, std::memory_order_relaxed);
    if (result.outcome == DeliveryOutcome::delivered) {
        metrics.delivered.fetch_add(1, std::memory_order_relaxed);
        metrics.delivery_seconds.observe(
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, result.time_us - claim.entry.received_us)));
        last_delivered_us_ = result.time_us;
        if (last_error_.empty()) return;
        context_.log.info(
            "delivery_recovered",
            {{"destination", name_}, {"message", claim.entry.sequence}, {"attempts", result.attempt}});
        last_error_.clear();
    } else if (result.outcome == DeliveryOutcome::held) {
        metrics.held.fetch_add(1, std::memory_order_relaxed);
        ++held_;
        if (attempt.result == AttemptClass::unconfirmed) {
            held_unconfirmed_.push_back(result.key);
            if (held_unconfirmed_.size() > max_unconfirmed) held_unconfirmed_.pop_front();
        }
        context_.log.warn(
            "delivery_held",
            {{"destination", name_}, {"message", claim.entry.sequence}, {"code", attempt.code}});
    } else {
        metrics.skipped.fetch_add(1, std::memory_order_relaxed);
        context_.log.warn("delivery_skipped", {{"destination", name_}, {"message", claim.entry.sequence}});
    }
}

void Lane::answered(std::uint64_t message, store::LaneKey const& key, Attempt attempt) {
    context_.metrics.late_answers.fetch_add(1, std::memory_order_relaxed);
    for (auto const& worker : workers_) {
        if (worker->claim && worker->claim->entry.key == key)
            return worker->destination->answered(message, std::move(attempt));
    }
    if (errands_.size() < max_errands) {
        if (auto const claim = schedule_.claim_entry(key)) {
            errands_.push_back({*claim, std::move(attempt), {}, {}});
            return wake();
        }
    }
    note_late(message, key, attempt);
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

}  // namespace hilum::delivery
