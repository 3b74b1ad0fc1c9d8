#include "engine/listeners/validation_options.h"

#include "routes/config/profile.h"

namespace hilum::listeners {

void check(ValidationOptions const& o, config::Component const& component, config::Diagnostics& diagnostics) {
    if (o.profile.empty()) return;
    if (o.validate == Strength::off) {
        diagnostics.error(component.options.where, "a profile, but validate is off",
                          "add \"validate: observe\" or \"validate: enforce\"");
    }
    config::load_profile(o.profile, diagnostics);
}

void check(FhirValidationOptions const& o, config::Diagnostics& diagnostics) {
    (void)FhirConformance::load(o.profiles, diagnostics);
}

Validation validation_of(config::Component const& component) {
    config::Diagnostics ignored;
    Validation validation;
    if (auto const* node = component.options.find("validate"); node && node->is_scalar()) {
        validation.strength = node->scalar == "enforce"   ? Strength::enforce
                              : node->scalar == "observe" ? Strength::observe
                                                          : Strength::off;
    }
    if (component.content == config::Content::fhir) {
        FhirProfileOptions profiles;
        for (auto const& [key, list] :
             {std::pair("packages", &profiles.packages), std::pair("profiles", &profiles.profiles)}) {
            if (auto const* node = component.options.find(key)) config::decode_value(*node, *list, ignored);
        }
        validation.fhir = FhirConformance::load(profiles, ignored);
        // Files that have changed for the worse since they were checked: R4 itself holds all the same.
        if (!validation.fhir) validation.fhir = std::make_shared<FhirConformance const>();
        return validation;
    }
    config::Text file;
    if (auto const* node = component.options.find("profile");
        node && config::decode_value(*node, file, ignored))
        validation.profile = config::load_profile(file, ignored);
    return validation;
}

}  // namespace hilum::listeners
