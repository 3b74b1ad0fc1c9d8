// map: v2-to-fhir
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "routes/steps/step.h"

namespace hilum::routes {

inline constexpr std::string_view v2_to_fhir = "v2-to-fhir";

// nullptr after a diagnostic.
std::unique_ptr<Step> compile_map_to_fhir(config::Step const& step, CompileContext& context);
std::string map_to_fhir_schema();  // of its options, where there are some

}  // namespace hilum::routes
