// What a message needs before Hilum can answer for it, and the errors that say so.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/flow/fhir_intake.h"
#include "engine/flow/validation.h"
#include "parsers/hl7/ack.h"
#include "parsers/hl7/message.h"
#include "routes/pipeline.h"

namespace hilum::flow {

// Bytes that no HL7 message could be read from.
hl7::AckError unreadable(Error const& error);

// A message that reads but can't be accepted: without type (MSH-9) or control id (MSH-10) it can't be
// acknowledged or traced, and a second MSH means two messages in one frame, one of which would be lost in the
// other. Nothing: it is fine.
std::optional<hl7::AckError> admission_fault(hl7::Message const& message);

// A message that a route has rejected.
hl7::AckError refused_by_route(routes::Processed const& processed);

// The answer to bytes with no MSH to answer to: MSA-2 empty, default delimiters.
std::string nak_without_header(std::string_view control_id, std::string_view timestamp,
                               hl7::AckError const& error);

// The same of a FHIR interaction: that it is what its url says, and by what the listener holds resources
// against (`validator`; null: nothing). What was found is noted for the trace.
std::optional<FhirAnswer> admission_fault(fhir::Interaction const& interaction, Validator const* validator,
                                          std::string& note);

}  // namespace hilum::flow
