// The commit thread: batches, segments, chores. What may be called from outside is in journal.cpp.
#include <algorithm>
#include <utility>

#include "engine/ops/kill_point.h"
#include "engine/store/journal.h"
#include "engine/store/segment.h"

namespace hilum::store {

using ops::kill_point;
using ops::KillPoint;

namespace {

constexpr auto idle_sync_after = std::chrono::milliseconds(200);
constexpr auto look_out_for = std::chrono::microseconds(150);
constexpr auto full_retry_after = std::chrono::milliseconds(500);
constexpr std::uint64_t small_commit = 8u << 10;
constexpr std::uint64_t clear_ahead = 256u << 10;

}  // namespace

// The old segment ends, a new one with a checkpoint begins. Order: room first (nothing is changed when there
// is none), the old one durable, the new one durable under its name, then the old one cut to its length.
Result<void> Journal::roll(std::uint64_t room) {
    Ledger& ledger = ledger_;
    Position const end = Position::at(segment_, static_cast<std::uint32_t>(offset_));
    Position const previous_end = std::exchange(ledger.previous_end, end);
    NewSegmentPlan const plan{segment_ + 1, store_id_, now_us_(), segment_size_, room + reserve_};
    std::string head;
    std::uint64_t allocated = 0;
    auto file = start_segment(dir_, *files_, plan, ledger, head, allocated);
    Result<void> r;
    if (!file) {
        r = file.error();
    } else {
        kill_point(KillPoint::roll_begun);
        r = active_->sync();
        if (r) {
            durable_.store(end.value, std::memory_order_release);
            r = finish_segment(dir_, *files_, plan.number, **file, head);
        }
    }
    if (!r) {
        ledger.previous_end = previous_end;
        return r;
    }
    catalogue_.seal(segment_, offset_);
    catalogue_.add({plan.number, ledger.next_sequence, plan.created_us, 0}, *file);
    kill_point(KillPoint::roll_named);
    // Durable before the next roll: recovery looks after the newest two segments only.
    if (r = active_->truncate(offset_); r) r = active_->sync();
    if (!r) return r;
    kill_point(KillPoint::roll_cut);
    active_ = *file;
    segment_ = plan.number;
    offset_ = head.size();
    allocated_ = allocated;
    cleared_ = 0;
    roll_due_ = false;
    written_.store(Position::at(segment_, static_cast<std::uint32_t>(offset_)).value,
                   std::memory_order_release);
    durable_.store(written_.load(), std::memory_order_release);
    rolled_.notify_all();
    return {};
}

Result<void> Journal::regain() {
    std::uint64_t const want = std::max(segment_size_, offset_ + 2 * reserve_);
    if (offset_ + reserve_ < segment_size_ && allocated_ < want) {
        if (auto r = active_->allocate(want); !r) return r;
        allocated_ = want;
        rolled_.notify_all();
        return {};
    }
    return roll(0);
}

Result<void> Journal::sync() {
    std::uint64_t const end = written_.load(std::memory_order_acquire);
    std::shared_ptr<File> file;
    {
        std::lock_guard const lock(file_mutex_);
        file = active_;
    }
    sync_due_ = false;
    kill_point(KillPoint::before_sync);
    if (auto r = file->sync(); !r) return r;
    kill_point(KillPoint::after_sync);
    durable_.store(end, std::memory_order_release);
    last_sync_ = Clock::now();
    return {};
}

std::size_t Journal::how_many_fit(Batch const& batch, std::size_t first) const {
    std::uint64_t const room =
        message_limit() > offset_ + mark_size ? message_limit() - offset_ - mark_size : 0;
    std::uint64_t const begin = batch.entries[first].begin;
    std::size_t n = batch.entries.size();
    if (batch.entries.back().end - begin <= room) return n;
    auto const i =
        std::partition_point(batch.entries.begin() + static_cast<std::ptrdiff_t>(first), batch.entries.end(),
                             [&](Entry const& e) { return e.end - begin <= room; });
    return static_cast<std::size_t>(i - batch.entries.begin());
}

// The first write to a preallocated block makes the file system note in its own journal that the block holds
// data now, and the sync has to wait for that too: a third of the time of a message that is synced alone. So
// now and then the zeros that the tail reads as are written out ahead of the records. Large commits don't
// notice, and would pay the bandwidth.
Result<void> Journal::clear_ahead_of(std::uint64_t commit) {
    if (commit > small_commit || offset_ + small_commit <= cleared_) return {};
    std::uint64_t const begin = std::max(cleared_, offset_);
    std::uint64_t const end = std::min(offset_ + clear_ahead, allocated_);
    if (begin >= end) return {};
    scratch_.assign(end - begin, '\0');
    auto r = active_->write_at(begin, scratch_);
    if (!r && r.error().code == "disk_full") return {};  // nothing is owed to these bytes
    cleared_ = end;
    return r;
}

Result<std::size_t> Journal::commit_some(Batch& batch, std::size_t first, std::size_t& owed) {
    std::size_t last = 0;
    std::uint64_t messages = 0;
    told_.clear();
    {
        std::lock_guard const lock(file_mutex_);
        if (auto r = write_names(); !r) return r.error();
        last = how_many_fit(batch, first);
        if (last == first || roll_due_) {
            if (auto r = roll(batch.entries[first].end - batch.entries[first].begin + mark_size); !r)
                return r.error();
            last = how_many_fit(batch, first);
        }
        // The mark goes right before the first record: into the room left free for it, or over a record that
        // is written already.
        std::uint64_t const begin = batch.entries[first].begin;
        std::uint64_t const end = batch.entries[last - 1].end;
        scratch_.clear();
        append_mark(scratch_, Kind::sync_mark, ledger_.next_sequence - 1, durable_end(), checksum_);
        std::copy(scratch_.begin(), scratch_.end(),
                  batch.bytes.begin() + static_cast<std::ptrdiff_t>(begin - mark_size));
        std::uint64_t const base = offset_ + mark_size - begin;
        if (auto r = write(std::string_view(batch.bytes).substr(begin - mark_size, end - begin + mark_size));
            !r)
            return r.error();
        if (auto r = clear_ahead_of(end - begin); !r) return r.error();
        for (std::size_t i = first; i < last; ++i) {
            Entry const& e = batch.entries[i];
            Position const at = Position::at(segment_, static_cast<std::uint32_t>(base + e.begin));
            e.ticket->position = at;
            told_.push_back(e.ticket);
            if (e.resend != 0) {
                ledger_.resend(at, batch.resends[e.resend - 1]);
                if (e.result != 0) ledger_.result(batch.results[e.result - 1]);
                continue;
            }
            for (std::uint32_t n = 0; n < e.owed; ++n) ledger_.delivery(batch.owed[owed++], {at, n});
            ledger_.message(at, e.sequence, e.state);
            if (e.result != 0) ledger_.result(batch.results[e.result - 1]);
            ++messages;
        }
    }
    // Durable step: the records and everything before them. Until it returns well, nothing in them is
    // acknowledged.
    if (auto r = sync(); !r) return r.error();
    if (health() == Health::failed) return error("store_failed", "", "the store has failed");
    unmarked_ = true;
    commits_.fetch_add(1, std::memory_order_relaxed);
    synced_messages_.fetch_add(messages, std::memory_order_relaxed);
    listener_.committed(told_);
    wake_();
    return last;
}

void Journal::commit(Batch& batch) {
    std::size_t owed = 0;
    for (std::size_t first = 0; first < batch.entries.size();) {
        auto const last = health() == Health::failed ? Result<std::size_t>(store_failed({}))
                                                     : commit_some(batch, first, owed);
        if (!last) return refuse(batch, first, last.error());
        first = *last;
    }
}

void Journal::wake_committer() {
    std::lock_guard const lock(pending_mutex_);
    pending_changed_.notify_one();
}

void Journal::set_full() {
    next_try_ = (Clock::now() + full_retry_after).time_since_epoch().count();
    Health expected = Health::good;
    health_.compare_exchange_strong(expected, Health::full);
}

void Journal::failed(Error const& why) {
    {
        std::lock_guard const lock(pending_mutex_);
        if (health_.exchange(Health::failed) != Health::failed) why_failed_ = why;
        flush_changed_.notify_all();
        pending_changed_.notify_one();
    }
    rolled_.notify_all();
}

void Journal::refuse(Batch& batch, std::size_t first, Error const& why) {
    bool const full = why.code == "disk_full";
    if (!full) failed(why);
    // What gathered behind it goes too: its numbers come after ones that are given again, so that none is
    // ever missing.
    Batch behind;
    behind.clear();
    {
        std::lock_guard const lock(pending_mutex_);
        if (full) set_full();
        std::swap(behind, pending_);
        for (std::size_t i = first; full && i < batch.entries.size(); ++i) {
            if (batch.entries[i].resend == 0) {
                next_sequence_ = std::min(next_sequence_, batch.entries[i].sequence);
                break;
            }
        }
        for (auto const& e : behind.entries) {
            if (full && e.resend == 0) next_sequence_ = std::min(next_sequence_, e.sequence);
        }
    }
    told_.clear();
    Error const answer = full ? disk_full() : store_failed(why);
    auto const tell = [&](Entry const& e) {
        e.ticket->error = answer;
        told_.push_back(e.ticket);
    };
    std::for_each(batch.entries.begin() + static_cast<std::ptrdiff_t>(first), batch.entries.end(), tell);
    std::for_each(behind.entries.begin(), behind.entries.end(), tell);
    if (!told_.empty()) listener_.committed(told_);
}

bool Journal::work_waits() const {
    return stop_ || !pending_.entries.empty() ||
           (health() != Health::failed && flush_wanted_ > flush_done_) ||
           (health() == Health::good && roll_due_.load());
}

Journal::Clock::time_point Journal::deadline() const {
    if (health() == Health::full && !sync_due_ && !unmarked_)
        return Clock::time_point(Clock::duration(next_try_.load()));
    if (health() != Health::failed && (sync_due_ || unmarked_)) return last_sync_ + idle_sync_after;
    return Clock::time_point::max();
}

Result<void> Journal::idle_sync() {
    {
        std::lock_guard const lock(file_mutex_);
        if (unmarked_ && offset_ + mark_size <= allocated_) {
            scratch_.clear();
            append_mark(scratch_, Kind::sync_mark, ledger_.next_sequence - 1, durable_end(), checksum_);
            if (auto r = write(scratch_); !r) return r;
        }
        unmarked_ = false;
    }
    auto r = sync();
    if (r) wake_();  // results are there to be read, too
    return r;
}

// Nothing waits for a commit: the chores.
void Journal::on_time() {
    bool flush = false;
    std::uint64_t wanted = 0;
    {
        std::lock_guard const lock(pending_mutex_);
        wanted = flush_wanted_;
        flush = wanted > flush_done_;
    }
    if (health() == Health::failed) return;
    Result<void> r;
    if (health() == Health::full) {
        if (Clock::now().time_since_epoch().count() >= next_try_) {
            std::lock_guard const lock(file_mutex_);
            r = regain();
            if (r) {
                Health expected = Health::full;
                health_.compare_exchange_strong(expected, Health::good);
            }
        }
    } else if (roll_due_) {
        std::lock_guard const lock(file_mutex_);
        r = roll(0);
    }
    if (!r && r.error().code == "disk_full") {
        set_full();  // results can still be booked, and synced
        rolled_.notify_all();
        r = {};
    }
    if (r && (flush || sync_due_ || unmarked_)) {
        r = idle_sync();
        if (r) {
            std::lock_guard const lock(pending_mutex_);
            flush_done_ = wanted;
            flush_changed_.notify_all();
        }
    }
    if (!r && r.error().code == "disk_full") {
        set_full();
    } else if (!r) {
        failed(r.error());
    }
}

// A sender that is alone sends again as soon as it has its answer. Looking out for that a moment, giving the
// core to whoever wants it, is quicker than going to sleep and being woken: a fifth of the time of a message
// on an idle machine.
void Journal::look_out(std::unique_lock<std::mutex>& lock) const {
    auto const until = Clock::now() + look_out_for;
    while (!work_waits() && Clock::now() < until) {
        lock.unlock();
        std::this_thread::yield();
        lock.lock();
    }
}

void Journal::run() {
    std::unique_lock lock(pending_mutex_);
    for (;;) {
        waiting_ = true;
        while (!work_waits()) {
            auto const until = deadline();
            if (until == Clock::time_point::max()) {
                pending_changed_.wait(lock);
            } else if (pending_changed_.wait_until(lock, until) == std::cv_status::timeout ||
                       Clock::now() >= until) {
                break;
            }
        }
        waiting_ = false;
        if (abandon_) break;
        if (!pending_.entries.empty()) {
            std::swap(pending_, committing_);
            lock.unlock();
            commit(committing_);
            bool const alone = committing_.entries.size() == 1;
            committing_.clear();
            lock.lock();
            if (alone) look_out(lock);
            continue;
        }
        if (stop_) break;
        lock.unlock();
        on_time();
        lock.lock();
    }
    if (abandon_) {
        lock.unlock();
        refuse(committing_, 0, error("store_closed", "", "the store was closed"));
    }
}

}  // namespace hilum::store
