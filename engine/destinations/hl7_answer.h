// An HL7 acknowledgement as the outcome of an attempt, for every destination that gets one.
#pragma once

#include <optional>
#include <string_view>

#include "engine/destinations/destination.h"

namespace hilum::destinations {

// What `bytes` says about the message with MSH-10 `control_id`; nothing when it names another message (an
// orphan). Bytes that are no acknowledgement are a bad_answer.
std::optional<Attempt> read_hl7_answer(std::string_view bytes, std::string_view control_id);

}  // namespace hilum::destinations
