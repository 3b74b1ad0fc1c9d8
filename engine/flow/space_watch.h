// Watches how full the store is: tells before it is full, stops the listeners when it is, and lets them go on
// when there is room.
#pragma once

#include <chrono>
#include <mutex>
#include <string_view>

#include "engine/ops/log.h"
#include "engine/store/store.h"

namespace hilum::flow {

class SpaceWatch {
  public:
    explicit SpaceWatch(ops::Log& log) : log_(log) {}

    enum class Level : unsigned char { room, filling, nearly_full, full };
    static std::string_view name(Level level);

    // What was measured now. Logs when that changes the level.
    void saw(store::Space const& space);
    // Whether the level asks for old messages to be dropped now: twice a second at most.
    bool wants_retention(std::chrono::steady_clock::time_point now);

    // Of what was seen last. Thread-safe, as the rest is not.
    Level level() const;
    store::Space space() const;

  private:
    ops::Log& log_;
    mutable std::mutex mutex_;  // of the two below
    Level level_ = Level::room;
    store::Space space_;
    std::chrono::steady_clock::time_point next_retention_{};
};

}  // namespace hilum::flow
