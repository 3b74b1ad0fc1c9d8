// The part of a lane that is in memory: the next entries, in order, without a gap. Entries that don't fit are
// forgotten and found again by scanning the journal from where the window ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "engine/store/store.h"

namespace hilum::delivery {

// push() is for the commit thread, the rest for the lane.
class Window {
  public:
    static constexpr std::size_t capacity = 1024;

    // Begins by scanning from `cursor`: there may be anything in the journal.
    Window(store::LaneKey cursor, std::uint64_t queued);

    // Returns true when the lane may be asleep and has to be woken.
    bool push(store::LaneEntry const& entry);

    // Takes the next entry; nothing when the window is empty. must_scan() then says whether the journal has
    // more.
    std::optional<store::LaneEntry> pop();
    // Nothing to pop: marks the lane asleep, unless something came meanwhile (then false).
    bool sleep();

    bool must_scan();
    // Between begin_scan() and end_scan() the caller scans the journal from the key given, without holding
    // any lock.
    store::LaneKey begin_scan();
    void end_scan(store::Store::Scan const& scan);

    // What a scan has found may be settled before push() has counted it.
    std::uint64_t queued() const {
        auto const n = queued_.load(std::memory_order_relaxed);
        return n > 0 ? static_cast<std::uint64_t>(n) : 0;
    }
    void settled() { queued_.fetch_sub(1, std::memory_order_relaxed); }

  private:
    std::mutex mutex_;
    std::deque<store::LaneEntry> entries_;
    store::LaneKey end_;  // entries before it are in the window or gone; from it on the journal has to be
                          // scanned while gap_
    bool gap_ = true;
    bool scanning_ = false;
    std::deque<store::LaneEntry> recent_;  // pushed during a scan; bounded as the window is
    bool recent_lost_ = false;
    bool asleep_ = false;
    std::atomic<std::int64_t> queued_;
};

}  // namespace hilum::delivery
