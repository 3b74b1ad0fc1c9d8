// What a lane does after a failed attempt: the keys that every destination may carry beside its kind.
//
//   lab:
//     mllp: {...}
//     retry: { first: 1s, max: 60s, give_up: never, between: "22:00-05:00", zone: Europe/Berlin }
//     on_failure: { ae: hold, ar: hold }
//     on_answer: [ { msa: AE, err: 205, then: delivered } ]
//     on_ambiguous: resend
//     connections: 4
//     order_by: PID-3.1
//     priority: ORC-7.6 = 'S'
//     batch: { max: 500, every: 1m }
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "engine/delivery/hours.h"
#include "engine/destinations/destination.h"
#include "engine/net/rate.h"
#include "routes/config/config.h"

namespace hilum::delivery {

// What follows an attempt: the key waits and tries again; the message is taken out for a person; it counts as
// delivered; it is passed over; its key (without order_by, the queue) stands still until a person acts.
enum class Action : unsigned char { retry, hold, delivered, skip, stop };
inline constexpr config::Choice<Action> action_words[] = {{"delivered", Action::delivered},
                                                          {"retry", Action::retry},
                                                          {"hold", Action::hold},
                                                          {"skip", Action::skip},
                                                          {"stop", Action::stop}};

struct RetryOptions {
    config::Duration first = std::chrono::seconds(1);
    config::Duration max = std::chrono::seconds(60);
    config::Text give_up{"never", {}};
    std::uint32_t attempts = 0;  // 0: any number
    Action then = Action::hold;
    config::NameList between;  // see Hours; empty: at any time
    config::Text zone;
};

template <class V>
void describe(V& v, RetryOptions& o) {
    v.optional("first", o.first, "pause before the first retry; each further one is twice as long");
    v.optional("max", o.max, "the longest pause between two retries");
    v.optional("give_up", o.give_up, "hold the message when it has been tried for this long, or never");
    v.optional("attempts", o.attempts, "hold the message when it has been tried so often; 0: any number");
    static constexpr config::Choice<Action> words[] = {
        {"hold", Action::hold}, {"skip", Action::skip}, {"stop", Action::stop}};
    v.choice("then", o.then, words, "what follows when give_up or attempts is reached");
    v.optional("between", o.between,
               "hours in which attempts may be made, such as mon-fri 22:00-05:00, or a list; needs zone");
    v.optional("zone", o.zone, "the time zone of these hours, such as Europe/Berlin");
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
    Action login = Action::retry;
    Action bad_answer = Action::retry;
    Action local = Action::retry;
    Action relayed = Action::skip;
    Action unconfirmed = Action::hold;
};

template <class V>
void describe(V& v, FailureOptions& o) {
    static constexpr auto& words = action_words;
    v.choice("connect", o.connect, words, "no connection could be made");
    v.choice("timeout", o.timeout, words, "sent, but no answer came in time");
    v.choice("cut", o.cut, words, "the connection ended before the answer");
    v.choice("busy", o.busy, words,
             "the receiver could not take it now (HL70357 206, 207; HTTP 408, 429, 5xx)");
    v.choice("ae", o.ae, words, "the receiver reports an application error (AE, CE; HTTP 400, 422)");
    v.choice("ar", o.ar, words, "the receiver rejects the message (AR, CR; other HTTP 4xx)");
    v.choice("login", o.login, words,
             "the receiver does not know who asks, or the server of tokens gives none (FHIR: HTTP 401)");
    v.choice("bad_answer", o.bad_answer, words, "the answer could not be read");
    v.choice("local", o.local, words, "this side could not do it (disk full, file name refused)");
    v.choice(
        "relayed", o.relayed, words,
        "the receiver refuses the message for its content, and the sender, who waits for that answer, is "
        "told (FHIR with ack: delivered)");
    v.choice("unconfirmed", o.unconfirmed, words,
             "the receiver has the message (CA), but its application acknowledgement did not come in time");
}

// What follows answers that are named one by one. Every key that is there has to fit.
struct AnswerRule {
    config::NameList msa;      // MSA-1
    config::NameList err;      // HL70357 codes, and ranges of them
    config::NameList http;     // status codes, and ranges
    config::NameList failure;  // the words of on_failure
    config::Text then;         // one of action_words
};

template <class V>
void describe(V& v, AnswerRule& o) {
    v.optional("msa", o.msa, "MSA-1 of the answer: AE, AR, CE, CR, AA or CA");
    v.optional("err", o.err,
               "the error code of the answer (ERR-3, HL7 table 0357): 207, or a range as 100-104");
    v.optional("http", o.http, "the HTTP status: 409, or a range as 500-599");
    v.optional("failure", o.failure, "the kind of failure, in the words of on_failure");
    v.required("then", o.then, "delivered, retry, hold, skip or stop");
}

enum class Ambiguous : unsigned char { resend, hold };

// Several messages of the queue as one HL7 batch.
struct BatchOptions {
    std::uint32_t max = 0;  // 0: none, each message goes alone
    config::Duration every = std::chrono::minutes(1);
    config::Bytes max_bytes{16u << 20};
    bool file_header = false;
};
inline constexpr std::uint32_t batch_max = 5'000;

template <class V>
void describe(V& v, BatchOptions& o) {
    v.required("max", o.max, "how many messages a batch has at most; with so many it goes at once");
    v.optional("every", o.every, "how long a message waits for others at most");
    v.optional("max_bytes", o.max_bytes, "a batch is ended before it is longer; it is in memory as a whole");
    v.optional("file_header", o.file_header, "whether FHS and FTS stand around BHS and BTS");
}

// The common keys of a destination.
struct PolicyOptions {
    RetryOptions retry;
    FailureOptions on_failure;
    config::ListOf<AnswerRule> on_answer;
    Ambiguous on_ambiguous = Ambiguous::resend;
    std::uint32_t connections = 1;
    config::Text order_by;
    config::Text priority;
    config::Text rate;
    BatchOptions batch;
};
inline constexpr std::uint32_t connections_max = 64;

template <class V>
void describe(V& v, PolicyOptions& o) {
    v.optional("retry", o.retry, "pauses between attempts");
    v.optional(
        "on_failure", o.on_failure,
        "what follows each kind of failure: retry (the lane waits), hold (the lane goes on), skip, stop "
        "or delivered");
    v.optional("on_answer", o.on_answer,
               "what follows answers that are named one by one; the first that fits");
    static constexpr config::Choice<Ambiguous> words[] = {{"resend", Ambiguous::resend},
                                                          {"hold", Ambiguous::hold}};
    v.choice(
        "on_ambiguous", o.on_ambiguous, words,
        "a message that was cut off while it was sent: send it again (the receiver may have it twice), or "
        "hold it for a person");
    v.optional("connections", o.connections,
               "how many messages may be on their way at a time; needs order_by");
    v.optional("order_by", o.order_by,
               "an expression over the message that is sent: messages with the same value keep their order, "
               "others may pass each other; without it all keep theirs");
    v.optional("priority", o.priority,
               "a condition: messages that meet it go before those of other order_by values");
    v.optional("rate", o.rate, "so many attempts in a second, a minute or an hour at most, such as 50/s");
    v.optional("batch", o.batch, "several messages as one HL7 batch (BHS, BTS), of destinations that can");
}

// The names of those keys.
std::vector<std::string_view> destination_keys();
// `content`: of what comes to it, which order_by and priority are about.
void check_destination_common(config::Component const& component, config::Content content,
                              config::Diagnostics& diagnostics);

class Policy {
  public:
    Policy() = default;
    explicit Policy(PolicyOptions const& options);
    static Policy from(config::Component const& component);  // that has passed check_destination_common

