// A lane: the ordered queue in front of one destination. It holds positions in the journal, never messages,
// and a bounded number of those: what doesn't fit is found again by scanning the journal (DESIGN promise 5).
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <unordered_set>

#include "engine/delivery/policy.h"
#include "engine/delivery/replies.h"
#include "engine/delivery/schedule.h"
#include "engine/delivery/throughput.h"
#include "engine/delivery/window.h"
#include "engine/destinations/destination.h"
#include "engine/net/rate.h"
#include "engine/net/runtime.h"
#include "engine/ops/control.h"
#include "engine/ops/log.h"
#include "engine/ops/metrics.h"
#include "engine/store/store.h"

namespace hilum::delivery {

struct LaneContext {
    net::Runtime& runtime;
    std::size_t context_index;
    store::Store& store;
    ops::DestinationMetrics& metrics;
    ops::Log& log;
    std::function<std::int64_t()> now_us;
    Replies* replies = nullptr;  // senders that wait for the destination's answer; may be null
};

// How the run before ended: what was in flight then may have arrived, and of a machine that went down also
// what was delivered in its last moments without that being on stable storage.
enum class Ended : unsigned char { clean, killed, machine };

// What is known of the runs before: that of entries before `until` some may have arrived unknown to us. It
// holds until they are settled, however many clean ends come in between.
struct LastRun {
    Ended ended = Ended::clean;
    store::Position until{};

    LastRun and_then(Ended next, store::Position end) const {
        if (next == Ended::clean) return *this;
        return {std::max(ended, next), std::max(until, end)};
    }
};

// push() is for the commit thread; everything else runs on the lane's context (executor()).
//
// One coroutine reads ahead and does what is not sending (run()); one for each connection sends (work()).
// What may go next is the schedule's to say.
class Lane : public std::enable_shared_from_this<Lane> {
  public:
    using Destinations = std::vector<std::unique_ptr<destinations::Destination>>;

    // `recovered`: what the store found at start.
    Lane(std::string name, store::NameId id, LaneContext context, store::LaneState const& recovered,
         LastRun last_run);
    ~Lane();

    // The destination, once for each of its connections, may be replaced (reload) or taken away (none: what
    // waits stays and is shown). Attempts under way end first.
    void set_destinations(Destinations connections, Policy policy);
    void start();
    // Ends after the attempts under way, or when `grace` is over by giving them up; completes when the lane
    // has ended.
    net::Task<void> stop(std::chrono::milliseconds grace);

    // A committed entry; in journal order. Cheap, never blocks on the lane.
    void push(store::LaneEntry const& entry);

    net::Executor executor() const { return executor_; }
    std::string const& name() const { return name_; }

    ops::QueueView view() const;
    // Where the first entry that is not settled is, as far as it has been read.
    std::optional<store::LaneKey> first_waiting() const;
    // Until a person resumes it, or the time is there.
    void pause(store::Pause pause);
    void resume();
    // Ends all pauses between attempts, and starts again what has stopped; or only that of one message.
    void retry_now();
    bool retry_now(std::uint64_t message);
    // Skipped or held by a person. False when the message is not first of its order_by value by now, or in
    // flight.
    bool take_out(std::uint64_t message, store::DeliveryOutcome outcome, std::string reason);
    // Not to be sent, if that has not begun: whoever waited for its answer does no more.
    void cancel(std::uint64_t message);
    // An acknowledgement of the message of this entry has come later, or another way than its connection.
    // What is in flight or waits for its next attempt may be settled by it; for what is settled it is kept in
    // the trace.
    void answered(std::uint64_t message, store::LaneKey const& key, destinations::Attempt attempt);
    // A held delivery was resent or released.
    void released(std::uint64_t count) { held_ -= std::min(held_, count); }
    // "claimed" or "in_flight" while the message is being sent, else "".
    // After stop(): some result could not be recorded.
    bool lost_results() const { return lost_results_; }
    std::string_view live_state(std::uint64_t message) const;

  private:
    struct Worker {
        Worker(std::unique_ptr<destinations::Destination> d, net::Executor executor)
            : destination(std::move(d)), timer(executor) {}
        std::unique_ptr<destinations::Destination> destination;
        net::Timer timer;  // its waits; cancelled to wake it
        std::optional<Schedule::Claim> claim;
        bool idle = false, retired = false, in_flight = false;
    };
    using WorkerPointer = std::shared_ptr<Worker>;
    class InFlight;  // the Departure of an attempt
    // Something to be done with an entry apart from sending it.
    struct Errand {
        Schedule::Claim claim;
        std::optional<destinations::Attempt> answer;  // else it is to be taken out
        store::DeliveryOutcome outcome = store::DeliveryOutcome::skipped;
        std::string reason;
    };
    // The receiver as a whole is not there: one attempt at a time finds out when it is back.
    struct Outage {
        std::uint32_t attempts = 0;
        Clock::time_point until{};
    };

