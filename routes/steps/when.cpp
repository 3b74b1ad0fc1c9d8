// - when: PV1-2 = 'I'
//   then: [ set: { PV1-4: A } ]
//   else: [ set: { PV1-4: B } ]
#include <utility>

#include "routes/expression/expression.h"
#include "routes/steps/step_list.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct WhenOptions {
    config::Text when;
    config::StepNodes then_steps;
    config::StepNodes else_steps;
};

template <class V>
void describe(V& v, WhenOptions& o) {
    v.required("when", o.when, "an expression, such as PV1-2 = 'I'");
    v.required("then", o.then_steps, "the steps for messages for which it is true");
    v.optional("else", o.else_steps, "the steps for all others; without it they go on as they are");
}

class WhenStep final : public Step {
  public:
    WhenStep(expression::Expression when, config::Location when_where, StepList then_steps,
             StepList else_steps)
        : when_(std::move(when)),
          when_where_(std::move(when_where)),
          then_(std::move(then_steps)),
          else_(std::move(else_steps)) {}

    StepResult run(Work& work) const override {
        auto const context = work.context();
        auto const holds = when_.test(context);
        if (!holds) return held("when", holds.error());
        if (work.observer) work.observer->condition(when_where_, when_, context, *holds);
        return (*holds ? then_ : else_).run(work);
    }

    Forms forms(Forms forms) const override {
        auto either = then_.forms(forms);
        either.merge(else_.forms(std::move(forms)));
        return either;
    }

  private:
    expression::Expression when_;
    config::Location when_where_;
    StepList then_;
    StepList else_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto const before = context.diagnostics.errors();
    auto const o = config::decode_options<WhenOptions>(step.options, "when", context.diagnostics);
    expression::Expression when;
    if (step.options.find("when"))
        when = expression::Expression::compile(o.when, 0, context.diagnostics, context.language());
    check_answer_named(when.reads_answer(), o.when.where, context);
    auto then_steps = StepList::compile(o.then_steps, "then", "when", context);
    auto else_steps = StepList::compile(o.else_steps, "else", "when", context);
    if (context.diagnostics.errors() != before) return nullptr;
    return std::make_unique<WhenStep>(std::move(when), o.when.where, std::move(then_steps),
                                      std::move(else_steps));
}

}  // namespace

StepKind when_step() {
    return {config::block_step,
            "does some steps for some messages, others for the rest",
            compile,
            config::SchemaWriter::of<WhenOptions>,
            true,
            false,
            WorksOn::both};
}

}  // namespace hilum::routes
