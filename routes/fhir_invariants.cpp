#include "routes/fhir_invariants.h"

#include <utility>

namespace hilum {

FhirInvariants const& FhirInvariants::r4() {
    static FhirInvariants const invariants;
    return invariants;
}

FhirInvariants::FhirInvariants() {
    for (std::size_t i = 0; i < fhir::invariant_count(); ++i) compile(fhir::invariant(i).expression);
}

FhirInvariants::FhirInvariants(fhir::Profiles const& profiles) : FhirInvariants() {
    for (auto const& constraint : profiles.constraints()) compile(constraint.expression);
}

void FhirInvariants::compile(std::string_view expression) {
    expression::Options options;
    options.fhir = true;
    auto compiled = expression::Expression::compile(expression, options);
    compiled_.push_back(compiled ? std::move(*compiled) : expression::Expression());
}

fhir::Invariants::Answer FhirInvariants::test(std::size_t invariant, fhir::Element element,
                                              fhir::Type type) const {
    if (invariant >= compiled_.size()) return Answer::unknown;
    auto const& expression = compiled_[invariant];
    if (!expression.valid()) return Answer::unknown;
    expression::Context context;
    context.resource = element.resource();
    context.focus = element;
    context.focus_type = type;
    auto const result = expression.test(context);
    if (!result) return Answer::unknown;
    return *result ? Answer::holds : Answer::broken;
}

}  // namespace hilum
