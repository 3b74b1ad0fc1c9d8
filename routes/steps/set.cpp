// set: { MSH-5: LAB, PID-5.1: =PID-5.1.upper() }
#include <utility>

#include "routes/expression/expression.h"
#include "routes/steps/places.h"

namespace hilum::routes {
namespace {

struct Assignment {
    ValuePath path;
    std::string name;  // of the path, for reasons
    expression::ValueSource value;
};

class SetStep final : public Step {
  public:
    explicit SetStep(std::vector<Assignment> assignments) : assignments_(std::move(assignments)) {}

    StepResult run(Work& work) const override {
        auto const context = work.context();
        for (auto const& a : assignments_) {
            if (a.value.computed()) {
                auto const text = a.value.get(context);
                if (!text) return held(a.name, text.error());
                if (auto const done = a.path.set(work, *text); !done) return held(a.name, done.error());
            } else if (auto const done = a.path.set(work, a.value.literal()); !done) {
                return held(a.name, done.error());
            }
        }
        return StepResult::ok();
    }

  private:
    std::vector<Assignment> assignments_;
};

// Text is escaped as it is written, so "DOE^JANE" would become one value with \S\ in it: hardly ever what was
// meant.
void warn_of_components(config::Text const& text, hl7::GroupPath const& path,
                        expression::ValueSource const& value, config::Diagnostics& diagnostics) {
    if (value.computed() || path.path.component != 0 || value.literal().find('^') == std::string::npos)
        return;
    auto const base = path.text();
    diagnostics.warning(text.where, "the ^ is written as text (\\S\\), not as a delimiter",
                        "set the components one by one: " + base + ".1, " + base + ".2");
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const& options = step.options;
    if (options.kind != config::Node::Kind::mapping || options.entries.empty()) {
        if (!options.unusable)
            diagnostics.error(options.where, "set takes paths and their values",
                              "write it like set: { MSH-5: LAB }");
        return nullptr;
    }
    std::vector<Assignment> assignments;
    auto const before = diagnostics.errors();
    for (auto const& entry : options.entries) {
        auto path = ValuePath::compile({entry.key, entry.where}, context);
        if (entry.value.kind == config::Node::Kind::null) {
            diagnostics.error(
                entry.where, entry.key + " has no value",
                context.content == Content::fhir
                    ? "give it one, or use the delete step"
                    : "write '' for an empty one, '\"\"' for HL7's null, or use the delete step");
            continue;
        }
        config::Text text;
        if (!config::decode_value(entry.value, text, diagnostics)) continue;
        auto value = expression::ValueSource::compile(text, diagnostics, context.language());
        check_answer_named(value.reads_answer(), text.where, context);
        if (!path) continue;
        if (path->hl7()) warn_of_components(text, *path->hl7(), value, diagnostics);
        auto name = path->text();
        assignments.push_back({std::move(*path), std::move(name), std::move(value)});
    }
    if (diagnostics.errors() != before || assignments.size() != options.entries.size()) return nullptr;
    return std::make_unique<SetStep>(std::move(assignments));
}

std::string schema() {
    return R"({"type":"object","minProperties":1,"additionalProperties":{"type":["string","number","boolean"],)"
           R"("description":"the path's new value: text, or an expression behind ="}})";
}

}  // namespace

StepKind set_step() {
    return {"set", "writes values, as text or from expressions", compile, schema, true, false, WorksOn::both};
}

}  // namespace hilum::routes
