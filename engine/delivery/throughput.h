// How fast a queue has moved in the last minute: for saying when it will be empty. Counting costs a look at a
// time that the caller has anyway, and a few samples of memory.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "engine/net/clock.h"

namespace hilum::delivery {

class Throughput {
  public:
    using Clock = net::Clock;
    struct Rates {
        double settled = 0;  // a second
        double arrived = 0;
    };

    // An entry has left the queue, in which `queued` are left.
    void settled(Clock::time_point now, std::uint64_t queued);
    // Nothing when none has left in the last minute, or it is too early to tell.
    std::optional<Rates> rates(Clock::time_point now, std::uint64_t queued) const;

  private:
    struct Sample {
        Clock::time_point at{};
        std::uint64_t settled = 0, queued = 0;
    };
    std::uint64_t settled_ = 0;
    std::deque<Sample> samples_;  // oldest first
};

}  // namespace hilum::delivery
