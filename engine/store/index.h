// The search index: derived from the journal by a thread of its own, in bulk, at low priority (DESIGN §2). It
// holds no message bodies and may be deleted at any time.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/store/catalogue.h"
#include "engine/store/codec.h"
#include "engine/store/cursor.h"
#include "engine/store/store.h"

namespace hilum::store {

// Raised after each commit; the index waits for it.
class Signal {
  public:
    void raise() {
        if (raised_.exchange(true)) return;
        std::lock_guard const lock(mutex_);
        changed_.notify_all();
    }
    // Until raised, or the time is over; takes the raise.
    void wait_for(std::chrono::milliseconds time) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, time, [this] { return raised_.load(); });
        raised_ = false;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::atomic<bool> raised_{false};
};

struct IndexSource {
    Signal* committed = nullptr;
    Catalogue* catalogue = nullptr;  // outlives the index
    std::uint64_t store_id = 0;
    std::function<Position()> durable_end, written_end;
    std::function<Sequence()> last_sequence;
    std::function<std::string(NameId)> name;
    std::function<std::optional<NameId>(std::string_view)> id;  // of a known name
    DamageSink damage;
};

class Index {
  public:
    virtual ~Index() = default;             // stops the thread
    virtual Position reached() const = 0;   // everything before it is in the index
    virtual std::uint64_t lag() const = 0;  // messages not in it; 1 when only results are not
    virtual Result<std::vector<MessageRow>> query(Query const& query) = 0;
    virtual Result<Store::Count> count(Query const& query) = 0;
    virtual Result<std::vector<Position>> attempts(
        Sequence sequence) = 0;  // where its results are, oldest first
    virtual std::optional<Position> find(Sequence sequence) = 0;
    virtual void forget_before(
        Sequence first) = 0;  // these messages were pruned; done by the thread, in pieces
};

// Opens dir/index.sqlite, or makes it anew when it is missing, damaged, of another store or ahead of the
// journal; `notes` says so.
Result<std::unique_ptr<Index>> open_index(std::string const& dir, IndexSource source,
                                          std::vector<std::string>& notes);
void delete_index(std::string const& dir);
std::uint64_t size_of_index(std::string const& dir);  // on disk, in bytes

}  // namespace hilum::store
