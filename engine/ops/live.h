// Hands each overview to those who watch. A slow one misses some and then gets the whole: nothing piles up.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/net/asio.h"
#include "engine/ops/overview.h"

namespace hilum::ops {

// A reply that goes on: pieces of it until an empty one.
class Stream {
  public:
    virtual ~Stream() = default;
    virtual net::Task<std::string> next() = 0;
};

// Thread-safe. Outlives its streams' last next().
class Live {
  public:
    static constexpr std::size_t streams_max = 32;

    void publish(std::shared_ptr<Overview const> overview);
    std::shared_ptr<Overview const> now() const;
    bool watched() const;
    // Server-sent events, for a coroutine on that executor; nullptr when there are too many.
    std::shared_ptr<Stream> join(net::Executor executor);
    // All streams end.
    void stop();

  private:
    class Events;
    void wake_all();

    mutable std::mutex mutex_;
    std::shared_ptr<Overview const> now_;
    std::vector<std::weak_ptr<Events>> streams_;
    bool stopped_ = false;
};

}  // namespace hilum::ops
