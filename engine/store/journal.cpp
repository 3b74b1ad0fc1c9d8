#include "engine/store/journal.h"

#include <algorithm>
#include <utility>

#include "engine/store/segment.h"

namespace hilum::store {
namespace {

constexpr auto idle_sync_after = std::chrono::milliseconds(200);
constexpr auto full_retry_after = std::chrono::milliseconds(500);
constexpr auto longest_roll = std::chrono::seconds(5);
constexpr auto longest_flush = std::chrono::seconds(30);
constexpr std::size_t keep_capacity = 8u << 20;  // of a batch buffer after a burst

Error store_failed(Error const& why) {
    return error("store_failed", why.place, "the store stopped after an error: " + why.what, "check the disk, then restart");
}
Error disk_full() { return error("disk_full", "journal", "there is no room for the next messages", "free some space; the store goes on by itself"); }

}  // namespace

void Journal::Batch::clear() {
    if (bytes.capacity() > keep_capacity) std::string().swap(bytes);
    bytes.resize(mark_size);
    entries.clear();
    owed.clear();
    resends.clear();
}

Journal::Journal(Options const& options, std::shared_ptr<FileSystem> files, CommitListener& listener, Recovered& recovered,
                 std::function<void()> wake)
    : dir_(options.dir),
      segment_size_(options.segment_size),
      reserve_(std::min<std::uint64_t>(options.segment_size / 16, 1u << 20)),
      max_pending_(options.max_pending),
      now_us_(options.now_us),
      files_(std::move(files)),
      listener_(listener),
      catalogue_(*recovered.catalogue),
      store_id_(recovered.store_id),
      checksum_(recovered.store_id),
      wake_(std::move(wake)),
      next_sequence_(recovered.ledger.next_sequence),
      active_(recovered.active),
      segment_(recovered.end.segment()),
      offset_(recovered.end.offset()),
      allocated_(recovered.allocated),
      ledger_(std::move(recovered.ledger)) {
    pending_.clear();
    committing_.clear();
    for (auto const& [id, text] : ledger_.names) {
        if (names_.size() < id) names_.resize(id);
        names_[id - 1] = text;
        ids_.emplace(text, id);
    }
    names_count_ = names_.size();
    names_written_ = names_.size();
    durable_ = written_ = recovered.end.value;
}

Journal::~Journal() {
    {
        std::lock_guard const lock(pending_mutex_);
        stop_ = abandon_ = true;
        pending_changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
}

Result<void> Journal::start() {
    {
        std::lock_guard const lock(file_mutex_);
        // What recovery kept has been synced; say so.
        if (allocated_ >= offset_ + mark_size) {
            scratch_.clear();
            append_mark(scratch_, Kind::sync_mark, ledger_.next_sequence - 1, durable_end(), checksum_);
            if (auto r = write(scratch_); !r) return r;
        } else {
            roll_due_ = true;
        }
    }
    if (auto r = sync(); !r) return r;
    thread_ = std::thread([this] { run(); });
    return {};
}

NameId Journal::name_id(std::string_view name) {
    std::lock_guard const lock(names_mutex_);
    if (auto const i = ids_.find(name); i != ids_.end()) return i->second;
    names_.emplace_back(name);
    auto const id = static_cast<NameId>(names_.size());
    ids_.emplace(std::string(name), id);
    names_count_.store(names_.size(), std::memory_order_release);
    return id;
}

std::string Journal::name(NameId id) const {
    std::lock_guard const lock(names_mutex_);
    return id == 0 || id > names_.size() ? std::string() : names_[id - 1];
}

std::optional<NameId> Journal::known_id(std::string_view name) const {
    std::lock_guard const lock(names_mutex_);
    auto const i = ids_.find(name);
    return i == ids_.end() ? std::nullopt : std::optional(i->second);
}

Result<void> Journal::may_append(std::uint64_t size) const {
    switch (health_.load(std::memory_order_acquire)) {
        case Health::failed:
            return store_failed(why_failed_);
        case Health::full:
            return disk_full();
        case Health::good:
            break;
    }
    if (stop_) return error("store_failed", "", "the store is closing");
    if (!pending_.entries.empty() && pending_.bytes.size() + size > max_pending_) {
        return error("busy", "", "too much waits for the disk", "try again in a moment");
    }
    return {};
}

void Journal::added(bool was_empty) {
    if (was_empty && waiting_) pending_changed_.notify_one();
}

Result<void> Journal::append(MessageRecord const& record, Ticket& ticket) {
    std::uint64_t const size = message_size_bound(record);
    if (size > max_record) {
        return error("record_too_large", "", "a message of " + std::to_string(size >> 20) + " MiB is too large for the journal",
                     "the limit is 1 GiB for a message and all that routes make of it");
    }
    std::uint32_t const body_crc = message_body_crc(record, checksum_);
    std::lock_guard const lock(pending_mutex_);
    if (auto r = may_append(size); !r) return r;
    bool const was_empty = pending_.entries.empty();
    Entry e;
    e.ticket = &ticket;
    e.sequence = next_sequence_++;
    e.state = record.state;
    e.owed = static_cast<std::uint32_t>(record.deliveries.size());
    e.begin = pending_.bytes.size();
    append_message(pending_.bytes, record, e.sequence, body_crc, checksum_);
    e.end = pending_.bytes.size();
    for (auto const& d : record.deliveries) pending_.owed.push_back(d.destination);
    pending_.entries.push_back(e);
    ticket.sequence = e.sequence;
    ticket.error.reset();
    added(was_empty);
    return {};
}

Result<void> Journal::append(ResendRecord const& record, Ticket& ticket) {
    std::lock_guard const lock(pending_mutex_);
    if (auto r = may_append(record_header_size + 100 + record.by.size()); !r) return r;
    bool const was_empty = pending_.entries.empty();
    Entry e;
    e.ticket = &ticket;
    e.begin = pending_.bytes.size();
    append_resend(pending_.bytes, record, checksum_);
    e.end = pending_.bytes.size();
    pending_.resends.push_back(record);
    pending_.resends.back().by = {};
    e.resend = static_cast<std::uint32_t>(pending_.resends.size());
    pending_.entries.push_back(e);
    ticket.sequence = record.sequence;
    ticket.error.reset();
    added(was_empty);
    return {};
}

Result<void> Journal::write(std::string_view bytes) {
    auto const r = active_->write_at(offset_, bytes);
    if (r) {
        offset_ += bytes.size();
        written_.store(Position::at(segment_, static_cast<std::uint32_t>(offset_)).value, std::memory_order_release);
        return {};
    }
    if (r.error().code != "disk_full") return r.error();
    // Nothing of it may be found by a recovery as if it had been accepted.
    if (auto cut = active_->truncate(offset_); !cut) return cut.error();
    allocated_ = offset_;
    return r.error();
}

Result<void> Journal::write_names() {
    if (names_count_.load(std::memory_order_acquire) == names_written_) return {};
    std::string records;
    std::vector<std::string> fresh;
    {
        std::lock_guard const lock(names_mutex_);
        fresh.assign(names_.begin() + static_cast<std::ptrdiff_t>(names_written_), names_.end());
    }
    std::size_t id = names_written_;
    for (auto const& name : fresh) append_name(records, static_cast<NameId>(++id), name, checksum_);
    if (offset_ + records.size() > allocated_) {
        if (auto r = roll(records.size()); !r) return r;
    }
    if (auto r = write(records); !r) return r;
    for (auto& name : fresh) ledger_.names[static_cast<NameId>(++names_written_)] = std::move(name);
    return {};
}

Result<void> Journal::record(ResultRecord const& result) {
    if (health() == Health::failed) {
        std::lock_guard const lock(pending_mutex_);
        return store_failed(why_failed_);
    }
    Result<void> done;
    {
        std::unique_lock lock(file_mutex_);
        scratch_.clear();
        append_result(scratch_, result, checksum_);
        std::size_t const size = scratch_.size();
        if (offset_ + size > allocated_) {
            roll_due_ = true;  // by the commit thread: it alone syncs
            wake_committer();
            rolled_.wait_for(lock, longest_roll, [&] { return offset_ + size <= allocated_ || health() != Health::good; });
            if (offset_ + size > allocated_) return health() == Health::failed ? store_failed({}) : disk_full();
            scratch_.clear();  // another result may have used it meanwhile
            append_result(scratch_, result, checksum_);
        }
        if (done = write(scratch_); done) {
            ledger_.result(result);
            if (offset_ > message_limit() && !roll_due_.exchange(true)) wake_committer();
        }
    }
    if (!done) {
        if (done.error().code == "disk_full") {
            set_full();
            wake_committer();
            return done;
        }
        failed(done.error());
        return store_failed(done.error());
    }
    if (!sync_due_.exchange(true)) wake_committer();
    return {};
}

// The old segment ends, a new one with a checkpoint begins. Order: room first (nothing is changed when there is none), the old one
// durable, the new one durable under its name, then the old one cut to its length.
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
    // Durable before the next roll: recovery looks after the newest two segments only.
    if (r = active_->truncate(offset_); r) r = active_->sync();
    if (!r) return r;
    active_ = *file;
    segment_ = plan.number;
    offset_ = head.size();
    allocated_ = allocated;
    roll_due_ = false;
    written_.store(Position::at(segment_, static_cast<std::uint32_t>(offset_)).value, std::memory_order_release);
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
    if (auto r = file->sync(); !r) return r;
    durable_.store(end, std::memory_order_release);
    last_sync_ = Clock::now();
    return {};
}

std::size_t Journal::how_many_fit(Batch const& batch, std::size_t first) const {
    std::uint64_t const room = message_limit() > offset_ + mark_size ? message_limit() - offset_ - mark_size : 0;
    std::uint64_t const begin = batch.entries[first].begin;
    std::size_t n = batch.entries.size();
    if (batch.entries.back().end - begin <= room) return n;
    auto const i = std::partition_point(batch.entries.begin() + static_cast<std::ptrdiff_t>(first), batch.entries.end(),
                                        [&](Entry const& e) { return e.end - begin <= room; });
    return static_cast<std::size_t>(i - batch.entries.begin());
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
            if (auto r = roll(batch.entries[first].end - batch.entries[first].begin + mark_size); !r) return r.error();
            last = how_many_fit(batch, first);
        }
        // The mark goes right before the first record: into the room left free for it, or over a record that is written already.
        std::uint64_t const begin = batch.entries[first].begin;
        std::uint64_t const end = batch.entries[last - 1].end;
        scratch_.clear();
        append_mark(scratch_, Kind::sync_mark, ledger_.next_sequence - 1, durable_end(), checksum_);
        std::copy(scratch_.begin(), scratch_.end(), batch.bytes.begin() + static_cast<std::ptrdiff_t>(begin - mark_size));
        std::uint64_t const base = offset_ + mark_size - begin;
        if (auto r = write(std::string_view(batch.bytes).substr(begin - mark_size, end - begin + mark_size)); !r) return r.error();
        for (std::size_t i = first; i < last; ++i) {
            Entry const& e = batch.entries[i];
            Position const at = Position::at(segment_, static_cast<std::uint32_t>(base + e.begin));
            e.ticket->position = at;
            told_.push_back(e.ticket);
            if (e.resend != 0) {
                ledger_.resend(at, batch.resends[e.resend - 1]);
                continue;
            }
            for (std::uint32_t n = 0; n < e.owed; ++n) ledger_.delivery(batch.owed[owed++], {at, n});
            ledger_.message(at, e.sequence, e.state);
            ++messages;
        }
    }
    // Durable step: the records and everything before them. Until it returns well, nothing in them is acknowledged.
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
        auto const last = health() == Health::failed ? Result<std::size_t>(store_failed({})) : commit_some(batch, first, owed);
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
    // What gathered behind it goes too: its numbers come after ones that are given again, so that none is ever missing.
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
           (health() != Health::failed && flush_wanted_ > flush_done_) || (health() == Health::good && roll_due_.load());
}

