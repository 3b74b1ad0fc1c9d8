// The threads of the engine: one I/O thread and io_context per core for what comes in, half as many for
// deliveries, so that these never wait behind a burst of senders, and a small pool for blocking file work.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "engine/net/asio.h"
#include "engine/net/deadlines.h"

namespace hilum::net {

class Runtime {
  public:
    explicit Runtime(unsigned threads);  // for what comes in; at least 1
    // Without threads: whoever made it polls context(0), and what blocks is done there, too. For simulations.
    struct Alone {};
    explicit Runtime(Alone);
    ~Runtime();  // stop() and join
    Runtime(Runtime const&) = delete;
    Runtime& operator=(Runtime const&) = delete;

    std::size_t size() const { return workers_.size(); }
    asio::io_context& context(std::size_t index) { return workers_[index]->context; }
    Deadlines& deadlines(std::size_t index) { return workers_[index]->deadlines; }
    // The deadlines of the context that this executor belongs to.
    Deadlines& deadlines(Executor const& executor);
    // Round robin, for new connections and for lanes. Thread-safe.
    std::size_t next_index() { return next_.fetch_add(1, std::memory_order_relaxed) % intake_; }
    std::size_t next_delivery_index() {
        return intake_ + next_delivery_.fetch_add(1, std::memory_order_relaxed) % (workers_.size() - intake_);
    }

    // Until then (or until it is called with {}) the thread of this context polls instead of sleeping when it
    // has nothing to do: for an answer that is due within the time it takes to be woken. Only from that
    // thread.
    void look_out(std::size_t index, std::chrono::steady_clock::time_point until) {
        workers_[index]->look_out = until;
    }

    // For calls that block (files, DNS). Never call back into a socket from there: post to a context.
    asio::thread_pool& blocking() { return blocking_; }
    bool alone() const { return alone_; }

    void start();  // starts the threads
    void stop();   // makes the threads return at once and joins them; idempotent

  private:
    struct Worker {
        Worker() : context(1), guard(asio::make_work_guard(context)), deadlines(context) {}
        asio::io_context context;
        asio::executor_work_guard<Executor> guard;
        Deadlines deadlines;
        std::chrono::steady_clock::time_point look_out{};
        std::thread thread;

        void run();
    };
    std::size_t intake_;
    std::vector<std::unique_ptr<Worker>> workers_;  // intake_ for what comes in, then those for deliveries
    std::atomic<std::size_t> next_{0}, next_delivery_{0};
    asio::thread_pool blocking_{2};
    bool stopped_ = false, alone_ = false;
};

// Runs `work` (a plain function returning T) on `target`, an executor or pool, and resumes the caller on its
// own context.
template <class Target, class F>
auto run_on(Target& target, F work) -> Task<decltype(work())>;

// The same in the blocking pool:
//   auto r = co_await run_blocking(runtime, [path] { return read_file(path); });
template <class F>
auto run_blocking(Runtime& runtime, F work) -> Task<decltype(work())> {
    if (runtime.alone()) co_return work();
    co_return co_await run_on(runtime.blocking(), std::move(work));
}

}  // namespace hilum::net

#include "engine/net/run_on.ipp"
