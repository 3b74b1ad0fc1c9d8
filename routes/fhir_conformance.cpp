#include "routes/fhir_conformance.h"

#include "routes/config/files.h"

namespace hilum {

namespace {

constexpr std::size_t file_mebibytes = 256;

void add(fhir::Profiles& profiles, config::NameRef const& named, config::Diagnostics& diagnostics) {
    auto text = config::read_whole(config::beside(named.name, named.where), named.where, "package",
                                   file_mebibytes, diagnostics);
    if (!text) return;
    bool const single = named.name.ends_with(".json");
    auto const added = single ? profiles.add(std::move(*text)) : profiles.add_package(*text);
    if (added) return;
    auto const& why = added.error();
    auto const place = why.place.empty() ? "" : " at " + why.place;
    diagnostics.error(named.where, config::in_quotes(named.name) + place + ": " + why.what,
                      !why.next.empty() ? why.next
                      : single          ? "name a StructureDefinition, ValueSet or CodeSystem in JSON"
                                        : "name a FHIR package as it is published, a .tgz");
}

}  // namespace

std::shared_ptr<FhirConformance const> FhirConformance::load(FhirProfileOptions const& options,
                                                             config::Diagnostics& diagnostics) {
    auto const before = diagnostics.errors();
    auto made = std::make_shared<FhirConformance>();
    if (options.empty()) return made;
    for (auto const& named : options.packages) add(made->profiles_, named, diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    for (auto const& named : options.profiles) {
        if (made->profiles_.find(named.name)) {
            made->wanted_.push_back(named.name);
        } else {
            diagnostics.error(named.where,
                              "none of the packages has the profile " + config::in_quotes(named.name),
                              config::suggest(named.name, made->profiles_.names(), "profiles"));
        }
    }
    if (diagnostics.errors() != before) return nullptr;
    made->invariants_.emplace(made->profiles_);
    return made;
}

std::vector<fhir::Finding> FhirConformance::check(fhir::Element root) const {
    fhir::Rules rules;
    rules.invariants = &FhirInvariants::r4();
    if (invariants_) {
        rules.invariants = &*invariants_;
        rules.profiles = &profiles_;
        rules.profiles_by_type = wanted_;
    }
    return fhir::validate(root, rules);
}

}  // namespace hilum
