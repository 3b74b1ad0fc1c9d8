#include "engine/net/deadlines.h"

#include <boost/asio/dispatch.hpp>

namespace hilum::net {

Deadlines::Deadlines(asio::io_context& context) : timer_(context.get_executor()) {}

void Deadlines::start() {
    asio::dispatch(timer_.get_executor(), [this] { sweep(); });
}

void Deadlines::stop() {
    stopped_ = true;
    timer_.cancel();
}

void Deadlines::sweep() {
    if (stopped_) return;
    auto const now = std::chrono::steady_clock::now();
    // An expired() may destroy any deadline, its own included, so what is due moves to a list of its own
    // first, from where a destroyed one unlinks itself.
    HookList due;
    for (auto it = hooks_.begin(); it != hooks_.end();) {
        auto& hook = *it++;
        if (hook.at > now) continue;
        hook.at = std::chrono::steady_clock::time_point::max();
        hook.unlink();
        due.push_back(hook);
    }
    while (!due.empty()) {
        auto& hook = due.front();
        hook.unlink();
        hooks_.push_back(hook);
        hook.expired();
    }
    timer_.expires_after(sweep_every);
    timer_.async_wait([this](boost::system::error_code ec) {
        if (!ec) sweep();
    });
}

Deadline::Deadline(Deadlines& deadlines, std::function<void()> expired) {
    hook_.expired = [this, expired = std::move(expired)] {
        passed_ = true;
        expired();
    };
    deadlines.hooks_.push_back(hook_);
}

void Deadline::set(std::chrono::milliseconds from_now) {
    passed_ = false;
    hook_.at = std::chrono::steady_clock::now() + from_now;
}

void Deadline::clear() {
    hook_.at = std::chrono::steady_clock::time_point::max();
}

}  // namespace hilum::net
