// Application acknowledgements that don't come while their message is in flight on its connection: later on
// that connection, or on another one, at a listener (HL7 v2.8.2 §2.9.3.2). Keeps which messages may still get
// one, and hands what comes to their lane.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine/destinations/destination.h"
#include "engine/store/record.h"

namespace hilum::destinations {

// Thread-safe. In memory only: after a restart such an acknowledgement is a message like any other.
class Awaited {
  public:
    static constexpr std::size_t capacity = 20'000;  // beyond it the oldest is forgotten

    struct Sent {
        std::string destination;
        std::uint64_t message = 0;
        store::LaneKey key;
        std::string receiver;  // MSH-5 and MSH-6, to tell two receivers of one message apart
    };
    // What an answer means for a message that was sent. Called on any thread, without a lock held.
    using Handler = std::function<void(Sent const& sent, Attempt attempt)>;
    void on_answer(Handler handler);  // before anything is remembered

    // `place` is where the answer may come: place_of(...). The same message sent again takes the place of the
    // first.
    void remember(std::string_view place, std::string_view control_id, Sent sent);
    // True when the message in `bytes` is an acknowledgement of one that is remembered there, which it then
    // is no longer.
    bool answer(std::string_view place, std::string_view bytes);

    // A listener's place is its name; that of a destination's own connection is told apart by a character no
    // name has.
    static std::string connection_of(std::string_view destination) { return ">" + std::string(destination); }

  private:
    struct Entry {
        std::uint64_t number = 0;
        Sent sent;
    };
    static std::string key_of(std::string_view place, std::string_view control_id);
    void forget_oldest();

    std::mutex mutex_;
    Handler handler_;
    std::uint64_t next_ = 0;
    std::unordered_multimap<std::string, Entry> entries_;
    std::deque<std::pair<std::uint64_t, std::string>> order_;  // number and key, the oldest in front
    std::atomic<std::size_t> size_{0};                         // of entries_, for a look without the lock
};

// MSH-5 and MSH-6 of what is sent; of an answer, MSH-3 and MSH-4.
std::string receiver_of(std::string_view message);

}  // namespace hilum::destinations
