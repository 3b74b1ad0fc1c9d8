// What the values of primitives look like (http://hl7.org/fhir/R4/datatypes.html#primitive): the regular
// expressions of the definitions written out, with the calendar and the ranges that the text demands.
#pragma once

#include <string_view>

#include "parsers/fhir/definitions.h"
#include "parsers/fhir/resource.h"

namespace hilum::fhir {

// Whether a JSON value of that kind can be one of `type`: numbers and booleans are not quoted, all else is.
bool right_kind(Type type, Kind kind);
// Whether `text` is an id: 1 to 64 letters, digits, - and . (http://hl7.org/fhir/R4/datatypes.html#id).
bool is_id(std::string_view text);
// Whether `text` is a value of the primitive `type`.
bool well_formed(Type type, std::string_view text);

}  // namespace hilum::fhir
