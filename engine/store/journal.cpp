#include "engine/store/journal.h"

#include <algorithm>
#include <utility>

#include "engine/ops/kill_point.h"
#include "engine/store/segment.h"

namespace hilum::store {

using ops::kill_point;
using ops::KillPoint;

namespace {

constexpr auto longest_roll = std::chrono::seconds(5);
constexpr auto longest_flush = std::chrono::seconds(30);
constexpr std::size_t keep_capacity = 8u << 20;  // of a batch buffer after a burst

}  // namespace

Error Journal::store_failed(Error const& why) {
    return error("store_failed", why.place, "the store stopped after an error: " + why.what,
                 "check the disk, then restart");
}
Error Journal::disk_full() {
    return error("disk_full", "journal", "there is no room for the next messages",
                 "free some space; the store goes on by itself");
}

void Journal::Batch::clear() {
    if (bytes.capacity() > keep_capacity) std::string().swap(bytes);
    bytes.resize(mark_size);
    entries.clear();
    owed.clear();
    resends.clear();
    results.clear();
}

Journal::Journal(Options const& options, std::shared_ptr<FileSystem> files, CommitListener& listener,
                 Recovered& recovered, std::function<void()> wake)
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
      allocated_(recovered.older_format ? recovered.end.offset() : recovered.allocated),
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
    return append(record, nullptr, ticket);
}

Result<void> Journal::append(Continuation const& record, Ticket& ticket) {
    return append(record.message, &record.settles, ticket);
}

Result<void> Journal::append(MessageRecord const& record, ResultRecord const* settles, Ticket& ticket) {
    std::uint64_t const size = message_size_bound(record) + (settles ? result_size_bound(*settles) : 0);
    if (size > max_record) {
        return error("record_too_large", "",
                     "a message of " + std::to_string(size >> 20) + " MiB is too large for the journal",
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
    if (settles) add_settled(e, *settles);
    e.end = pending_.bytes.size();
    for (auto const& d : record.deliveries) pending_.owed.push_back(d.destination);
    pending_.entries.push_back(e);
    ticket.sequence = e.sequence;
    ticket.error.reset();
    added(was_empty);
    return {};
}

// Behind the record that it belongs to: a commit that is torn between the two asks for the entry again, and
// loses nothing.
void Journal::add_settled(Entry& entry, ResultRecord const& settles) {
    append_result(pending_.bytes, settles, checksum_);
    pending_.results.push_back(settles);
    auto& kept = pending_.results.back();
    kept.code = kept.text = kept.answer = {};
    entry.result = static_cast<std::uint32_t>(pending_.results.size());
}

Result<void> Journal::append(ResendRecord const& record, Ticket& ticket) {
    return append(record, nullptr, ticket);
}

Result<void> Journal::append(Transfer const& record, Ticket& ticket) {
    return append(record.order, &record.settles, ticket);
}

Result<void> Journal::append(ResendRecord const& record, ResultRecord const* settles, Ticket& ticket) {
    std::uint64_t const size =
        record_header_size + 100 + record.by.size() + (settles ? result_size_bound(*settles) : 0);
    std::lock_guard const lock(pending_mutex_);
    if (auto r = may_append(size); !r) return r;
    bool const was_empty = pending_.entries.empty();
    Entry e;
    e.ticket = &ticket;
    e.begin = pending_.bytes.size();
    append_resend(pending_.bytes, record, checksum_);
    if (settles) add_settled(e, *settles);
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
    kill_point(KillPoint::before_write);
    auto const r = active_->write_at(offset_, bytes);
    kill_point(KillPoint::after_write);
    if (r) {
        offset_ += bytes.size();
        written_.store(Position::at(segment_, static_cast<std::uint32_t>(offset_)).value,
                       std::memory_order_release);
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
            rolled_.wait_for(lock, longest_roll,
                             [&] { return offset_ + size <= allocated_ || health() != Health::good; });
            if (offset_ + size > allocated_)
                return health() == Health::failed ? store_failed({}) : disk_full();
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

Result<void> Journal::flush() {
    std::unique_lock lock(pending_mutex_);
    if (health() == Health::failed) return store_failed(why_failed_);
    std::uint64_t const mine = ++flush_wanted_;
    pending_changed_.notify_one();
    bool const done = flush_changed_.wait_for(
        lock, longest_flush, [&] { return flush_done_ >= mine || health() == Health::failed; });
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

std::uint64_t Journal::settled_ahead(NameId destination) const {
    std::lock_guard const lock(file_mutex_);
    auto const lane = ledger_.lanes().find(destination);
    return lane == ledger_.lanes().end() ? 0 : lane->second.settled_ahead.size();
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
