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
    StopStep(expression::Expression when, std::string reason)
        : when_(std::move(when)), reason_(std::move(reason)) {}

    StepResult run(Work& work) const override {
        if (when_.valid()) {
            auto const holds = when_.test({&work.message, work.now_us});
            if (!holds) return held("when", holds.error());
            if (!*holds) return StepResult::ok();
        }
        StepResult result;
        result.next = StepResult::Next::stop;
        result.reason = reason_;
        return result;
    }

  private:
    expression::Expression when_;  // not valid: always
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
    return std::make_unique<StopStep>(std::move(when), std::move(o.reason.value));
}

}  // namespace

StepKind stop_step() {
    return {"stop", "ends the route here, without a delivery", compile, config::SchemaWriter::of<StopOptions>,
            false};
}

}  // namespace hilum::routes
