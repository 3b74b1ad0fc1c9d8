// The store: the journal is the truth, the index is derived (DESIGN §2). A narrow door, so that a shared
// store can stand here later.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/store/file_system.h"
#include "engine/store/record.h"
#include "parsers/result.h"

namespace hilum::store {

// One append under way. Owned by the caller, who keeps it alive until CommitListener::committed() has named
// it.
struct Ticket {
    void* owner = nullptr;       // for the listener; the store doesn't look at it
    Sequence sequence = 0;       // set by append()
    Position position;           // set before committed()
    std::optional<Error> error;  // set when it did not reach the disk: then nothing may be acknowledged
};

class CommitListener {
  public:
    virtual ~CommitListener() = default;
    // One group commit is on stable storage (or failed): its tickets in journal order. Called on the commit
    // thread; must not block.
    virtual void committed(std::span<Ticket* const> tickets) noexcept = 0;
};

// A lane's next entry, found by scanning.
struct LaneEntry {
    LaneKey key;  // of this entry
    Sequence sequence = 0;
    Position message;           // where the message record is (another place for a resend)
    std::uint32_t ordinal = 0;  // which delivery of the message record
    std::int64_t received_us = 0;
    bool resend = false;
    Order order{};
};

struct LaneState {
    NameId destination = 0;
    LaneKey cursor;                      // everything of this lane before it is settled
    std::uint64_t queued = 0;            // entries not settled
    std::uint64_t held = 0;              // deliveries held for a person
    std::vector<LaneKey> settled_ahead;  // entries at or after the cursor that are settled all the same
    std::vector<LaneKey> uncertain;      // not settled, and may have reached the receiver all the same
};

// A record read back: the views in `record` point into `buffer`.
struct StoredMessage {
    MessageRecord record;
    std::string buffer;
    StoredMessage() = default;
    StoredMessage(StoredMessage&&) = default;  // std::string moves may relocate small strings:
    StoredMessage& operator=(StoredMessage&&) =
        default;  // buffers here are heap-allocated (> 64 bytes), so views stay valid
    std::string_view body(std::uint32_t ordinal) const;  // of a delivery
};

struct StoredResult {
    ResultRecord record;  // views are of the strings below
    std::string code, text, answer;
};

struct StoredResend {
    Position at;          // of the order's own record
    ResendRecord record;  // without `by`, which is the string below
    std::string by;
};

// Something that was made of a message later on: an order to deliver it again, or a message reprocessed from
// it.
struct Made {
    Sequence message = 0;                   // the one that it was made of
    std::uint32_t ordinal = whole_message;  // of an order: which delivery
    NameId destination = 0;                 // the same: where to
    std::string_view by;                    // of an order; of a message its source. Valid during the call
};

struct RecoveryReport {
    bool clean = true;                // the last run ended by close()
    std::uint64_t cut_bytes = 0;      // torn tail that was cut
    std::vector<std::string> notes;   // for the log, one line each: what was found and what was done
    std::vector<std::string> damage;  // durable records that can't be read: segment:offset and the message
                                      // numbers that are missing
    std::chrono::microseconds took{0};
};

// Search. Empty fields don't restrict. Newest first.
struct Query {
    std::string listener, type, control_id, sender, patient_id, visit, state, destination, delivery_state;
    std::optional<std::int64_t> since_us, until_us;
    std::optional<Sequence> before;  // paging
    std::optional<Sequence> after;   // the same, for reading on
    bool oldest_first = false;
    std::uint32_t limit = 100;  // at most 1,000
};
struct DeliveryRow {
    std::string destination, route, state;  // queued, retrying, delivered, held, skipped, cancelled
    std::uint32_t ordinal = 0, attempts = 0;
    std::int64_t time_us = 0;
    std::string code, text;
};
struct MessageRow {
    Sequence sequence = 0;
    std::int64_t received_us = 0;
    std::string listener, source, type, control_id, sender, patient_id, visit, state, answer_code;
    std::uint64_t bytes = 0;
    Position position;
    std::vector<DeliveryRow> deliveries;
};

struct Options {
    std::string dir = "./data";
    std::uint64_t segment_size = 64u << 20;
    std::chrono::seconds retain{30 * 24 * 3600};
    std::uint64_t retain_size = 0;  // more than so many bytes are not kept, of what is not owed; 0: any
    std::uint64_t budget = 0;       // more than so many bytes are not used; 0: what the disk has
    std::uint64_t max_pending = 64u << 20;  // bytes waiting for the next commit; past it append() says "busy"
    bool index = true;                      // false: no index thread (some tests)
    std::function<std::int64_t()> now_us;   // Unix time; injected
    // Damage found while reading, once a place; one line without message content. Called on whatever thread
    // reads. May be empty.
    std::function<void(std::string const&)> on_damage;
};

// Somebody who looks at the newest messages of the journal, see Store::look_back().
struct MessageHead {
    Sequence sequence = 0, origin = 0;
    std::int64_t received_us = 0;
    NameId listener = 0;
    MessageState state = MessageState::accepted;
};
class LookBack {
  public:
    virtual ~LookBack() = default;
    // Before the messages of a segment that was begun then; false: that is enough.
    virtual bool segment(std::int64_t created_us) = 0;
    // Whether the message is to be read.
    virtual bool wanted(MessageHead const& head) = 0;
    virtual void found(Position position, MessageRecord const& message) = 0;
};

enum class Health : std::uint8_t {
    good,
    full,
    failed
};  // full: no room, tries again; failed: an I/O error, until restart

// How much of the room that the store may use is used.
struct Space {
    std::uint64_t used = 0;   // by the journal and the index, in bytes
    std::uint64_t limit = 0;  // the budget, or, where that is less, what is used and what is free on the disk
    std::uint32_t percent = 0;  // used of limit; 100 only when messages are refused
    bool takes = true;          // false: messages are refused until there is room
};

class Store {
  public:
    virtual ~Store() = default;

