// Invariants that are met at every element, or that cost more than they have to as FHIRPath: computed here,
// and tests/routes holds them against the FHIRPath of the definitions.
#pragma once

#include <cstddef>
#include <string_view>

#include "parsers/fhir/resource.h"

namespace hilum::fhir {

class Walk;

struct OwnInvariant {
    // Whether it holds; nullptr: FHIRPath says so.
    bool (*test)(Element element, Walk const& walk) = nullptr;
    // Children without which it holds in any case, so that nothing has to be asked; "" for none.
    std::string_view needs, needs_too;
    bool skipped = false;  // not checked, for the reason beside it

    bool applies(Element element) const {
        return !skipped && (needs.empty() || element.child(needs).exists()) &&
               (needs_too.empty() || element.child(needs_too).exists());
    }
};

OwnInvariant const& own_invariant(std::size_t number);

}  // namespace hilum::fhir
