#include "engine/listeners/validation_options.h"

#include "routes/config/files.h"
#include "routes/config/profile.h"

namespace hilum::listeners {

namespace {

std::shared_ptr<hl7::Profile const> load(config::Text const& file, config::Diagnostics& diagnostics) {
    return config::load_profile(config::beside(file.value, file.where), file.where, diagnostics);
}

}  // namespace

void check(ValidationOptions const& o, config::Component const& component, config::Diagnostics& diagnostics) {
    if (o.profile.empty()) return;
    if (o.validate == Strength::off) {
        diagnostics.error(component.options.where, "a profile, but validate is off",
                          "add \"validate: observe\" or \"validate: enforce\"");
    }
    load(o.profile, diagnostics);
}

Validation validation_of(config::Component const& component) {
    config::Diagnostics ignored;
    Validation validation;
    if (auto const* node = component.options.find("validate"); node && node->is_scalar()) {
        validation.strength = node->scalar == "enforce"   ? Strength::enforce
                              : node->scalar == "observe" ? Strength::observe
                                                          : Strength::off;
    }
    config::Text file;
    if (auto const* node = component.options.find("profile");
        node && config::decode_value(*node, file, ignored))
        validation.profile = load(file, ignored);
    return validation;
}

}  // namespace hilum::listeners
