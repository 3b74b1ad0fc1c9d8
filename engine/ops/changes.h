// What happened last, for people: orders to queues, reloads, queues that got stuck. The newest few; the log
// has all.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace hilum::ops {

struct Change {
    std::int64_t time_us = 0;
    std::string kind;               // openapi.yaml lists them
    std::string name;               // of the queue or listener, where it is of one
    std::string text;               // in plain words; no patient data
    std::string from_state, state;  // of kind "state"
    std::uint64_t number = 0;       // given by add(): 1, 2, 3...
};

// Thread-safe.
class Changes {
  public:
    static constexpr std::size_t kept = 50;

    void add(Change change) {
        std::lock_guard const lock(mutex_);
        change.number = ++last_;
        changes_.push_front(std::move(change));
        if (changes_.size() > kept) changes_.pop_back();
    }
    std::vector<Change> newest_first() const {
        std::lock_guard const lock(mutex_);
        return {changes_.begin(), changes_.end()};
    }

  private:
    mutable std::mutex mutex_;
    std::deque<Change> changes_;
    std::uint64_t last_ = 0;
};

}  // namespace hilum::ops
