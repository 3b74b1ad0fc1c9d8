// call: tidy-names
// call: { steps: tidy-names, with: { facility: LAB } }
#include <algorithm>
#include <utility>

#include "routes/steps/step_list.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct CallOptions {
    config::Text steps;
    config::MappingNode with;
};

template <class V>
void describe(V& v, CallOptions& o) {
    v.required("steps", o.steps, "the name of a list of steps, from step_lists");
    v.optional("with", o.with, "values for each ${param.NAME} in it");
}

// The steps as if they stood here: each call has its own, for each has its own parameters.
class CallStep final : public Step {
  public:
    CallStep(std::string name, StepList steps) : name_(std::move(name)), steps_(std::move(steps)) {}

    StepResult run(Work& work) const override { return steps_.run(work); }
    std::string_view detail() const override { return name_; }
    Forms forms(Forms forms) const override { return steps_.forms(std::move(forms)); }

  private:
    std::string name_;
    StepList steps_;
};

// The list that a call names; nullptr after a diagnostic.
config::NamedSteps const* find_list(config::Text const& name, CompileContext& context) {
    std::vector<std::string_view> names;
    for (auto const& list : context.calls.lists) {
        if (list.name == name.value) return &list;
        names.push_back(list.name);
    }
    context.diagnostics.error(
        name.where, "there is no step list " + config::in_quotes(name.value),
        names.empty() ? "declare it under step_lists:" : config::suggest(name.value, names, "step lists"));
    return nullptr;
}

bool in_circle(config::Text const& name, CompileContext& context) {
    auto const& way = context.calls.way;
    auto const first = std::find(way.begin(), way.end(), name.value);
    if (first == way.end()) return false;
    std::string circle;
    for (auto one = first; one != way.end(); ++one) circle += *one + " -> ";
    context.diagnostics.error(name.where, "step lists call one another in a circle: " + circle + name.value,
                              "remove one of these calls");
    return true;
}

// What the call gives, and what the list has for what it doesn't.
config::Node values_of(config::Node const& given, config::Node const& defaults) {
    config::Node out = given;
    if (out.kind == config::Node::Kind::null) {
        out.kind = config::Node::Kind::mapping;
        out.where = defaults.where;
    }
    for (auto const& entry : defaults.entries)
        if (!given.find(entry.key)) out.entries.push_back(entry);
    return out;
}

// The list's steps with the parameters filled in; nothing when there are none to fill in.
config::Node filled(config::NamedSteps const& list, CallOptions const& o, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const with = values_of(o.with.mapping, list.with.mapping);
    auto const name = config::in_quotes(list.name);
    config::Parameters parameters("the call of step list " + name, with, context.calls.budget, diagnostics);
    if (!parameters.check_values()) return {};
    parameters.expected_at(o.steps.where);
    auto steps = config::marked(list.steps.list,
                                std::make_shared<config::Use const>(config::Use{"called", o.steps.where}));
    parameters.fill(steps);
    for (auto const& entry : o.with.mapping.entries) {
        if (parameters.used().contains(entry.key)) continue;
        diagnostics.error(entry.where,
                          "step list " + name + " has no parameter " + config::in_quotes(entry.key),
                          parameters.remedy_of_unused(entry.key));
    }
    for (auto const& entry : list.with.mapping.entries) {
        if (parameters.used().contains(entry.key)) continue;
        diagnostics.warning(
            entry.where,
            "nothing in step list " + name + " uses the parameter " + config::in_quotes(entry.key),
            parameters.remedy_of_unused(entry.key));
    }
    return steps;
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    CallOptions o;
    if (step.options.is_scalar()) {
        o.steps = {step.options.scalar, step.options.where};
        if (step.options.unusable) return nullptr;
    } else {
        o = config::decode_options<CallOptions>(step.options, "call", diagnostics);
    }
    if (diagnostics.errors() != before) return nullptr;
    auto const* const list = find_list(o.steps, context);
    if (!list) return nullptr;
    auto& calls = context.calls;
    calls.called.insert(list->name);
    // Once too much has been called, nothing more is: lists that call lists could grow without end.
    if (in_circle(o.steps, context) || calls.budget.spent() ||
        !calls.budget.charge(config::measure(list->steps.list), o.steps.where, diagnostics))
        return nullptr;
    auto const steps = filled(*list, o, context);
    calls.way.push_back(list->name);
    auto compiled =
        StepList::compile({steps}, "steps", "step list " + config::in_quotes(list->name), context);
    calls.way.pop_back();
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<CallStep>(list->name, std::move(compiled));
}

std::string schema() {
    return R"({"anyOf":[{"type":"string"},)" + config::SchemaWriter::of<CallOptions>() + "]}";
}

}  // namespace

StepKind call_step() {
    return {"call", "does the steps of a list that has a name", compile, schema, true, false, WorksOn::both};
}

}  // namespace hilum::routes
