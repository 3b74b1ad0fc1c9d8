// So many in a while, and no more: a limit that makes callers wait their turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace hilum::net {

// "100/s", "20/min", "500/h".
struct Rate {
    std::uint32_t count = 0;
    std::chrono::seconds per{1};
    static std::optional<Rate> read(std::string_view text);
};

// Turns are given one after the other at equal distances, in the order they are asked for; `burst` of them
// may come at once after a pause (the generic cell rate algorithm, ITU-T I.371). Thread-safe.
class RateLimit {
  public:
    using Clock = std::chrono::steady_clock;
    RateLimit(Rate rate, std::uint32_t burst);

    // How long to wait for the turn that is the caller's from now on. Nothing when that would be longer than
    // `longest`: then no turn is taken.
    std::optional<Clock::duration> take(Clock::time_point now, Clock::duration longest);

  private:
    Clock::duration interval_, tolerance_;
    std::mutex mutex_;
    Clock::time_point next_{};  // when the next turn would be without a burst
};

}  // namespace hilum::net
