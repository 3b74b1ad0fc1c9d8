// What a literal reference says of its target (http://hl7.org/fhir/R4/references.html#literal).
#pragma once

#include <optional>
#include <string_view>

#include "parsers/fhir/definitions.h"

namespace hilum::fhir {

// "Patient/1", of it the type; with a version too. Nothing when it is something else.
std::optional<Type> type_of_relative(std::string_view reference);
// The same of the end of "https://x.example/fhir/Patient/1".
std::optional<Type> type_of_absolute(std::string_view url);

}  // namespace hilum::fhir
