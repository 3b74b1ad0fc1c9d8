#include "engine/delivery/window.h"

#include <algorithm>
#include <utility>

namespace hilum::delivery {

Window::Window(store::LaneKey cursor, std::uint64_t queued)
    : end_(cursor), queued_(static_cast<std::int64_t>(queued)) {}

bool Window::push(store::LaneEntry const& entry) {
    queued_.fetch_add(1, std::memory_order_relaxed);
    std::lock_guard lock(mutex_);
    if (scanning_) {
        if (recent_.size() < capacity) {
            recent_.push_back(entry);
        } else {
            recent_lost_ = true;
        }
    } else if (!gap_ && entry.key >= end_) {  // else a scan has seen it before the commit thread came here
        if (entries_.size() < capacity) {
            entries_.push_back(entry);
            end_ = entry.key.next();
        } else {
            gap_ = true;
        }
    }
    return std::exchange(asleep_, false);
}

std::optional<store::LaneEntry> Window::pop() {
    std::lock_guard lock(mutex_);
    if (entries_.empty()) return std::nullopt;
    auto const entry = entries_.front();
    entries_.pop_front();
    return entry;
}

bool Window::sleep() {
    std::lock_guard lock(mutex_);
    if (!entries_.empty() || gap_) return false;
    asleep_ = true;
    return true;
}

bool Window::must_scan() {
    std::lock_guard lock(mutex_);
    return entries_.empty() && gap_;
}

store::LaneKey Window::begin_scan() {
    std::lock_guard lock(mutex_);
    scanning_ = true;
    recent_.clear();
    recent_lost_ = false;
    return end_;
}

void Window::end_scan(store::Store::Scan const& scan) {
    std::lock_guard lock(mutex_);
    scanning_ = false;
    auto take = [this](store::LaneEntry const& entry) {
        entries_.push_back(entry);
        end_ = entry.key.next();
    };
    for (auto const& entry : scan.entries) take(entry);
    end_ = std::max(end_, scan.reached);
    // The scan saw everything that was durable when it read; what was pushed meanwhile is either in it (its
    // key is before the end) or comes after it. Only when none of those was lost is the window whole again.
    if (scan.at_end && !recent_lost_ && entries_.size() + recent_.size() <= 2 * capacity) {
        for (auto const& entry : recent_) {
            if (entry.key >= end_) take(entry);
        }
        gap_ = false;
    }
    recent_.clear();
}

}  // namespace hilum::delivery
