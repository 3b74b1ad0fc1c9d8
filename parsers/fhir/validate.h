// A resource held against FHIR R4 (http://hl7.org/fhir/R4/validation.html): docs/fhir.md lists the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "parsers/fhir/definitions.h"
#include "parsers/fhir/outcome.h"
#include "parsers/fhir/profiles.h"
#include "parsers/fhir/resource.h"

namespace hilum::fhir {

// The FHIRPath expressions that elements have to satisfy. FHIRPath lives in routes/expression, which this
// library does not know; routes/fhir_invariants.h implements it. Called on any thread.
class Invariants {
  public:
    enum class Answer : unsigned char {
        holds,
        broken,
        unknown,  // not computable here, or too much work
    };
    virtual ~Invariants() = default;
    // Whether the invariant with that number (of definitions.h, behind them of Profiles::constraints()) holds
    // for `element`, which is of `type`.
    virtual Answer test(std::size_t invariant, Element element, Type type) const = 0;
};

// What is checked. Borrowed for the call.
struct Rules {
    Invariants const* invariants = nullptr;  // without, only those that validate() computes itself
    Profiles const* profiles = nullptr;      // those that meta.profile names count where they are known
    std::vector<std::string> profiles_wanted =
        {};  // canonical urls of others that the resource has to follow
    std::vector<std::string> profiles_by_type =
        {};  // of others that every resource of their type has to follow, but for contained ones
    std::size_t findings_max = 200;  // more are not looked for; a last finding "too-many" says so
};

// What is wrong with the resource `root`, in the order of its elements; empty when nothing is.
std::vector<Finding> validate(Element root, Rules const& rules);

}  // namespace hilum::fhir
