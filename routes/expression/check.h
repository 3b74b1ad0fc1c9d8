// Static checks of an expression over FHIR: names that its types don't have, and comparisons that can never
// hold.
#pragma once

#include <string_view>

#include "parsers/result.h"
#include "routes/expression/program.h"

namespace hilum::expression {

// `root` is the type it starts from, "" when that is not known. Errors: "unknown_type" for `root`,
// "unknown_element" with the nearest name, "never_comparable".
Result<void> check(Program const& program, std::string_view root);

}  // namespace hilum::expression
