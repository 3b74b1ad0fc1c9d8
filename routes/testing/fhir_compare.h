// FHIR interactions beside each other, for route tests and explaining.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message_diff.h"

namespace hilum::testing {

// Element by element, with FHIRPath for the places; in lists place by place. None where one of them is no
// FHIR.
std::vector<hl7::Difference> fhir_differences(std::string_view before, std::string_view after);

// The same JSON but for white space. False where one of them is no FHIR.
bool same_fhir(std::string_view golden, std::string_view came);
// With line ends and indents, as a golden file is read and compared by people.
std::string pretty_json(std::string_view json);

}  // namespace hilum::testing
