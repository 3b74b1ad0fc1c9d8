// What the standard says of one field by the value of another.
#pragma once

#include <string_view>

#include "parsers/hl7/validation/walk.h"

namespace hilum::hl7::validation {

// Whether there is anything for a segment of that name.
bool has_conditions(std::string_view segment);

// Holds one segment against its conditions, after its fields have been walked.
void check_conditions(Walk& walk);

}  // namespace hilum::hl7::validation
