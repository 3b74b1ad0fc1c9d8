// replace: { field: "PID-13[*]", pattern: '[^0-9+]', with: '' }
#include <utility>

#include "routes/expression/regex.h"
#include "routes/steps/places.h"

namespace hilum::routes {
namespace {

constexpr std::size_t text_max = std::size_t{1} << 20U;  // that one replacement may make

struct ReplaceOptions {
    config::Text field;
    config::Text pattern;
    config::Text with;
};

template <class V>
void describe(V& v, ReplaceOptions& o) {
    v.required("field", o.field, "the path whose text is changed, such as PID-13; [*] for each");
    v.required("pattern", o.pattern, "a regular expression (RE2); every match is replaced");
    v.required("with", o.with,
               "what is put there; $1 and so on stand for groups, $0 for the match, $$ for $");
}

class ReplaceStep final : public Step {
  public:
    ReplaceStep(ValuePath field, std::shared_ptr<expression::Regex const> pattern, std::string with)
        : field_(std::move(field)), pattern_(std::move(pattern)), with_(std::move(with)) {}

    StepResult run(Work& work) const override {
        return each_value(work, field_, [&](Place const& place, std::string_view text) {
            std::string changed;
            if (!pattern_->replace(text, with_, text_max, changed))
                return held(place.text(), error("too_large", "", "the text becomes larger than 1 MiB"));
            return changed == text ? StepResult::ok() : write(work, place, changed);
        });
    }

  private:
    ValuePath field_;
    std::shared_ptr<expression::Regex const> pattern_;
    std::string with_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<ReplaceOptions>(step.options, "replace", diagnostics);
    std::optional<ValuePath> field;
    if (!o.field.empty()) field = ValuePath::compile(o.field, context);
    auto const pattern = expression::Regex::compile(o.pattern.value);
    if (!pattern) {
        diagnostics.error(o.pattern.where, pattern.error().what, pattern.error().next);
    } else if (step.options.find("pattern") && o.pattern.empty()) {
        diagnostics.error(o.pattern.where, "an empty pattern matches between all characters",
                          "write what is to be replaced");
    }
    if (!field || diagnostics.errors() != before) return nullptr;
    return std::make_unique<ReplaceStep>(std::move(*field), *pattern, o.with.value);
}

}  // namespace

StepKind replace_step() {
    return {"replace",    "replaces what a regular expression matches",
            compile,      config::SchemaWriter::of<ReplaceOptions>,
            true,         false,
            WorksOn::both};
}

}  // namespace hilum::routes