    // What goes as one: a message and those behind it.
    struct Batch {
        std::vector<store::LaneEntry> behind;
        std::string text;  // "": the first message can't stand in a batch
    };
    // Messages that wait for others to make a batch with.
    struct Gathering {
        store::LaneKey first;
        Clock::time_point until;
    };

    net::Task<void> run();
    net::Task<void> work(WorkerPointer worker);
    net::Task<bool> wait_for_claim(Worker& worker);
    bool may_send();
    bool in_hours();
    bool has_turn();
    void end_pause_when_due();
    bool claim(Worker& worker);
    bool batch_due();
    net::Task<Batch> gather(Schedule::Claim const& claim, std::string_view body);
    net::Task<void> book_batch(Schedule::Claim const& claim, Batch const& batch,
                               destinations::Attempt const& attempt, std::uint32_t duration_us);
    void feed();
    net::Task<void> read_on();
    net::Task<void> sweep(Schedule::Sweep range);
    net::Task<void> scan_failed(Error const& why);
    store::LaneEntry const* oldest() const;
    net::Task<void> do_errand();
    net::Task<void> deliver(Worker& worker);
    net::Task<void> hold_uncertain(Schedule::Claim const& claim);
    // What an attempt came to: settled, or when to try again.
    net::Task<void> book(Schedule::Claim const& claim, destinations::Attempt const& attempt,
                         std::uint32_t duration_us);
    net::Task<void> keep(Schedule::Claim const& claim, destinations::Attempt const& attempt,
                         std::uint32_t duration_us, bool stop);
    void plan_retry(Schedule::Claim const& claim, destinations::Attempt const& attempt);
    void note_late(std::uint64_t message, store::LaneKey const& key, destinations::Attempt const& attempt);
    net::Task<void> settle(Schedule::Claim const& claim, store::DeliveryOutcome outcome,
                           destinations::Attempt const& attempt, std::uint32_t duration_us);
    void tell_sender(Schedule::Claim const& claim, store::DeliveryOutcome outcome,
                     destinations::Attempt const& attempt);
    void note_settled(Schedule::Claim const& claim, store::ResultRecord const& result,
                      destinations::Attempt const& attempt);
    net::Task<bool> record(store::ResultRecord const& result);
    net::Task<void> sleep(std::chrono::milliseconds time);
    store::ResultRecord result_of(Schedule::Claim const& claim, store::DeliveryOutcome outcome,
                                  destinations::Attempt const& attempt, std::uint32_t duration_us);
    bool was_in_flight(Schedule::Claim const& claim);
    void note_failure(Schedule::Claim const& claim, destinations::Attempt const& attempt);
    void wake();
    void wake_workers();
    void start_worker(WorkerPointer const& worker);
    void publish();

    std::string name_;
    store::NameId id_;
    LaneContext context_;
    net::Executor executor_;
    Window window_;
    Schedule schedule_;
    std::optional<store::LaneEntry> next_;  // read, but not for the schedule yet
    Policy policy_;
    std::vector<WorkerPointer> workers_;
    std::size_t running_ = 0;  // coroutines
    bool ahead_full_ = false;  // too much behind an entry that is not settled

    net::Timer timer_;  // every wait of run(); cancelled to wake it
    bool started_ = false, stopping_ = false, store_failed_ = false;
    std::optional<store::Pause> paused_;
    std::unique_ptr<net::RateLimit> rate_;
    std::optional<Clock::time_point> turn_;  // of the next attempt, by the rate
    std::optional<Clock::time_point> hours_looked_;
    bool in_hours_ = true;  // when that was
    std::optional<Outage> outage_;
    std::deque<Errand> errands_;
    std::optional<Gathering> gathering_;
    std::optional<store::LaneKey> gathered_;  // up to it messages have waited for long enough
    std::optional<std::pair<store::LaneKey, std::size_t>>
        tried_;                                    // the batch that failed last: its first, how many
    bool booking_ = false;                         // what has become of a batch, one message after the other
    std::deque<store::LaneKey> held_unconfirmed_;  // those whose acknowledgement would end the holding

    LastRun last_run_;
    bool lost_results_ = false;
    std::size_t claimed_recovered_ = 0;
    std::unordered_set<Schedule::KeyId> claimed_since_;  // order_by values of which one was sent since
    std::set<store::LaneKey> uncertain_;                 // may have reached the receiver before this start
    std::set<std::uint64_t> cancelled_;                  // numbers; the oldest are forgotten
    std::uint64_t held_ = 0;
    Throughput throughput_;
    std::string last_error_;
    std::int64_t last_error_us_ = 0, last_delivered_us_ = 0;
    std::minstd_rand random_;
};

}  // namespace hilum::delivery
