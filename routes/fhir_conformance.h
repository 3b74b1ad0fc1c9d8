// What FHIR resources are held against: R4 itself, and a site's profiles.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "parsers/fhir/validate.h"
#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/fhir_invariants.h"

namespace hilum {

// As listeners and steps take it.
struct FhirProfileOptions {
    config::NameList packages;  // files
    config::NameList profiles;  // canonical urls
    bool empty() const { return packages.empty() && profiles.empty(); }
};

// Called by the describe() of the options of who takes it.
template <class V>
void describe(V& v, FhirProfileOptions& o) {
    v.optional(
        "packages", o.packages,
        "FHIR packages (.tgz) and single StructureDefinitions, ValueSets and CodeSystems (.json), relative "
        "to this configuration file: their profiles count for resources that name them in meta.profile");
    v.optional(
        "profiles", o.profiles,
        "profiles of these packages, by their url, that every resource of their type has to follow, also "
        "in a Bundle");
}

// Immutable; any thread may ask.
class FhirConformance {
  public:
    // By R4 alone.
    FhirConformance() = default;
    // nullptr when something was wrong with the files or names, and reported. Reads the files: seconds for a
    // large package.
    static std::shared_ptr<FhirConformance const> load(FhirProfileOptions const& options,
                                                       config::Diagnostics& diagnostics);

    std::vector<fhir::Finding> check(fhir::Element root) const;

  private:
    fhir::Profiles profiles_;
    std::optional<FhirInvariants> invariants_;  // nothing: R4's own
    std::vector<std::string> wanted_;
};

}  // namespace hilum
