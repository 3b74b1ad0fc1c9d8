// Where a row puts something: a path of FHIR elements from a type down, checked against the definitions.
#pragma once

#include <optional>
#include <vector>

#include "parsers/fhir/definitions.h"
#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/mapping/fhir_maps.h"

namespace hilum::routes::mapping {

struct FhirPath {
    std::vector<FhirStep> steps;
    fhir::Type type;       // of the last element
    fhir::ValueSet codes;  // its required binding
};

// "name[2].given", "extension('URL').valueString", "birthDate.extension('URL').valueDateTime". nullopt when
// R4 has no such element: reported.
std::optional<FhirPath> compile_fhir_path(config::Text const& text, fhir::Type from, Names& names,
                                          config::Diagnostics& diagnostics);

}  // namespace hilum::routes::mapping
