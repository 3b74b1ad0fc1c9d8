// Senders that wait for what a destination answers to their message (`ack: { mode: delivered }`). The lane of
// that destination tells what came of it; whoever waits is woken on its own thread. In memory only: after a
// restart there is no connection left to answer on.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/net/asio.h"
#include "engine/store/record.h"

namespace hilum::delivery {

struct Reply {
    store::DeliveryOutcome outcome = store::DeliveryOutcome::delivered;
    std::string code;   // "AA", "AE/207", "HTTP 503": short, no patient data
    std::string bytes;  // the whole response; empty when there is none
};

// Thread-safe.
class Replies {
  public:
    static constexpr std::size_t capacity = 10'000;  // senders that wait at a time

    // One sender's wait. Made, waited on and destroyed on the sender's thread.
    class Wait {
      public:
        Wait(Replies& replies, net::Executor executor) : replies_(replies), timer_(executor) {}
        ~Wait();
        Wait(Wait const&) = delete;
        Wait& operator=(Wait const&) = delete;

        // From here on the answer of `destination` to `message` is for this wait. Before the message can
        // reach its lane; on any thread. Again when the message goes on under another number. False when too
        // many wait.
        bool expect(store::Sequence message, store::NameId destination);
        // Nothing when it has not come within `limit`, or the engine stops.
        net::Task<std::optional<Reply>> reply(std::chrono::milliseconds limit);

      private:
        friend class Replies;
        Replies& replies_;
        net::Timer timer_;
        store::Sequence message_ = 0;
        std::shared_ptr<struct ReplySlot> slot_;
    };

    // For lanes: whether somebody waits, and what came of the message there.
    bool awaited(store::Sequence message, store::NameId destination) const;
    void settled(store::Sequence message, store::NameId destination, Reply reply);
    // The message goes on as another one (a route that waited for other systems has made it), to these.
    // Before that can reach its lanes.
    void follow(store::Sequence message, store::Sequence as, std::vector<store::NameId> const& destinations);
    // Ends all waits, and those to come.
    void stop();

  private:
    void forget(store::Sequence message, ReplySlot const* slot);

    mutable std::mutex mutex_;
    std::unordered_map<store::Sequence, std::shared_ptr<ReplySlot>> waiting_;
    std::atomic<std::size_t> count_{0};  // of waiting_, for a look without the lock
    bool stopped_ = false;
};

}  // namespace hilum::delivery
