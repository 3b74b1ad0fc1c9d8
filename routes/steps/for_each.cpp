// for_each: { segment: OBX, steps: [ set: { OBX-11: F } ] }
// for_each: { repetition: PID-3, steps: [ { when: PID-3.5 = 'SS', then: [ delete: PID-3 ] } ] }
#include <algorithm>
#include <utility>

#include "routes/steps/step_list.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

constexpr std::size_t rounds_max = 10'000;                  // in one message
constexpr std::size_t bytes_max = std::size_t{256} << 20U;  // rounds times segments, or times repetitions

struct ForEachOptions {
    config::Text segment;
    config::Text repetition;
    config::StepNodes steps;
};

template <class V>
void describe(V& v, ForEachOptions& o) {
    v.optional("segment", o.segment,
               "the name of the segment whose occurrences are gone through, such as OBX");
    v.optional("repetition", o.repetition, "or the field whose repetitions are, such as PID-3");
    v.required("steps", o.steps, "the steps for each; to them it is the only one");
}

StepResult too_many(std::string const& what) {
    return held(what, error("too_many", "",
                            "the message has more than " + std::to_string(rounds_max) +
                                ", or is too large to go through so many"));
}

class EachSegment final : public Step {
  public:
    EachSegment(std::string name, StepList steps) : name_(std::move(name)), steps_(std::move(steps)) {}

    StepResult run(Work& work) const override {
        auto& message = work.message();
        auto const count = message.count(name_);
        if (count > rounds_max || count * message.segment_count() > bytes_max) return too_many(name_);
        auto const revision = message.structure_revision();
        std::size_t passed = 0;
        for (std::size_t round = 0; round < count; ++round) {
            auto const number = message.next_segment(name_, passed, revision);
            if (number == 0) break;
            message.focus(number);
            auto result = steps_.run(work);
            passed = message.unfocus();
            if (result.next != StepResult::Next::go_on) return result;
        }
        return StepResult::ok();
    }

  private:
    std::string name_;
    StepList steps_;
};

// While the steps run the field holds one repetition; what they leave of each is put together again.
class EachRepetition final : public Step {
  public:
    EachRepetition(hl7::Path field, StepList steps) : field_(field), steps_(std::move(steps)) {}

    StepResult run(Work& work) const override {
        auto& message = work.message();
        auto const number = message.find(field_.segment_name(), field_.occurrence);
        auto each = field_;
        each.repetition = hl7::Path::all;
        std::vector<std::string> repetitions;
        message.for_each_in(number, each, [&](hl7::Value const& v) {
            if (repetitions.size() <= rounds_max) message.append_bytes(v.raw, repetitions.emplace_back());
        });
        if (repetitions.size() > rounds_max) return too_many(field_.text());
        if (repetitions.empty()) return StepResult::ok();
        std::string joined;
        bool first = true;
        for (auto const& repetition : repetitions) {
            if (auto const done = put(message, repetition); !done) return held(field_.text(), done.error());
            if (auto result = steps_.run(work); result.next != StepResult::Next::go_on) return result;
            if (message.find(field_.segment_name(), field_.occurrence) == 0)
                return StepResult::ok();  // deleted
            std::string left;
            message.for_each(each, [&](hl7::Value const& v) {
                if (!left.empty()) left += message.delimiters().repetition;
                message.append_bytes(v.raw, left);
            });
            if (left.empty() && !repetition.empty()) continue;  // removed
            if (!first) joined += message.delimiters().repetition;
            joined += left;
            first = false;
        }
        auto const done = put(message, joined);
        return done ? StepResult::ok() : held(field_.text(), done.error());
    }

  private:
    // The whole field.
    Result<void> put(hl7::Message& message, std::string_view raw) const {
        message.erase(field_);
        return message.set_raw(field_, raw);
    }

    hl7::Path field_;
    StepList steps_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<ForEachOptions>(step.options, "for_each", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    if (o.segment.empty() == o.repetition.empty()) {
        diagnostics.error(step.where, "for_each goes through either segments or repetitions",
                          "write segment: OBX, or repetition: PID-3");
        return nullptr;
    }
    std::optional<hl7::Path> field;
    if (o.segment.empty()) {
        field = writable_path(o.repetition, false, diagnostics);
        if (field && (field->many() || field->component != 0 || field->repetition_given))
            diagnostics.error(o.repetition.where, field->text() + " is no whole field of one segment",
                              "name a field, such as PID-3");
    } else if (segment_name(o.segment, diagnostics)) {
        auto& inside = context.each;
        if (std::find(inside.begin(), inside.end(), o.segment.value) != inside.end())
            diagnostics.error(
                o.segment.where,
                "for_each of " + o.segment.value + " stands inside another of " + o.segment.value,
                "there it is the only one: remove the inner for_each");
    }
    context.each.push_back(o.segment.value);
    auto steps = StepList::compile(o.steps, "steps", "for_each", context);
    context.each.pop_back();
    if (diagnostics.errors() != before) return nullptr;
    if (field) return std::make_unique<EachRepetition>(*field, std::move(steps));
    return std::make_unique<EachSegment>(o.segment.value, std::move(steps));
}

}  // namespace

StepKind for_each_step() {
    return {"for_each", "does steps for each segment of a name, or each repetition of a field", compile,
            config::SchemaWriter::of<ForEachOptions>};
}

}  // namespace hilum::routes
