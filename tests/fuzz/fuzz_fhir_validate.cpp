// Any resource validated, with FHIRPath and without: no crash, bounded time and findings, and an
// OperationOutcome that is valid itself.
#include <cstddef>
#include <cstdint>
#include <string>

#include "parsers/fhir/validate.h"
#include "routes/fhir_invariants.h"

using namespace hilum;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const resource = fhir::Resource::read_json(std::string(reinterpret_cast<char const*>(data), size));
    if (!resource) return 0;
    fhir::Rules rules{&FhirInvariants::r4()};
    rules.findings_max = 20;
    auto const findings = fhir::validate(resource->root(), rules);
    if (findings.size() > rules.findings_max + 1) __builtin_trap();
    if (fhir::validate(resource->root(), {}).size() > fhir::Rules().findings_max + 1) __builtin_trap();
    auto const outcome = fhir::Resource::read_json(fhir::operation_outcome(findings));
    if (!outcome || outcome->type() != "OperationOutcome") __builtin_trap();
    if (fhir::refuses(fhir::validate(outcome->root(), {&FhirInvariants::r4()}))) __builtin_trap();
    (void)resource->xml();
    return 0;
}
