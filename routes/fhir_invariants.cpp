#include "routes/fhir_invariants.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace hilum {
namespace {

constexpr FhirInvariants::Skipped skipped_ones[] = {
    {"dom-6", "a best practice, that every resource has a narrative; what machines send each other has none"},
};

}  // namespace

FhirInvariants const& FhirInvariants::r4() {
    static FhirInvariants const invariants;
    return invariants;
}

std::vector<FhirInvariants::Skipped> FhirInvariants::skipped() {
    return {std::begin(skipped_ones), std::end(skipped_ones)};
}

FhirInvariants::FhirInvariants() {
    for (std::size_t i = 0; i < fhir::invariant_count(); ++i) {
        auto const invariant = fhir::invariant(i);
        bool const skip = std::any_of(std::begin(skipped_ones), std::end(skipped_ones),
                                      [&](Skipped const& s) { return s.key == invariant.key; });
        compile(skip ? "" : invariant.expression);
    }
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
