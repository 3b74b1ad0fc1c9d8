// A FHIR resource in a file, whatever its form.
#pragma once

#include <string>
#include <string_view>

#include "engine/cli/terminal.h"
#include "parsers/fhir/resource.h"

namespace hilum::cli {

// Whether `text` is a FHIR resource rather than HL7 v2: JSON, or XML in FHIR's namespace.
bool is_resource(std::string_view text);
// Reads it as the form it is in. Errors: those of fhir::Resource.
Result<fhir::Resource> read_resource(std::string text);

// Shows the resource in `text`, or as JSON what is to be said against it; the exit code.
int inspect_resource(std::string const& file, std::string text, bool json, Paint const& paint);

}  // namespace hilum::cli
