// A lane: the ordered queue in front of one destination. It holds positions in the journal, never messages,
// and a bounded number of those: what doesn't fit is found again by scanning the journal (DESIGN promise 5).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "engine/delivery/policy.h"
#include "engine/delivery/window.h"
#include "engine/destinations/destination.h"
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
};

// push() is for the commit thread; everything else runs on the lane's context (executor()).
class Lane : public std::enable_shared_from_this<Lane> {
  public:
    // `recovered`: what the store found at start. `after_crash`: the head may have been in flight then.
    Lane(std::string name, store::NameId id, LaneContext context, store::LaneState const& recovered,
         bool after_crash);
    ~Lane();

    // The destination may be replaced (reload) or taken away (nullptr: what waits stays and is shown).
    void set_destination(std::unique_ptr<destinations::Destination> destination, Policy policy);
    void start();
    // Ends after the attempt under way, or when `grace` is over by giving it up; completes when the lane has
    // ended.
    net::Task<void> stop(std::chrono::milliseconds grace);

    // A committed entry; in journal order. Cheap, never blocks on the lane.
    void push(store::LaneEntry const& entry);

    net::Executor executor() const { return executor_; }
    std::string const& name() const { return name_; }

    ops::QueueView view() const;
    void pause();
    void resume();
    void retry_now();
    // False when the head is another message by now.
    bool skip(std::uint64_t message, std::string reason);
    // An acknowledgement of the message of this entry has come later, or another way than its connection.
    // What is in flight or waits for its next attempt may be settled by it; for what is settled it is kept in
    // the trace.
    void answered(std::uint64_t message, store::LaneKey const& key, destinations::Attempt attempt);
    // A held delivery was resent or released.
    void released(std::uint64_t count) { held_ -= std::min(held_, count); }

  private:
    struct Skip {
        std::uint64_t message;
        std::string reason;
    };
    net::Task<void> run();
    net::Task<bool> wait_for_head();
    net::Task<void> deliver_head();
    net::Task<void> take_answer();
    // What an attempt came to: the head is settled (true), or its failure is in the trace.
    net::Task<bool> book(destinations::Attempt const& attempt, std::uint32_t duration_us);
    void note_late(std::uint64_t message, store::LaneKey const& key, destinations::Attempt const& attempt);
    net::Task<void> settle(store::DeliveryOutcome outcome, destinations::Attempt const& attempt,
                           std::uint32_t duration_us);
    net::Task<bool> record(store::ResultRecord const& result);
    net::Task<void> fill_window();
    net::Task<void> back_off(std::chrono::milliseconds time);
    net::Task<void> sleep(std::chrono::milliseconds time);
    store::ResultRecord result_for_head(store::DeliveryOutcome outcome, destinations::Attempt const& attempt,
                                        std::uint32_t duration_us) const;
    bool gives_up(Action action) const;
    void note_failure(destinations::Attempt const& attempt);
    void take_head();
    void take_replacement();
    void wake();
    void publish();

    std::string name_;
    store::NameId id_;
    LaneContext context_;
    net::Executor executor_;
    Window window_;
    std::unique_ptr<destinations::Destination> destination_;
    std::unique_ptr<destinations::Destination> next_destination_;
    bool replace_ = false;
    Policy policy_, next_policy_;

    net::Timer timer_;  // every wait of the lane; cancelled to wake it
    bool running_ = false, stopping_ = false, paused_ = false, in_flight_ = false, store_failed_ = false;
    bool retry_now_ = false;
    std::optional<Skip> skip_;
    std::optional<destinations::Attempt> answer_;  // of the head, come between two attempts
    std::deque<store::LaneKey> held_unconfirmed_;  // those whose acknowledgement would end the holding

    std::optional<store::LaneEntry> head_;
    std::uint32_t attempts_ = 0;
    bool possible_duplicate_ = false;
    bool after_crash_ = false;
    std::chrono::steady_clock::time_point first_attempt_{};
    std::int64_t next_attempt_us_ = 0;
    std::uint64_t held_ = 0;
    std::string last_error_;
    std::int64_t last_error_us_ = 0, last_delivered_us_ = 0;
    std::minstd_rand random_;
};

}  // namespace hilum::delivery