    struct Decision {
        Action action = Action::retry;
        std::size_t rule = 0;  // the number of the rule of on_answer that said so, from 1
    };
    // What follows an attempt, not counting how long it has been tried.
    Decision decide(destinations::Attempt const& attempt) const;
    // When it has been tried for so long and so often: what follows instead of a retry.
    std::optional<Action> exhausted(std::uint32_t attempts, std::chrono::milliseconds tried) const;
    bool holds_ambiguous() const { return options_.on_ambiguous == Ambiguous::hold; }
    BatchOptions const* batch() const { return options_.batch.max == 0 ? nullptr : &options_.batch; }
    std::uint32_t connections() const { return options_.connections; }
    std::unique_ptr<net::RateLimit> rate() const;        // null: as fast as it goes
    Hours const* hours() const { return hours_.get(); }  // null: at any time
    // The pause after the n-th failed attempt (from 1); `random` in [0, 1) spreads it by a fifth either way.
    std::chrono::milliseconds pause(std::uint32_t attempt, std::chrono::milliseconds asked_by_receiver,
                                    double random) const;

  private:
    Action action(destinations::AttemptClass failure) const;
    PolicyOptions options_;
    std::optional<std::chrono::milliseconds> give_up_;
    std::shared_ptr<Hours const> hours_;
};

}  // namespace hilum::delivery
