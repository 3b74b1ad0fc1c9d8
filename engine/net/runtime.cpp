#include "engine/net/runtime.h"

#include <cassert>

namespace hilum::net {

Runtime::Runtime(unsigned threads) : intake_(std::max(1u, threads)) {
    for (std::size_t i = 0; i < intake_ + (intake_ + 1) / 2; ++i)
        workers_.push_back(std::make_unique<Worker>());
}

Runtime::Runtime(Alone) : intake_(1), alone_(true) {
    workers_.push_back(std::make_unique<Worker>());
}

Runtime::~Runtime() {
    stop();
}

Deadlines& Runtime::deadlines(Executor const& executor) {
    for (auto& worker : workers_) {
        if (&worker->context == &executor.context()) return worker->deadlines;
    }
    assert(false && "an executor of another runtime");
    return workers_.front()->deadlines;
}

void Runtime::Worker::run() {
    while (context.run_one() != 0) {
        while (look_out != std::chrono::steady_clock::time_point{}) {
            if (context.poll_one() != 0) continue;
            if (std::chrono::steady_clock::now() >= look_out) look_out = {};
            std::this_thread::yield();
        }
    }
}

void Runtime::start() {
    for (auto& worker : workers_) {
        worker->deadlines.start();
        worker->thread = std::thread([&w = *worker] { w.run(); });
    }
}

void Runtime::stop() {
    if (stopped_) return;
    stopped_ = true;
    for (auto& worker : workers_) worker->context.stop();
    for (auto& worker : workers_) {
        if (worker->thread.joinable()) worker->thread.join();
    }
    blocking_.stop();
    blocking_.join();
}

}  // namespace hilum::net
