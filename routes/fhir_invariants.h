// The invariants of FHIR R4 as compiled FHIRPath: what parsers/fhir/validate.h asks for and cannot know
// itself.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "parsers/fhir/validate.h"
#include "routes/expression/expression.h"

namespace hilum {

class FhirInvariants : public fhir::Invariants {
  public:
    // Compiled at the first use, some milliseconds; any thread may ask.
    static FhirInvariants const& r4();
    // Those of R4 and of the profiles. Invariants that can't be compiled are not checked.
    explicit FhirInvariants(fhir::Profiles const& profiles);

    Answer test(std::size_t invariant, fhir::Element element, fhir::Type type) const override;

  private:
    FhirInvariants();
    void compile(std::string_view expression);

    std::vector<expression::Expression> compiled_;  // by number; invalid what can't be compiled
};

}  // namespace hilum
