// The journal's writer: group commit on one thread, results written straight through (docs/journal.md,
// "Writing").
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "engine/store/recovery.h"
#include "engine/store/store.h"

namespace hilum::store {

class Journal {
  public:
    // `recovered` keeps the catalogue, which outlives the journal's threads. `wake` is called after each
    // commit, on the commit thread.
    Journal(Options const& options, std::shared_ptr<FileSystem> files, CommitListener& listener,
            Recovered& recovered, std::function<void()> wake);
    ~Journal();  // without close(): what is pending is refused, nothing more is written

    Result<void> start();  // writes the first sync mark and starts the commit thread
    Result<void> append(MessageRecord const& record, Ticket& ticket);
    Result<void> append(ResendRecord const& record, Ticket& ticket);
    Result<void> append(Continuation const& record, Ticket& ticket);
    Result<void> append(Transfer const& record, Ticket& ticket);
    Result<void> record(ResultRecord const& result);
    NameId name_id(std::string_view name);
    std::string name(NameId id) const;
    std::optional<NameId> known_id(std::string_view name) const;
    Result<void> flush();  // everything written before the call is durable
    Result<void> close();

    Health health() const { return health_.load(std::memory_order_acquire); }
    Position durable_end() const { return {durable_.load(std::memory_order_acquire)}; }
    Position written_end() const { return {written_.load(std::memory_order_acquire)}; }
    std::vector<LaneState> lanes() const;
    std::uint64_t settled_ahead(NameId destination) const;
    std::uint32_t first_needed() const;
    Sequence next_sequence() const;
    std::uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }
    std::uint64_t synced_messages() const { return synced_messages_.load(std::memory_order_relaxed); }
    Checksum const& checksum() const { return checksum_; }

  private:
    using Clock = std::chrono::steady_clock;

    // What gathers while the commit before it is synced. bytes begins with room for the sync mark.
    struct Entry {
        Ticket* ticket = nullptr;
        std::uint64_t begin = 0, end = 0;  // in bytes
        Sequence sequence = 0;
        std::uint32_t owed = 0;    // destinations of its deliveries: so many of Batch::owed
        std::uint32_t resend = 0;  // 1 + index into Batch::resends; 0: a message
        std::uint32_t result = 0;  // 1 + index into Batch::results, what it settles; 0: nothing
        MessageState state = MessageState::accepted;
    };
    struct Batch {
        std::string bytes;
        std::vector<Entry> entries;
        std::vector<NameId> owed;
        std::vector<ResendRecord> resends;  // without `by`
        std::vector<ResultRecord> results;  // without their texts
        void clear();
    };
    struct StringHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>()(s); }
    };

    static Error store_failed(Error const& why);
    static Error disk_full();
    Result<void> may_append(std::uint64_t size) const;  // under pending_mutex_
    Result<void> append(MessageRecord const& record, ResultRecord const* settles, Ticket& ticket);
    Result<void> append(ResendRecord const& record, ResultRecord const* settles, Ticket& ticket);
    void add_settled(Entry& entry, ResultRecord const& settles);  // under pending_mutex_
    void added(bool was_empty);
    void run();
    void look_out(std::unique_lock<std::mutex>& lock) const;  // under pending_mutex_, given up meanwhile
    bool work_waits() const;
    Clock::time_point deadline() const;
    void on_time();
    void commit(Batch& batch);
    // The entries from `first` on that fit into the active segment, written, synced, told. Returns the first
    // one left over.
    Result<std::size_t> commit_some(Batch& batch, std::size_t first, std::size_t& applied_owed);
    std::size_t how_many_fit(Batch const& batch, std::size_t first) const;
    Result<void> write_names();                         // under file_mutex_
    Result<void> write(std::string_view bytes);         // under file_mutex_; at the end of the journal
    Result<void> roll(std::uint64_t room);              // under file_mutex_
    Result<void> clear_ahead_of(std::uint64_t commit);  // under file_mutex_, after a write of so many bytes
    Result<void> regain();                              // under file_mutex_: room after a full disk
    Result<void> sync();
    Result<void> idle_sync();
    void refuse(Batch& batch, std::size_t first, Error const& why);
    void failed(Error const& why);
    void set_full();
    void wake_committer();
    std::uint64_t message_limit() const { return allocated_ > reserve_ ? allocated_ - reserve_ : 0; }

    std::string dir_;
    std::uint64_t segment_size_;
    std::uint64_t reserve_;  // the last bytes of a segment are for results
    std::uint64_t max_pending_;
    std::function<std::int64_t()> now_us_;
    std::shared_ptr<FileSystem> files_;
    CommitListener& listener_;
    Catalogue& catalogue_;
    std::uint64_t store_id_;
    Checksum checksum_;
    std::function<void()> wake_;

    // What gathers. Held for the copy of one record.
    mutable std::mutex pending_mutex_;
    std::condition_variable pending_changed_;
    Batch pending_;
    Sequence next_sequence_;
    bool waiting_ = false;  // the commit thread sleeps
    bool stop_ = false, abandon_ = false;
    std::uint64_t flush_wanted_ = 0, flush_done_ = 0;
    std::condition_variable flush_changed_;
    Error why_failed_;

    // The file and what it holds. Held for a write, not for a sync (but for the roll to the next segment).
    mutable std::mutex file_mutex_;
    std::condition_variable rolled_;
    std::shared_ptr<File> active_;
    std::uint32_t segment_;
    std::uint64_t offset_;
    std::uint64_t allocated_;
    std::uint64_t cleared_ = 0;  // so far zeros have been written out
    Ledger ledger_;
    std::string scratch_;

    mutable std::mutex names_mutex_;
    std::vector<std::string> names_;  // by id - 1
    std::unordered_map<std::string, NameId, StringHash, std::equal_to<>> ids_;
    std::atomic<std::size_t> names_count_{0};
    std::size_t names_written_ = 0;  // under file_mutex_

    std::atomic<Health> health_{Health::good};
    std::atomic<std::uint64_t> durable_{0}, written_{0};
    std::atomic<Clock::time_point::rep> next_try_{0};  // of a full store
    std::atomic<bool> sync_due_{false};                // results wait for a sync
    std::atomic<bool> roll_due_{false};
    std::atomic<std::uint64_t> commits_{0}, synced_messages_{0};

    // Of the commit thread.
    Batch committing_;
    std::vector<Ticket*> told_;
    Clock::time_point last_sync_{};
    bool unmarked_ = false;  // messages are durable that no mark proves yet

    std::thread thread_;
};

}  // namespace hilum::store
