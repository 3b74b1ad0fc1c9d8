// deduplicate: { key: MSH-3 & '|' & MSH-10, within: 1h, otherwise: hold }
#include <utility>

#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

constexpr auto window_max = std::chrono::hours(24 * 31);

enum class NoKey : unsigned char { unsaid, hold, pass };

struct DeduplicateOptions {
    config::Text key;
    config::Duration within{0};
    NoKey otherwise = NoKey::unsaid;
};

template <class V>
void describe(V& v, DeduplicateOptions& o) {
    v.required("key", o.key, "an expression; messages for which it gives the same text are the same");
    v.required("within", o.within, "for how long a message counts as seen, at most 31d");
    v.choice("otherwise", o.otherwise, {{"hold", NoKey::hold}, {"pass", NoKey::pass}},
             "what becomes of a message without a key: hold it, or pass it");
}

std::string ago(std::int64_t microseconds) {
    auto const seconds = microseconds / 1'000'000;
    if (seconds < 120) return std::to_string(seconds) + " s";
    if (seconds < 2 * 3600) return std::to_string(seconds / 60) + " min";
    if (seconds < 2 * 86400) return std::to_string(seconds / 3600) + " h";
    return std::to_string(seconds / 86400) + " d";
}

class DeduplicateStep final : public Step {
  public:
    DeduplicateStep(expression::Expression key, std::string scope, DeduplicateOptions const& o)
        : key_(std::move(key)), scope_(std::move(scope)), within_(o.within), otherwise_(o.otherwise) {}

    StepResult run(Work& work) const override {
        auto const key = key_.text(work.context());
        if (!key) return held("key", key.error());
        StepResult result;
        if (key->empty()) {
            if (otherwise_ == NoKey::pass) return result;
            result.next = StepResult::Next::hold;
            result.reason = "there is no key";
            return result;
        }
        auto const seen = work.outside->seen(scope_, *key, within_);
        if (!seen) {
            // What is not remembered would come twice: the message waits until it can be.
            result.next = StepResult::Next::retry;
            result.reason = seen.error().what;
        } else if (*seen) {
            result.next = StepResult::Next::stop;
            result.reason = "the same was here " + ago(work.now_us - **seen) + " before";
        }
        return result;
    }

  private:
    expression::Expression key_;
    std::string scope_;
    config::Duration within_;
    NoKey otherwise_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<DeduplicateOptions>(step.options, "deduplicate", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    if (o.otherwise == NoKey::unsaid)
        diagnostics.error(step.where, "deduplicate does not say what becomes of a message without a key",
                          "add otherwise: hold, or otherwise: pass");
    if (o.within.count() <= 0 || o.within > window_max)
        diagnostics.error(step.options.find("within")->where, "within must be some time, and at most 31d",
                          "write how long the sender may take to send the same again, such as 1h");
    auto key = expression::Expression::compile(o.key, 0, diagnostics, context.language());
    check_answer_named(key.reads_answer(), o.key.where, context);
    if (diagnostics.errors() != before) return nullptr;
    // Another expression asks something else: what was seen under the old one says nothing for it.
    return std::make_unique<DeduplicateStep>(std::move(key), context.route + "\n" + o.key.value, o);
}

}  // namespace

StepKind deduplicate_step() {
    return {"deduplicate", "ends the route for a message that was here before",
            compile,       config::SchemaWriter::of<DeduplicateOptions>,
            false,         true,
            WorksOn::both};
}

}  // namespace hilum::routes
