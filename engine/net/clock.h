// The clock of timers and time limits: the steady one of the machine. A simulation puts its own in its place,
// for the thread it runs on.
#pragma once

#include <chrono>

namespace hilum::net {

struct Clock {
    using duration = std::chrono::steady_clock::duration;
    using rep = duration::rep;
    using period = duration::period;
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr bool is_steady = true;

    static time_point now() { return simulated_ ? *simulated_ : std::chrono::steady_clock::now(); }

    // For Asio: how long to wait for a time that is `left` away. A simulation looks again at once.
    struct WaitTraits {
        static duration to_wait_duration(duration const& left) {
            return simulated_ ? duration::zero() : left;
        }
        static duration to_wait_duration(time_point const& time) { return to_wait_duration(time - now()); }
    };

    // While it lives, the time of this thread is what `now` says.
    class Simulated {
      public:
        explicit Simulated(time_point const& now) { simulated_ = &now; }
        ~Simulated() { simulated_ = nullptr; }
        Simulated(Simulated const&) = delete;
        Simulated& operator=(Simulated const&) = delete;
    };

  private:
    static inline thread_local time_point const* simulated_ = nullptr;
};

}  // namespace hilum::net
