// What steps that work on both HL7 v2 and FHIR do with FHIR, where that is something else.
#pragma once

#include <memory>
#include <string>

#include "routes/steps/step.h"

namespace hilum::routes {

// All: nullptr after a diagnostic.
std::unique_ptr<Step> compile_fhir_copy(config::Step const& step, CompileContext& context, bool move);
std::unique_ptr<Step> compile_fhir_delete(config::Step const& step, CompileContext& context);
std::unique_ptr<Step> compile_fhir_split(config::Step const& step, CompileContext& context);
std::string fhir_split_schema();

}  // namespace hilum::routes
