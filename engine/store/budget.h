// How much room a store may use, and what of it is left.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

#include "engine/store/store.h"

namespace hilum::store {

// Holds between two measurements, too: what is taken counts at once. Thread-safe.
class Budget {
  public:
    explicit Budget(Options const& options) : limit_(options.budget), retain_size_(options.retain_size) {}

    // Takes so many bytes; false, and over() from then on, when they are not there.
    bool take(std::uint64_t bytes);
    bool over() const { return over_; }
    // What is used now, and what is free on the disk, where that can be told.
    void measured(std::uint64_t used);
    Space space(std::uint64_t used, std::optional<std::uint64_t> free, bool takes) const;
    // More of the journal than this is not kept of what is owed to nobody, whatever its age: a budget is for
    // what waits first.
    std::uint64_t most_kept(std::uint64_t index) const;

  private:
    std::uint64_t limit_, retain_size_;  // 0: none
    std::atomic<std::int64_t> left_{std::numeric_limits<std::int64_t>::max()};
    std::atomic<std::uint64_t> refused_{0};  // the size of what was not there last
    std::atomic<bool> over_{false};
};

}  // namespace hilum::store
