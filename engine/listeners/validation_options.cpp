#include "engine/listeners/validation_options.h"

#include <filesystem>

#include "routes/config/profile.h"

namespace hilum::listeners {

namespace {

std::shared_ptr<hl7::Profile const> load(config::Text const& file, config::Diagnostics& diagnostics) {
    namespace fs = std::filesystem;
    fs::path path = file.value;
    if (path.is_relative() && file.where.file) path = fs::path(*file.where.file).parent_path() / path;
    return config::load_profile(path.lexically_normal().string(), file.where, diagnostics);
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
