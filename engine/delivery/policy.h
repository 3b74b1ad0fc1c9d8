// What a lane does after a failed attempt: the keys that every destination may carry beside its kind.
//
//   lab: { mllp: {...}, retry: { first: 1s, max: 60s, give_up: never }, on_failure: { ae: hold, ar: hold } }
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/destinations/destination.h"
#include "routes/config/config.h"

namespace hilum::delivery {

enum class Action : unsigned char { retry, hold };

struct RetryOptions {
    config::Duration first = std::chrono::seconds(1);
    config::Duration max = std::chrono::seconds(60);
    config::Text give_up{"never", {}};
};

template <class V>
void describe(V& v, RetryOptions& o) {
    v.optional("first", o.first, "pause before the first retry; each further one is twice as long");
    v.optional("max", o.max, "the longest pause between two retries");
    v.optional("give_up", o.give_up, "hold the message when it has been tried for this long, or never");
}

// Defaults: what the receiver refused for its content would be refused again, so it is held and the feed goes
// on; what may pass by itself is tried again, and the lane waits, since order is worth more than speed.
struct FailureOptions {
    Action connect = Action::retry;
    Action timeout = Action::retry;
    Action cut = Action::retry;
    Action busy = Action::retry;
    Action ae = Action::hold;
    Action ar = Action::hold;
    Action bad_answer = Action::retry;
    Action local = Action::retry;
    Action unconfirmed = Action::hold;
};

template <class V>
void describe(V& v, FailureOptions& o) {
    static constexpr config::Choice<Action> words[] = {{"retry", Action::retry}, {"hold", Action::hold}};
    v.choice("connect", o.connect, words, "no connection could be made");
    v.choice("timeout", o.timeout, words, "sent, but no answer came in time");
    v.choice("cut", o.cut, words, "the connection ended before the answer");
    v.choice("busy", o.busy, words,
             "the receiver could not take it now (HL70357 206, 207; HTTP 408, 429, 5xx)");
    v.choice("ae", o.ae, words, "the receiver reports an application error (AE, CE; HTTP 400, 422)");
    v.choice("ar", o.ar, words, "the receiver rejects the message (AR, CR; other HTTP 4xx)");
    v.choice("bad_answer", o.bad_answer, words, "the answer could not be read");
    v.choice("local", o.local, words, "this side could not do it (disk full, file name refused)");
    v.choice("unconfirmed", o.unconfirmed, words,
             "the receiver has the message (CA), but its application acknowledgement did not come in time");
}

// The common keys of a destination.
struct PolicyOptions {
    RetryOptions retry;
    FailureOptions on_failure;
};

template <class V>
void describe(V& v, PolicyOptions& o) {
    v.optional("retry", o.retry, "pauses between attempts");
    v.optional("on_failure", o.on_failure,
               "what follows each kind of failure: retry (the lane waits) or hold (the lane goes on)");
}

// The names of those keys.
std::vector<std::string_view> destination_keys();
void check_destination_common(config::Component const& component, config::Diagnostics& diagnostics);

class Policy {
  public:
    Policy() = default;
    explicit Policy(PolicyOptions const& options);
    static Policy from(config::Component const& component);  // that has passed check_destination_common

    Action action(destinations::AttemptClass failure) const;
    // The pause after the n-th failed attempt (from 1); `random` in [0, 1) spreads it by a fifth either way.
    std::chrono::milliseconds pause(std::uint32_t attempt, std::chrono::milliseconds asked_by_receiver,
                                    double random) const;
    std::optional<std::chrono::milliseconds> give_up() const { return give_up_; }

  private:
    PolicyOptions options_;
    std::optional<std::chrono::milliseconds> give_up_;
};

}  // namespace hilum::delivery