    virtual RecoveryReport const& recovery() const = 0;

    // Names are registered on first use and kept for good. Thread-safe.
    virtual NameId name_id(std::string_view name) = 0;
    virtual std::string name(NameId id) const = 0;

    // Takes the record into the next group commit; copies what it needs. Thread-safe. Errors: "store_failed"
    // (no more until restart), "disk_full", "busy" (try again in a moment), "record_too_large" (over 1 GiB or
    // a segment). On an error the ticket is not used.
    virtual Result<void> append(MessageRecord const& record, Ticket& ticket) = 0;
    virtual Result<void> append(ResendRecord const& record, Ticket& ticket) = 0;
    virtual Result<void> append(Continuation const& record, Ticket& ticket) = 0;
    virtual Result<void> append(Transfer const& record, Ticket& ticket) = 0;
    // Hands a result to the operating system before it returns (it survives kill -9), without a sync of its
    // own. Thread-safe.
    virtual Result<void> record(ResultRecord const& result) = 0;
    // The same, on stable storage when it returns. Blocking.
    virtual Result<void> record_durably(ResultRecord const& result) = 0;

    virtual Health health() const = 0;
    // Everything before it is on stable storage.
    virtual Position durable_end() const = 0;
    // Everything recorded so far is before it; results may take a moment until they are durable.
    virtual Position written_end() const = 0;

    // Lanes as recovered at open(); the caller keeps them up to date afterwards through its own results.
    virtual std::vector<LaneState> lanes() const = 0;
    // How many entries behind the lane's cursor are settled: what the store has to remember one by one while
    // an earlier entry is not.
    virtual std::uint64_t settled_ahead(NameId destination) const = 0;
    // The next entries of a lane from `from` on, at most `max`, none past durable_end(); `reached` is where
    // to go on. Skips damaged records (reported once to the damage callback). Blocking, bounded: reads at
    // most `max_bytes` of journal a call.
    struct Scan {
        std::vector<LaneEntry> entries;
        LaneKey reached;
        bool at_end = false;
    };
    virtual Result<Scan> scan(NameId destination, LaneKey from, std::size_t max, std::size_t max_bytes) = 0;
    // Errors: "damaged", "no_such_record".
    virtual Result<StoredMessage> read(Position message) = 0;
    virtual Result<Position> find(Sequence sequence) = 0;
    // Shows the messages on stable storage: those of the newest segment first, in a segment the oldest first.
    // Damaged ones are left out. Blocks.
    virtual Result<void> look_back(LookBack&) { return {}; }
    // The order to deliver again at this place. Errors as of read().
    virtual Result<StoredResend> read_order(Position order) = 0;
    // All that was made of other messages, from `from` on to the durable end, in journal order. Blocking:
    // reads all of the journal between.
    virtual Result<void> walk_made(Position from, std::function<void(Made const&)> const& each) = 0;

    // From the index; it may be a moment behind: index_lag() messages.
    virtual Result<std::vector<MessageRow>> query(Query const& query) = 0;
    // How many there are on all pages; `before`, `after` and `limit` don't count. Looks for a bounded time.
    struct Count {
        std::uint64_t messages = 0;
        bool at_least = false;  // the time was over before all was looked at
    };
    virtual Result<Count> count(Query const&) { return Count{}; }
    virtual Result<std::vector<StoredResult>> results(Sequence sequence) = 0;  // every attempt, oldest first
    virtual Result<std::vector<StoredResend>> resends(Sequence sequence) = 0;  // oldest first
    virtual Position indexed_to() const = 0;      // everything before it is in the index
    virtual std::uint64_t index_lag() const = 0;  // 1 when only results are not in it yet

    // Drops whole segments older than `retain` that owe nothing. Returns how many were dropped.
    virtual Result<std::size_t> prune() = 0;

    struct Stat {
        std::uint64_t segments = 0, bytes = 0, messages = 0, free_bytes = 0;
        Sequence last = 0;
        std::uint64_t commits = 0, synced_messages = 0;
    };
    virtual Stat stat() const = 0;
    // Measured when asked; the budget holds by what was measured last and what was taken since: ask a few
    // times a second.
    virtual Space measure() { return {}; }

    // Commits what is pending, marks a clean end, stops the threads. Called once, after which nothing else
    // is.
    virtual Result<void> close() = 0;
};

// Opens or creates the store in options.dir and recovers it. `listener` outlives the store.
Result<std::unique_ptr<Store>> open_store(Options options, std::shared_ptr<FileSystem> files,
                                          CommitListener& listener);

// Offline work for `hilum store`: needs the store's lock.
Result<RecoveryReport> verify(std::string const& dir,
                              std::shared_ptr<FileSystem> files);  // reads every record, changes nothing
Result<void> reindex(
    std::string const& dir,
    std::shared_ptr<FileSystem> files);  // deletes the index; it is rebuilt at the next start

}  // namespace hilum::store
