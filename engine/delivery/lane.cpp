#include "engine/delivery/lane.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

namespace hilum::delivery {

using namespace std::chrono_literals;
using destinations::Attempt;
using store::DeliveryOutcome;

namespace {

constexpr auto forever = std::chrono::hours(24 * 365);
constexpr std::size_t scan_bytes = 16u << 20;
constexpr std::size_t blocked_shown = 100;
constexpr auto wall_clock_looks = 1s;
// Entries settled behind one that is not: the store remembers each, in memory and in every checkpoint.
constexpr std::uint64_t ahead_max = 1'000'000;

}  // namespace

Lane::Lane(std::string name, store::NameId id, LaneContext context, store::LaneState const& recovered,
           LastRun last_run)
    : name_(std::move(name)),
      id_(id),
      context_(std::move(context)),
      executor_(context_.runtime.context(context_.context_index).get_executor()),
      window_(recovered.cursor, recovered.queued),
      schedule_(recovered.cursor, recovered.settled_ahead),
      timer_(executor_),
      last_run_(last_run),
      uncertain_(recovered.uncertain.begin(), recovered.uncertain.end()),
      held_(recovered.held),
      random_(static_cast<std::minstd_rand::result_type>(std::hash<std::string>{}(name_)) ^
              static_cast<std::minstd_rand::result_type>(context_.now_us())) {
    publish();
}

Lane::~Lane() = default;

void Lane::set_destinations(Destinations connections, Policy policy) {
    for (auto const& worker : workers_) worker->retired = true;  // once its attempt has ended
    wake_workers();
    policy_ = std::move(policy);
    rate_ = policy_.rate();
    turn_.reset();
    hours_looked_.reset();
    outage_.reset();
    gathering_.reset();
    schedule_.keep_in_hand(policy_.batch() ? policy_.batch()->max : 0);
    for (auto& connection : connections) {
        workers_.push_back(std::make_shared<Worker>(std::move(connection), executor_));
        if (started_) start_worker(workers_.back());
    }
    wake();
}

void Lane::start_worker(WorkerPointer const& worker) {
    ++running_;
    net::asio::co_spawn(
        executor_, [self = shared_from_this(), worker] { return self->work(worker); }, net::asio::detached);
}

void Lane::start() {
    started_ = true;
    ++running_;
    net::asio::co_spawn(
        executor_, [self = shared_from_this()] { return self->run(); }, net::asio::detached);
    for (auto const& worker : workers_) start_worker(worker);
}

net::Task<void> Lane::stop(std::chrono::milliseconds grace) {
    stopping_ = true;
    wake();
    auto const end = Clock::now() + grace;
    net::Timer pause(executor_);
    while (running_ > 0) {
        if (Clock::now() > end) {
            for (auto const& worker : workers_) worker->destination->close();
        }
        pause.expires_after(2ms);
        co_await pause.async_wait(net::as_result);
    }
}

void Lane::push(store::LaneEntry const& entry) {
    context_.metrics.arrived.fetch_add(1, std::memory_order_relaxed);
    if (window_.push(entry)) net::asio::post(executor_, [self = shared_from_this()] { self->wake(); });
}

void Lane::wake() {
    timer_.cancel();
    wake_workers();
}

void Lane::wake_workers() {
    for (auto const& worker : workers_) {
        if (worker->idle) worker->timer.cancel();
    }
}

net::Task<void> Lane::sleep(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    co_await timer_.async_wait(net::as_result);
}

// The oldest that is not settled, as far as it has been read.
store::LaneEntry const* Lane::oldest() const {
    auto const* in_hand = schedule_.oldest();
    return in_hand || !next_ ? in_hand : &*next_;
}

void Lane::publish() {
    auto& metrics = context_.metrics;
    auto const* oldest = this->oldest();
    metrics.depth.store(window_.queued(), std::memory_order_relaxed);
    metrics.oldest_us.store(oldest ? oldest->received_us : 0, std::memory_order_relaxed);
    metrics.blocked.store(schedule_.blocked_count(), std::memory_order_relaxed);
    metrics.stopped.store(schedule_.stopped_count(), std::memory_order_relaxed);
}

// Moves what the window has to the schedule, as far as there is room.
void Lane::feed() {
    while (!ahead_full_ && schedule_.wants()) {
        if (!next_) next_ = window_.pop();
        if (!next_ || !schedule_.accepts(*next_)) break;
        schedule_.add(*next_);
        next_.reset();
    }
}

// Reading ahead, pauses that end, errands: all that is not sending.
net::Task<void> Lane::run() {
    for (;;) {
        if (stopping_) break;
        ahead_full_ = schedule_.blocked_count() != 0 && context_.store.settled_ahead(id_) >= ahead_max;
        end_pause_when_due();
        feed();
        schedule_.begin_due(Clock::now());
        if (!errands_.empty()) {
            co_await do_errand();
            continue;
        }
        bool const turn = !turn_ || *turn_ <= Clock::now();
        bool const gathered = batch_due();
        if (may_send() && turn && gathered && schedule_.ready()) wake_workers();
        bool const room = !ahead_full_ && schedule_.wants();
        if (room && !next_ && window_.must_scan()) {
            co_await read_on();
            continue;
        }
        if (auto const range = schedule_.begin_sweep()) {
            co_await sweep(*range);
            continue;
        }
        publish();
        // Only who has nothing to do at all asks to be woken by the next entry.
        if (!next_ && room && !window_.sleep()) continue;
        auto until = schedule_.next_due();
        // With an attempt under way, its end decides.
        if (outage_) until = schedule_.busy() == 0 ? std::optional(outage_->until) : std::nullopt;
        if (!gathered && (!until || gathering_->until < *until)) until = gathering_->until;
        if (turn_ && may_send() && (!until || *turn_ < *until)) until = *turn_;
        bool const pause_ends = paused_ && paused_->until_us != 0;
        if (pause_ends || (oldest() && policy_.hours())) until = Clock::now() + wall_clock_looks;
        auto const left = until ? std::chrono::ceil<std::chrono::milliseconds>(*until - Clock::now())
                                : std::chrono::milliseconds(forever);
        co_await sleep(std::max(left, 1ms));
    }
    --running_;
}

net::Task<void> Lane::read_on() {
    auto const from = window_.begin_scan();
    auto work = [this, from] { return context_.store.scan(id_, from, Window::capacity, scan_bytes); };
    auto scan = co_await net::run_blocking(context_.runtime, work);
    if (scan) {
        window_.end_scan(*scan);
        co_return;
    }
    window_.end_scan({{}, from, false});
    co_await scan_failed(scan.error());
}

net::Task<void> Lane::scan_failed(Error const& why) {
    context_.log.error("lane_scan_failed",
                       {{"destination", name_}, {"error", why.code}, {"place", why.place}});
    co_await sleep(1s);
}

net::Task<void> Lane::sweep(Schedule::Sweep range) {
    auto at = range.from;
    while (at < range.until && schedule_.sweep_wants_more() && !stopping_) {
        auto work = [this, at] { return context_.store.scan(id_, at, Window::capacity, scan_bytes); };
        auto scan = co_await net::run_blocking(context_.runtime, work);
        if (!scan) {
            co_await scan_failed(scan.error());
            break;
        }
        for (auto const& entry : scan->entries) {
            if (entry.key < range.until) schedule_.swept(entry);
        }
        bool const stuck = scan->reached <= at;
        at = std::max(at, scan->reached);
        wake_workers();
        if (stuck || scan->at_end) {
            at = range.until;
            break;
        }
    }
    schedule_.end_sweep(at);
}

net::Task<void> Lane::do_errand() {
    auto const errand = std::move(errands_.front());
    errands_.pop_front();
    if (errand.answer) {
        co_await book(errand.claim, *errand.answer, 0);
        co_return;
    }
    bool const held = errand.outcome == DeliveryOutcome::held;
    Attempt const taken{
        destinations::AttemptClass::delivered, held ? "held" : "skipped", errand.reason, {}, {}};
    co_await settle(errand.claim, errand.outcome, taken, 0);
}

net::Task<void> Lane::work(WorkerPointer worker) {
    // Not `while (co_await ...) co_await ...`: g++ 12 makes code of that which uses a frame it has not
    // filled.
    for (;;) {
        bool const claimed = co_await wait_for_claim(*worker);
        if (!claimed) break;
        co_await deliver(*worker);
        worker->claim.reset();
        bool const more = schedule_.hungry() || next_ || !errands_.empty() || window_.must_scan();
        if (more) timer_.cancel();
    }
    worker->destination->close();
    std::erase(workers_, worker);
    --running_;
}

// True when there is an entry to send; false when the worker is to end.
net::Task<bool> Lane::wait_for_claim(Worker& worker) {
    for (;;) {
        if (stopping_ || worker.retired) co_return false;
        if (claim(worker)) co_return true;
        if (may_send() && !turn_)
            timer_.cancel();  // run() sees to it that something comes, or wakes us when it does
        worker.idle = true;
        worker.timer.expires_after(forever);
        co_await worker.timer.async_wait(net::as_result);
        worker.idle = false;
    }
}

bool Lane::may_send() {
    if (paused_ || store_failed_ || stopping_ || !in_hours()) return false;
    return !outage_ || (schedule_.busy() == 0 && Clock::now() >= outage_->until);
}

// The clock on the wall may be set: it is looked at now and then, not trusted for long.
bool Lane::in_hours() {
    auto const* hours = policy_.hours();
    if (!hours) return true;
    auto const now = Clock::now();
    if (!hours_looked_ || now >= *hours_looked_ + wall_clock_looks) {
        hours_looked_ = now;
        in_hours_ = hours->open(context_.now_us());
    }
    return in_hours_;
}

bool Lane::claim(Worker& worker) {
    if (!may_send()) return false;
    feed();
    if (booking_ || !batch_due() || !has_turn()) return false;
    worker.claim = schedule_.claim();
    if (worker.claim) turn_.reset();
    return worker.claim.has_value();
}

// Whether the rate allows an attempt now; run() wakes a worker when it does.
bool Lane::has_turn() {
    if (!rate_) return true;
    if (!schedule_.ready()) return false;
    auto const now = Clock::now();
    if (!turn_) turn_ = now + rate_->take(now, forever).value_or(forever);
    if (*turn_ <= now) return true;
    timer_.cancel();
    return false;
}

void Lane::pause(store::Pause pause) {
    paused_ = std::move(pause);
    context_.log.info("queue_paused", {{"destination", name_}});
    timer_.cancel();
}

// By the clock on the wall, as above.
void Lane::end_pause_when_due() {
    if (paused_ && paused_->until_us != 0 && context_.now_us() >= paused_->until_us) resume();
}

void Lane::resume() {
    paused_.reset();
    context_.log.info("queue_resumed", {{"destination", name_}});
    wake();
}

void Lane::retry_now() {
    schedule_.start_all();
    if (outage_) outage_->until = Clock::now();
    wake();
}

bool Lane::retry_now(std::uint64_t message) {
    bool const there = schedule_.start(message);
    if (there && outage_) outage_->until = Clock::now();
    wake();
    return there;
}

bool Lane::take_out(std::uint64_t message, DeliveryOutcome outcome, std::string reason) {
    if (booking_) return false;
    auto const claim = schedule_.claim_message(message);
    if (!claim) return false;
    errands_.push_back({*claim, std::nullopt, outcome, std::move(reason)});
    wake();
    return true;
}

std::string_view Lane::live_state(std::uint64_t message) const {
    for (auto const& worker : workers_) {
        if (worker->claim && worker->claim->entry.sequence == message)
            return worker->in_flight ? "in_flight" : "claimed";
    }
    return {};
}

std::optional<store::LaneKey> Lane::first_waiting() const {
    auto const* first = oldest();
    return first ? std::optional(first->key) : std::nullopt;
}

ops::QueueView Lane::view() const {
    ops::QueueView v;
    v.destination = name_;
    v.where = workers_.empty() ? "" : workers_.back()->destination->where();
    v.queued = window_.queued();
    v.held = held_;
    v.connections = static_cast<std::uint32_t>(
        std::count_if(workers_.begin(), workers_.end(), [](auto const& worker) { return !worker->retired; }));
    v.in_flight = static_cast<std::uint32_t>(std::count_if(
        workers_.begin(), workers_.end(), [](auto const& worker) { return worker->claim.has_value(); }));
    v.blocked = schedule_.blocked_count();
    v.stopped = schedule_.stopped_count();
    auto const now = Clock::now();
    auto const now_us = context_.now_us();
    auto const* hours = policy_.hours();
    bool const closed = hours && !hours->open(now_us);
    auto const planned = [&](Clock::time_point at) {
        auto const left = std::max(at - now, Clock::duration{});
        auto const due = now_us + std::chrono::duration_cast<std::chrono::microseconds>(left).count();
        return hours ? hours->open_from(due) : due;
    };
    for (auto const& b : schedule_.blocked(blocked_shown)) {
        v.blocked_messages.push_back(
            {b.entry.sequence, b.head.attempts, b.head.error, b.stopped, b.stopped ? 0 : planned(b.next)});
    }
    auto const* oldest = this->oldest();
    if (oldest) {
        v.oldest_us = oldest->received_us;
        v.head_message = oldest->sequence;
        v.head_attempts = schedule_.attempts_of(oldest->order.key);
    }
    if (outage_) {
        v.next_attempt_us = schedule_.busy() == 0 ? planned(outage_->until) : 0;
    } else if (gathering_ && oldest && oldest->key == gathering_->first && gathering_->until > now) {
        v.next_attempt_us = planned(gathering_->until);
    } else if (auto const due = schedule_.next_due()) {
        v.next_attempt_us = planned(*due);
    } else if (closed && oldest) {
        v.next_attempt_us = planned(now);
    }
    v.pause = paused_;
    v.last_error = last_error_;
    v.last_error_us = last_error_us_;
    v.last_delivered_us = last_delivered_us_;
    if (auto const rates = throughput_.rates(now, v.queued)) {
        v.settled_per_second = rates->settled;
        v.arrived_per_second = rates->arrived;
    }
    bool const stands = v.stopped != 0 && v.in_flight == 0 && !schedule_.ready();
    v.state = store_failed_                    ? "stopped"
              : v.connections == 0             ? "removed"
              : paused_                        ? "paused"
              : stands                         ? "stopped"
              : closed && oldest               ? "closed"
              : oldest && !last_error_.empty() ? "retrying"
              : oldest                         ? "running"
                                               : "idle";
    return v;
}

}  // namespace hilum::delivery