Journal::Clock::time_point Journal::deadline() const {
    if (health() == Health::full && !sync_due_ && !unmarked_) return Clock::time_point(Clock::duration(next_try_.load()));
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

void Journal::run() {
    std::unique_lock lock(pending_mutex_);
    for (;;) {
        waiting_ = true;
        while (!work_waits()) {
            auto const until = deadline();
            if (until == Clock::time_point::max()) {
                pending_changed_.wait(lock);
            } else if (pending_changed_.wait_until(lock, until) == std::cv_status::timeout || Clock::now() >= until) {
                break;
            }
        }
        waiting_ = false;
        if (abandon_) break;
        if (!pending_.entries.empty()) {
            std::swap(pending_, committing_);
            lock.unlock();
            commit(committing_);
            committing_.clear();
            lock.lock();
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

Result<void> Journal::flush() {
    std::unique_lock lock(pending_mutex_);
    if (health() == Health::failed) return store_failed(why_failed_);
    std::uint64_t const mine = ++flush_wanted_;
    pending_changed_.notify_one();
    bool const done = flush_changed_.wait_for(lock, longest_flush, [&] { return flush_done_ >= mine || health() == Health::failed; });
    if (health() == Health::failed) return store_failed(why_failed_);
    if (!done) return error("busy", "", "the disk did not finish a sync in time", "try again later");
    return {};
}

Result<void> Journal::close() {
    {
        std::lock_guard const lock(pending_mutex_);
        stop_ = true;
        pending_changed_.notify_all();
    }
    if (thread_.joinable()) thread_.join();
    if (health() == Health::failed) return store_failed(why_failed_);
    {
        std::lock_guard const lock(file_mutex_);
        if (auto r = active_->sync(); !r) return r;
        durable_ = written_.load();
        if (offset_ + mark_size > allocated_) return {};  // full: the next start finds the end by itself
        scratch_.clear();
        append_mark(scratch_, Kind::clean_end, ledger_.next_sequence - 1, durable_end(), checksum_);
        if (auto r = write(scratch_); !r) return r;
    }
    return sync();
}

std::vector<LaneState> Journal::lanes() const {
    std::lock_guard const lock(file_mutex_);
    return ledger_.states();
}

std::uint32_t Journal::first_needed() const {
    std::lock_guard const lock(file_mutex_);
    return ledger_.first_needed();
}

Sequence Journal::next_sequence() const {
    std::lock_guard const lock(file_mutex_);
    return ledger_.next_sequence;
}

}  // namespace hilum::store
