// How a listener acknowledges: the keys that every listener may carry beside its kind, and the answers that a
// message gets under them.
//
//   lab_in: { mllp: {...}, ack: { mode: enhanced, application_to: lab_acks }, sequence: check,
//             deduplicate: { by: control_id, within: 24h } }
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/flow/duplicates.h"
#include "engine/flow/intake.h"
#include "engine/net/rate.h"
#include "parsers/hl7/ack_owed.h"
#include "routes/config/config.h"

namespace hilum::flow {

enum class AckMode : unsigned char { original, enhanced, delivered };
enum class Late : unsigned char { deliver, cancel };

struct AckPolicy {
    AckMode mode = AckMode::original;
    config::Text application_to;  // a destination; empty: the connection the message came on
    config::Text from;            // of mode delivered: the destination whose answer it is
    config::Duration within = std::chrono::seconds(30);
    Late late = Late::deliver;
};

template <class V>
void describe(V& v, AckPolicy& o) {
    static constexpr config::Choice<AckMode> words[] = {
        {"original", AckMode::original}, {"enhanced", AckMode::enhanced}, {"delivered", AckMode::delivered}};
    v.choice(
        "mode", o.mode, words,
        "original: AA, AE or AR to every message, whatever MSH-15 and MSH-16 ask; enhanced: as they ask; "
        "delivered: what the destination `from` answers");
    v.optional("application_to", o.application_to,
               "the destination that application acknowledgements of enhanced mode go to; without it they "
               "follow the accept acknowledgement on the same connection");
    v.optional("from", o.from, "of mode delivered: the destination whose answer goes back to the sender");
    v.optional("within", o.within,
               "of mode delivered: how long the sender waits at most; then it is told AE with the error 207");
    static constexpr config::Choice<Late> late_words[] = {{"deliver", Late::deliver},
                                                          {"cancel", Late::cancel}};
    v.choice(
        "late", o.late, late_words,
        "of mode delivered: what becomes of a message whose sender has waited for too long and that is not "
        "on its way yet");
}

enum class SequenceMode : unsigned char { off, check };

struct IntakeOptions {
    AckPolicy ack;
    SequenceMode sequence = SequenceMode::off;
    std::optional<DuplicateOptions> deduplicate{};
    std::shared_ptr<Duplicates> duplicates{};  // made of it, and filled from the journal
    std::shared_ptr<net::RateLimit> rate{};    // nothing: as fast as messages come
};

// The names of those keys.
std::vector<std::string_view> listener_keys();
std::string listener_keys_schema();  // as SchemaWriter::properties_of() gives it
void check_listener_common(config::Component const& component, config::Diagnostics& diagnostics);
IntakeOptions intake_options(config::Component const& component);  // that has passed that check
// The destinations that a listener names by itself.
config::NameList listener_destinations(config::Component const& component);
// Those of them whose Subscriptions stand at it.
config::NameList listener_subscriptions(config::Component const& component);

// What a message asks for, where its listener goes by that.
hl7::AckRequest request_of(AckMode mode, hl7::Message const& message);

// What became of one message, to be said to its sender.
struct Outcome {
    hl7::AckRequest request;
    hl7::AckOutcome outcome = hl7::AckOutcome::stored;
    hl7::AckError const* error = nullptr;
    std::string_view control_id;                    // MSH-10 of the answer
    std::string_view application_id;                // that of a second one
    std::string_view timestamp;                     // MSH-7
    std::optional<std::int64_t> expected_sequence;  // MSA-4
};

// The answers for the connection the message came on. `elsewhere`: application acknowledgements of enhanced
// mode go to a destination.
Answer answer_of(hl7::Message const& message, Outcome const& outcome, bool elsewhere);
// The application acknowledgement for a destination; empty when none is owed, or in original mode.
std::string application_elsewhere(hl7::Message const& message, Outcome const& outcome);

// What the trace keeps as the answer: the code of the first on the connection, such as "AA" or "CA", or
// "none".
std::string_view told(Outcome const& outcome, bool elsewhere);
inline constexpr std::string_view told_later = "later";  // in mode delivered

// A destination's response as an answer to `message`: MSA-2 names it again, whatever the routes did to its
// MSH-10. Nothing when it is no HL7 acknowledgement.
std::optional<Answer> relayed(hl7::Message const& message, std::string response);
// Stands for a route in the deliveries of such acknowledgements; no route can have this name.
inline constexpr std::string_view acknowledgement_route = "(acknowledgement)";

}  // namespace hilum::flow
