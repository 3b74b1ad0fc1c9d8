// How a route ends before its last step:
// stop: { when: PID-8 = 'X', reason: test patients stay here }
// reject: { when: PID-3.empty(), reason: no patient number }
// hold: { reason: look at this by hand }
#include <utility>

#include "routes/expression/expression.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct EndOptions {
    config::Text when;
    config::Text reason;
};

struct StopOptions : EndOptions {};

template <class V>
void describe_when(V& v, EndOptions& o) {
    v.optional("when", o.when, "an expression; messages for which it is not true go on");
}
template <class V>
void describe(V& v, StopOptions& o) {
    describe_when(v, o);
    v.optional("reason", o.reason, "what the trace says");
}
template <class V>
void describe(V& v, EndOptions& o) {
    describe_when(v, o);
    v.required("reason", o.reason, "what the sender, or the person who has to look, is told");
}

class EndStep final : public Step {
  public:
    EndStep(StepResult::Next next, expression::Expression when, config::Location when_where,
            std::string reason)
        : next_(next),
          when_(std::move(when)),
          when_where_(std::move(when_where)),
          reason_(std::move(reason)) {}

    StepResult run(Work& work) const override {
        if (when_.valid()) {
            auto const context = work.context();
            auto const holds = when_.test(context);
            if (!holds) return held("when", holds.error());
            if (work.observer) work.observer->condition(when_where_, when_, context, *holds);
            if (!*holds) return StepResult::ok();
        }
        StepResult result;
        result.next = next_;
        result.reason = reason_;
        return result;
    }

  private:
    StepResult::Next next_;
    expression::Expression when_;  // not valid: always
    config::Location when_where_;
    std::string reason_;
};

template <class Options, StepResult::Next next>
std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto o = config::decode_options<Options>(step.options, step.kind, diagnostics);
    if (next != StepResult::Next::stop && o.reason.empty() && diagnostics.errors() == before)
        diagnostics.error(step.where, step.kind + " gives no reason", "add reason: TEXT");
    expression::Expression when;
    if (step.options.find("when")) {
        when = expression::Expression::compile(o.when, 0, diagnostics, context.language());
        check_answer_named(when.reads_answer(), o.when.where, context);
        if (o.reason.empty()) o.reason.value = o.when.value;
    }
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<EndStep>(next, std::move(when), o.when.where, std::move(o.reason.value));
}

}  // namespace

StepKind stop_step() {
    return {"stop",
            "ends the route here, without a delivery",
            compile<StopOptions, StepResult::Next::stop>,
            config::SchemaWriter::of<StopOptions>,
            false,
            false,
            WorksOn::both};
}

StepKind hold_step() {
    return {"hold",
            "ends the route here and keeps the message for a person",
            compile<EndOptions, StepResult::Next::hold>,
            config::SchemaWriter::of<EndOptions>,
            false,
            false,
            WorksOn::both};
}

StepKind reject_step() {
    return {"reject",
            "ends the route here and refuses the message with a NAK",
            compile<EndOptions, StepResult::Next::reject>,
            config::SchemaWriter::of<EndOptions>,
            false,
            false,
            WorksOn::both};
}

}  // namespace hilum::routes
