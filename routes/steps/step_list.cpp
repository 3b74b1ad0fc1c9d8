#include "routes/steps/step_list.h"

#include <algorithm>
#include <utility>

namespace hilum::routes {

namespace {

// The kinds that work on what comes to the route.
std::string steps_for(CompileContext const& context) {
    auto const wanted = context.content == Content::fhir ? WorksOn::fhir : WorksOn::hl7;
    std::string names;
    for (auto const& kind : context.kinds)
        if (kind.works_on == wanted || kind.works_on == WorksOn::both)
            (names += names.empty() ? "" : ", ") += kind.name;
    return names;
}

}  // namespace

StepList StepList::compile(std::vector<config::Step> const& steps, CompileContext& context) {
    StepList list;
    for (auto const& step : steps) {
        auto const kind = std::find_if(context.kinds.begin(), context.kinds.end(),
                                       [&](StepKind const& k) { return k.name == step.kind; });
        if (kind == context.kinds.end()) continue;  // reading has reported it
        if (context.answer && !kind->in_answers) {
            context.diagnostics.error(step.where, step.kind + " can't stand in an answer",
                                      "an answer is changed and sent: use steps such as set, and when");
            continue;
        }
        bool const fhir = context.content == Content::fhir;
        if (kind->works_on != WorksOn::both && fhir != (kind->works_on == WorksOn::fhir)) {
            context.diagnostics.error(
                step.where, step.kind + " can't stand here: it works on " + (fhir ? "HL7 v2" : "FHIR"),
                std::string(name(context.content)) + " comes to this route, for which there are " +
                    steps_for(context));
            continue;
        }
        context.waits = context.waits || kind->waits;
        auto compiled = kind->compile(step, context);
        if (kind->turns) context.content = config::other(context.content);
        if (!compiled) continue;
        StepPlace place{step.kind, step.where, list.steps_.size() + 1, std::string(compiled->detail())};
        if (context.compiled) context.compiled->push_back(place);
        list.steps_.push_back({std::move(place), std::move(compiled)});
    }
    return list;
}

StepList StepList::compile(config::StepNodes const& nodes, std::string_view key, std::string const& step,
                           CompileContext& context) {
    if (context.depth >= CompileContext::depth_max) {
        context.diagnostics.error(
            nodes.list.where,
            "steps stand inside one another more than " + std::to_string(CompileContext::depth_max) + " deep",
            "give some of them a route of their own, and name it in \"to\"");
        return {};
    }
    std::vector<std::string_view> kinds;
    for (auto const& kind : context.kinds) kinds.push_back(kind.name);
    auto const steps = config::read_steps(nodes.list, key, step, kinds, context.diagnostics);
    ++context.depth;
    auto list = compile(steps, context);
    --context.depth;
    return list;
}

StepResult StepList::run(Work& work, std::size_t from) const {
    for (std::size_t i = from; i < steps_.size(); ++i) {
        auto const& [place, step] = steps_[i];
        if (work.observer) work.observer->step_begins(place, work.piece.subject());
        auto result = step->run(work);
        if (work.observer) work.observer->step_ends(place, work.piece.subject(), result);
        if (result.next == StepResult::Next::go_on) continue;
        result.resume = i + 1;
        std::string const inner = std::move(result.steps);
        result.steps = "step " + std::to_string(place.number) + " (" + place.title() + ")";
        if (!inner.empty()) result.steps += " > " + inner;
        return result;
    }
    return StepResult::ok();
}

Forms StepList::forms(Forms forms) const {
    for (auto const& entry : steps_) forms = entry.step->forms(std::move(forms));
    return forms;
}

}  // namespace hilum::routes
