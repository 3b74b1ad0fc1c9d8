// enrich:
//   http: { url: "http://mpi.example/patients/{PID-3.1}", within: 2s }
//   then: [ set: { PID-5.1: =%answer.name } ]
//   otherwise: hold      # nothing was found
//   on_failure: retry    # no answer
//   keep: { fresh: 10m, stale: 1d }
#include <utility>

#include "routes/steps/question.h"
#include "routes/steps/step_list.h"

namespace hilum::routes {
namespace {

enum class NotFound : unsigned char { unsaid, hold, pass, stop };
enum class OnFailure : unsigned char { retry, hold, pass };

struct KeepOptions {
    config::Duration fresh{0}, stale{0};
};
template <class V>
void describe(V& v, KeepOptions& o) {
    v.optional("fresh", o.fresh, "for how long an answer is used again without asking");
    v.optional("stale", o.stale, "for how much longer it still serves when the other side does not answer");
}

struct EnrichOptions {
    QuestionOptions question;
    config::StepNodes then_steps;
    NotFound otherwise = NotFound::unsaid;
    OnFailure on_failure = OnFailure::retry;
    KeepOptions keep;
};

template <class V>
void describe(V& v, EnrichOptions& o) {
    describe(v, o.question);
    v.required("then", o.then_steps, "the steps that use the answer: %answer, %answer.name, %answer[0].bed");
    v.choice("otherwise", o.otherwise,
             {{"hold", NotFound::hold}, {"pass", NotFound::pass}, {"stop", NotFound::stop}},
             "what becomes of a message of which nothing is known there (404, no row): hold it, pass it as "
             "it is, or "
             "end the route");
    v.choice("on_failure", o.on_failure,
             {{"retry", OnFailure::retry}, {"hold", OnFailure::hold}, {"pass", OnFailure::pass}},
             "what becomes of a message for which there is no answer: try again until there is, and keep "
             "those behind it "
             "waiting; hold it; or pass it as it is");
    v.optional("keep", o.keep, "how long answers are kept; left out, every message asks");
}

class EnrichStep final : public Step {
  public:
    EnrichStep(std::unique_ptr<Question> question, StepList then_steps, EnrichOptions const& o)
        : question_(std::move(question)),
          then_(std::move(then_steps)),
          otherwise_(o.otherwise),
          on_failure_(o.on_failure),
          keeping_{o.keep.fresh, o.keep.stale} {}

    StepResult run(Work& work) const override {
        auto const answer = question_->ask(work, keeping_);
        if (!answer) return no_answer(work, answer.error());
        if (answer->stale && work.notes) work.notes->push_back("enrich: an older answer, there was no other");
        if (!answer->found) return not_found();
        auto const read = fhir::Resource::read_json(R"({"answer":)" + answer->json + "}", {.any = true});
        if (!read)
            return no_answer(work, error("bad_answer", "",
                                         "the answer is no JSON that can be used: " + read.error().what));
        auto const* const around = std::exchange(work.answer, &*read);
        auto result = then_.run(work);
        work.answer = around;
        return result;
    }

  private:
    StepResult no_answer(Work& work, Error const& why) const {
        StepResult result;
        result.reason = std::string(question_->kind()) + ": " + why.what;
        // What the message lacks for the question stays as it is, however often it is asked.
        bool const of_ours = why.code == "not_singleton" || why.place.starts_with("column");
        if (on_failure_ == OnFailure::pass) {
            if (work.notes) work.notes->push_back("enrich: " + result.reason);
            return StepResult::ok();
        }
        bool const again = on_failure_ == OnFailure::retry && !of_ours;
        result.next = again ? StepResult::Next::retry : StepResult::Next::hold;
        return result;
    }

    StepResult not_found() const {
        if (otherwise_ == NotFound::pass) return StepResult::ok();
        StepResult result;
        result.next = otherwise_ == NotFound::stop ? StepResult::Next::stop : StepResult::Next::hold;
        result.reason = std::string(question_->kind()) + ": nothing was found";
        return result;
    }

    std::unique_ptr<Question> question_;
    StepList then_;
    NotFound otherwise_;
    OnFailure on_failure_;
    Keeping keeping_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<EnrichOptions>(step.options, "enrich", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    if (o.otherwise == NotFound::unsaid)
        diagnostics.error(step.where,
                          "enrich does not say what becomes of a message of which nothing is known there",
                          "add otherwise: hold, otherwise: pass, or otherwise: stop");
    auto question = compile_question(step, o.question, context);
    bool const around = std::exchange(context.enriched, true);
    auto then_steps = StepList::compile(o.then_steps, "then", "enrich", context);
    context.enriched = around;
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<EnrichStep>(std::move(question), std::move(then_steps), o);
}

}  // namespace

StepKind enrich_step() {
    return {"enrich",     "asks another system about the message, after the sender has its answer",
            compile,      config::SchemaWriter::of<EnrichOptions>,
            false,        true,
            WorksOn::both};
}

}  // namespace hilum::routes
