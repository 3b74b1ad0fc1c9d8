// A FHIR resource becomes an HL7 v2 message, by a map.
#pragma once

#include <string>
#include <string_view>

#include "parsers/fhir/interaction.h"
#include "routes/mapping/map.h"
#include "routes/observer.h"

namespace hilum::routes::mapping {

// The message, in UTF-8. MSH-7 is the time, MSH-10 a control ID that no other message has; set IDs (fields of
// datatype SI) are counted where no row gives one. Errors name the row: "wrong_resource", "several_values",
// "no_code", "too_many", "nothing", and those of expressions. No patient data in them.
Result<std::string> to_hl7(MapSet const& maps, fhir::Interaction const& from, std::int64_t now_us,
                           Observer* observer);

}  // namespace hilum::routes::mapping
