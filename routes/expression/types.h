// Type names: what stands behind `is`, `as` and in ofType() (http://hl7.org/fhirpath/N1/#types).
#pragma once

#include <optional>
#include <string_view>

#include "parsers/result.h"
#include "routes/expression/program.h"

namespace hilum::expression {

// `space` is "System", "FHIR" or empty for a name that may be of both. nullopt: there is none.
std::optional<TypeName> find_type(std::string_view space, std::string_view name);
// What an unknown name was probably meant to be.
std::string type_remedy(std::string_view name);

bool is_of(Item const& item, TypeName const& type);
// As `as` and ofType() have it: a FHIR primitive is of its own type only (no code is a string there, as the
// official suite has it); other types count for what derives from them.
bool exactly_of(Item const& item, TypeName const& type);

}  // namespace hilum::expression
