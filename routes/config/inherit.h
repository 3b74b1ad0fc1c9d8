// `extends`, `abstract` and `with`: listeners, destinations and routes that take over what another of their
// kind says.
//
//   - { name: to-ward, abstract: true, from: adt_in, when: "PV1-3.1 = '${param.ward}'", to: lab }
//   - { name: icu, extends: to-ward, with: { ward: ICU } }
//
// Mappings are merged key by key, lists and texts replace what was there, and a key with nothing after it
// removes one that was inherited. Parameters are merged too, so an ancestor's `with` holds defaults.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/config/node.h"

namespace hilum::config {

struct Inherited {
    std::set<std::string, std::less<>> abstracts;  // `route "to-ward"`
    // What nobody uses; to be told when there is no error.
    std::vector<Diagnostic> unused;
};

// Works on the top-level entries of all files at once. What is abstract is gone afterwards; a member whose
// ancestors can't be found is marked `unusable`.
Inherited inherit(std::vector<Entry>& sections, Diagnostics& diagnostics);

// The keys that mean this.
struct Reuse {
    std::string extends;
    bool is_abstract = false;
    MappingNode with;
};

template <class V>
void describe(V& v, Reuse& o) {
    v.optional("extends", o.extends, "the name of another of this kind, whose keys this one takes over");
    v.optional("abstract", o.is_abstract, "true: only there to be extended, never started itself");
    v.optional("with", o.with, "values for each ${param.NAME} in it and in what it extends");
}
inline constexpr std::string_view reuse_keys[] = {"extends", "abstract", "with"};

}  // namespace hilum::config
