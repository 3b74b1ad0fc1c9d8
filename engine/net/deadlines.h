// Deadlines for many waits by one coarse sweep per I/O thread: setting one costs a store, not a timer.
#pragma once

#include <boost/intrusive/list.hpp>
#include <chrono>
#include <functional>

#include "engine/net/asio.h"

namespace hilum::net {

// Belongs to one io_context and is used on its thread only. Accurate to the sweep (100 ms).
class Deadlines {
  public:
    static constexpr std::chrono::milliseconds sweep_every{100};

    explicit Deadlines(asio::io_context& context);
    void start();  // begins sweeping (on the context's thread)
    void stop();

  private:
    friend class Deadline;
    struct Hook
        : boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
        std::chrono::steady_clock::time_point at = std::chrono::steady_clock::time_point::max();
        std::function<void()> expired;
    };
    void sweep();
    using HookList = boost::intrusive::list<Hook, boost::intrusive::constant_time_size<false>>;
    HookList hooks_;
    Timer timer_;
    bool stopped_ = false;
};

// Calls `expired` once when the time set has passed (typically: close the socket, so that the wait ends with
// an error).
class Deadline {
  public:
    Deadline(Deadlines& deadlines, std::function<void()> expired);
    void set(std::chrono::milliseconds from_now);
    void clear();
    bool passed() const { return passed_; }  // since the last set()

  private:
    Deadlines::Hook hook_;
    bool passed_ = false;
};

}  // namespace hilum::net
