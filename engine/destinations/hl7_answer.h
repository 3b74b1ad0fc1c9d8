// An HL7 acknowledgement as the outcome of an attempt, for every destination that gets one.
#pragma once

#include <optional>
#include <string_view>

#include "engine/destinations/destination.h"
#include "parsers/hl7/ack_owed.h"

namespace hilum::destinations {

// What `bytes` says about the message with MSH-10 `control_id`; nothing when it names another message (an
// orphan). Bytes that are no acknowledgement are a bad_answer.
std::optional<Attempt> read_hl7_answer(std::string_view bytes, std::string_view control_id);

// Which acknowledgement ends a delivery: what the message asks for (MSH-15, MSH-16), or whatever it asks, the
// accept or the application acknowledgement, or none.
enum class WaitFor : unsigned char { message, accept, application, none };

// What an outgoing message is waited for with. Without anything the delivery ends when it is written.
struct Wanted {
    bool accept = false;       // CA, or AA, which says more
    bool application = false;  // AA
    bool quiet = false;        // only errors are answered (ER): silence within the time limit is consent
    bool nothing() const { return !accept && !application && !quiet; }
};
Wanted wanted(hl7::AckRequest const& request, WaitFor wait_for);

}  // namespace hilum::destinations
