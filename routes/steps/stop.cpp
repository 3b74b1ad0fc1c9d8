// stop    stop: { when: "PID-8 = 'X'", reason: test patients stay here }
#include <utility>

#include "routes/expression/expression.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct StopOptions {
    config::Text when;
    config::Text reason;
};

template <class V>
void describe(V& v, StopOptions& o) {
    v.optional("when", o.when, "an expression; messages for which it is not true go on");
    v.optional("reason", o.reason, "what the trace says");
}

class StopStep final : public Step {
  public:
    StopStep(expression::Expression when, config::Location when_where, std::string reason)
        : when_(std::move(when)), when_where_(std::move(when_where)), reason_(std::move(reason)) {}

    StepResult run(Work& work) const override {
        if (when_.valid()) {
            expression::Context const context{&work.message, work.now_us, work.structures};
            auto const holds = when_.test(context);
            if (!holds) return held("when", holds.error());
            if (work.observer) work.observer->condition(when_where_, when_, context, *holds);
            if (!*holds) return StepResult::ok();
        }
        StepResult result;
        result.next = StepResult::Next::stop;
        result.reason = reason_;
        return result;
    }

  private:
    expression::Expression when_;  // not valid: always
    config::Location when_where_;
    std::string reason_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto o = config::decode_options<StopOptions>(step.options, "stop", diagnostics);
    expression::Expression when;
    if (step.options.find("when")) {
        when = expression::Expression::compile(o.when, 0, diagnostics);
        if (o.reason.empty()) o.reason.value = o.when.value;
    }
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<StopStep>(std::move(when), o.when.where, std::move(o.reason.value));
}

}  // namespace

StepKind stop_step() {
    return {"stop", "ends the route here, without a delivery", compile, config::SchemaWriter::of<StopOptions>,
            false};
}

}  // namespace hilum::routes
