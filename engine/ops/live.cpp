#include "engine/ops/live.h"

#include <algorithm>
#include <boost/asio/post.hpp>

namespace hilum::ops {
namespace {

constexpr auto long_enough = std::chrono::hours(1);

// https://html.spec.whatwg.org/multipage/server-sent-events.html; JSON has no line ends in it.
std::string event(std::string_view kind, std::uint64_t id, std::string_view data) {
    std::string text = "event: ";
    text.reserve(data.size() + 64);
    return text.append(kind)
        .append("\nid: ")
        .append(std::to_string(id))
        .append("\ndata: ")
        .append(data)
        .append("\n\n");
}

}  // namespace

class Live::Events final : public Stream, public std::enable_shared_from_this<Events> {
  public:
    Events(Live const& live, net::Executor executor) : live_(live), executor_(executor), timer_(executor) {}

    net::Task<std::string> next() override {
        for (;;) {
            std::shared_ptr<Overview const> now;
            {
                std::lock_guard const lock(live_.mutex_);
                if (live_.stopped_) co_return std::string();
                now = live_.now_;
            }
            if (now && now->id != last_) {
                bool const follows = last_ != 0 && now->id == last_ + 1 && !now->changes.empty();
                last_ = now->id;
                co_return follows ? event("changes", now->id, now->changes)
                                  : event("overview", now->id, now->whole);
            }
            timer_.expires_after(long_enough);
            co_await timer_.async_wait(net::as_result);
        }
    }

    void wake() {
        net::asio::post(executor_, [self = shared_from_this()] { self->timer_.cancel(); });
    }

  private:
    Live const& live_;
    net::Executor executor_;
    net::Timer timer_;
    std::uint64_t last_ = 0;
};

void Live::publish(std::shared_ptr<Overview const> overview) {
    {
        std::lock_guard const lock(mutex_);
        now_ = std::move(overview);
    }
    wake_all();
}

std::shared_ptr<Overview const> Live::now() const {
    std::lock_guard const lock(mutex_);
    return now_;
}

bool Live::watched() const {
    std::lock_guard const lock(mutex_);
    return std::any_of(streams_.begin(), streams_.end(), [](auto const& s) { return !s.expired(); });
}

std::shared_ptr<Stream> Live::join(net::Executor executor) {
    std::lock_guard const lock(mutex_);
    std::erase_if(streams_, [](auto const& s) { return s.expired(); });
    if (streams_.size() >= streams_max) return nullptr;
    auto stream = std::make_shared<Events>(*this, executor);
    streams_.push_back(stream);
    return stream;
}

void Live::stop() {
    {
        std::lock_guard const lock(mutex_);
        stopped_ = true;
    }
    wake_all();
}

void Live::wake_all() {
    std::vector<std::shared_ptr<Events>> all;
    {
        std::lock_guard const lock(mutex_);
        for (auto const& stream : streams_)
            if (auto there = stream.lock()) all.push_back(std::move(there));
    }
    for (auto const& stream : all) stream->wake();
}

}  // namespace hilum::ops
