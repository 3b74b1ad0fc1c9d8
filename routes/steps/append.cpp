// append: { segment: NTE, after: PID, values: { NTE-1: 1, NTE-3: text } }
// append: { repetition: PID-3, values: { PID-3.1: =PV1-19.1, PID-3.5: VN } }
#include <utility>

#include "routes/expression/expression.h"
#include "routes/expression/hints.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct AppendOptions {
    config::Text segment;
    config::Text repetition;
    config::Text after;
    config::Node values;
};

template <class V>
void describe(V& v, AppendOptions& o) {
    v.optional("segment", o.segment, "the name of a new segment, such as NTE");
    v.optional("repetition", o.repetition, "or the field that gets a new repetition, such as PID-3");
    v.optional("after", o.after,
               "the segment that the new one follows, such as PV1 or OBX[2]; without it the last of its name "
               "or the end of the message");
    v.required("values", o.values, "paths in the new segment or repetition, and their values");
}

struct Assignment {
    hl7::Path path;
    expression::ValueSource value;
};

class AppendStep final : public Step {
  public:
    AppendStep(std::string segment, hl7::Path field, std::optional<hl7::GroupPath> after,
               std::vector<Assignment> values)
        : segment_(std::move(segment)), field_(field), after_(std::move(after)), values_(std::move(values)) {}

    StepResult run(Work& work) const override {
        // They see the message without what is appended.
        std::vector<std::string> texts;
        for (auto const& a : values_) {
            auto text = a.value.get(work.context());
            if (!text) return held(a.path.text(), text.error());
            texts.push_back(std::move(*text));
        }
        return segment_.empty() ? add_repetition(work, texts) : add_segment(work, texts);
    }

  private:
    StepResult add_segment(Work& work, std::vector<std::string> const& texts) const {
        std::size_t after = work.message().segment_count();
        if (after_) {
            auto const found = segments_of(work, *after_);
            if (found.empty()) return held(after_->text(), error("", "", "the message has no such segment"));
            after = found.back();
        } else if (auto const last = work.message().count(segment_); last != 0) {
            after = work.message().find(segment_, static_cast<std::uint32_t>(last));
        }
        auto const number = work.message().insert_segment(after, segment_);
        if (!number) return held(segment_, number.error());
        for (std::size_t i = 0; i < values_.size(); ++i)
            if (auto const done = work.message().set_in(*number, values_[i].path, texts[i]); !done)
                return held(values_[i].path.text(), done.error());
        return StepResult::ok();
    }

    StepResult add_repetition(Work& work, std::vector<std::string> const& texts) const {
        auto const next = static_cast<std::uint32_t>(work.message().repetitions(field_)) + 1;
        for (std::size_t i = 0; i < values_.size(); ++i) {
            auto path = values_[i].path;
            path.repetition = next;
            if (auto const done = work.message().set(path, texts[i]); !done)
                return held(values_[i].path.text(), done.error());
        }
        return StepResult::ok();
    }

    std::string segment_;  // empty: a repetition of field_
    hl7::Path field_;
    std::optional<hl7::GroupPath> after_;
    std::vector<Assignment> values_;
};

// Whether a value's path leads into what is appended; what stands in `into`, a segment or a field.
bool leads_into(hl7::Path const& path, hl7::Path const& into) {
    return path.segment_name() == into.segment_name() && path.occurrence == into.occurrence &&
           path.repetition == 1 && !path.repetition_given && (into.field == 0 || path.field == into.field);
}

std::vector<Assignment> compile_values(AppendOptions const& o, hl7::Path const& into,
                                       CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    std::vector<Assignment> values;
    if (o.values.kind != config::Node::Kind::mapping || o.values.entries.empty()) {
        diagnostics.error(
            o.values.where, "\"values\" should be paths and their values",
            "write it like values: { " + into.text() + (into.field == 0 ? "-1" : ".1") + ": X }");
        return values;
    }
    for (auto const& entry : o.values.entries) {
        auto const path = writable_path({entry.key, entry.where}, false, diagnostics);
        config::Text text;
        if (!config::decode_value(entry.value, text, diagnostics)) continue;
        auto value = expression::ValueSource::compile(text, diagnostics);
        if (!path) continue;
        if (!leads_into(*path, into)) {
            diagnostics.error(entry.where, path->text() + " is not in what is appended",
                              "name a part of " + into.text() + ", without an index");
            continue;
        }
        values.push_back({*path, std::move(value)});
    }
    return values;
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<AppendOptions>(step.options, "append", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    if (o.segment.empty() == o.repetition.empty()) {
        diagnostics.error(step.where, "append takes either a segment or a repetition",
                          "write segment: NTE, or repetition: PID-3");
        return nullptr;
    }
    hl7::Path into;
    if (!o.segment.empty()) {
        if (!segment_name(o.segment, diagnostics)) return nullptr;
        into = *hl7::Path::parse(o.segment.value);
    } else {
        auto const field = single_path(o.repetition, diagnostics);
        if (!field || !writable_path(o.repetition, false, diagnostics)) return nullptr;
        into = *field;
        if (into.component != 0 || into.repetition_given)
            diagnostics.error(o.repetition.where, into.text() + " is no whole field",
                              "name a field, such as PID-3");
        if (!o.after.empty())
            diagnostics.error(o.after.where, "a new repetition is always the last one", "remove \"after\"");
    }
    std::optional<hl7::GroupPath> after;
    if (!o.after.empty()) {
        after = expression::compile_group_path(o.after, diagnostics);
        if (after && after->path.field != 0)
            diagnostics.error(o.after.where, after->text() + " is no segment", "name the segment alone");
    }
    auto values = compile_values(o, into, context);
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<AppendStep>(o.segment.value, into, std::move(after), std::move(values));
}

}  // namespace

StepKind append_step() {
    return {"append", "adds a segment, or a repetition of a field", compile,
            config::SchemaWriter::of<AppendOptions>};
}

}  // namespace hilum::routes
