// split: { group: ORDER_OBSERVATION, otherwise: pass }
// split: { segment: OBR, otherwise: hold }      split: { repetition: PID-3, otherwise: pass }
#include <algorithm>
#include <utility>

#include "routes/expression/hints.h"
#include "routes/steps/fhir_steps.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

constexpr std::size_t bytes_max = std::size_t{256} << 20U;  // of all parts of one message

enum class NoParts : unsigned char { unsaid, pass, stop, hold };

struct SplitOptions {
    config::Text group;
    config::Text segment;
    config::Text repetition;
    NoParts otherwise = NoParts::unsaid;
};

template <class V>
void describe(V& v, SplitOptions& o) {
    v.optional("group", o.group, "the group of which each message gets one, such as ORDER_OBSERVATION");
    v.optional("segment", o.segment,
               "or the segment, such as OBR; what follows up to the next one belongs to it");
    v.optional("repetition", o.repetition, "or the field of which each message gets one repetition");
    v.choice("otherwise", o.otherwise,
             {{"pass", NoParts::pass}, {"stop", NoParts::stop}, {"hold", NoParts::hold}},
             "what becomes of a message that has none: pass it as it is, stop, or hold it");
}

// For each segment the part it belongs to, from 1; 0: every part has it.
using Owners = std::vector<std::size_t>;

void leave_owned(Owners const& owners, std::size_t number, hl7::Message& part) {
    std::vector<std::size_t> others;
    for (std::size_t i = 0; i < owners.size(); ++i)
        if (owners[i] != 0 && owners[i] != number) others.push_back(i + 1);
    part.erase_segments(others);
}

Owners owners_by_segment(hl7::Message const& message, std::string_view name) {
    Owners owners(message.segment_count());
    auto const revision = message.structure_revision();
    std::size_t part = 0;
    auto next = message.next_segment(name, 0, revision);
    for (std::size_t i = 1; i <= owners.size(); ++i) {
        if (i == next) {
            ++part;
            next = message.next_segment(name, i, revision);
        }
        owners[i - 1] = part;
    }
    return owners;
}

Owners owners_by_group(hl7::MessageStructure const& structure, std::string_view name) {
    auto const& groups = structure.groups();
    // A parent stands before its children.
    std::vector<std::size_t> part_of(groups.size());
    std::size_t parts = 0;
    for (std::size_t g = 1; g < groups.size(); ++g) {
        auto const outer = part_of[groups[g].parent];
        part_of[g] = outer != 0 ? outer : groups[g].name == name ? ++parts : 0;
    }
    Owners owners(structure.segment_count());
    for (std::size_t i = 1; i <= owners.size(); ++i) owners[i - 1] = part_of[structure.place(i).group];
    return owners;
}

class SplitStep final : public Step {
  public:
    SplitStep(std::string group, std::string segment, hl7::Path field, NoParts otherwise)
        : group_(std::move(group)), segment_(std::move(segment)), field_(field), otherwise_(otherwise) {}

    StepResult run(Work& work) const override {
        if (field_.field != 0) return by_repetition(work);
        auto const owners = segment_.empty() ? owners_by_group(work.structures().get(), group_)
                                             : owners_by_segment(work.message(), segment_);
        std::size_t const count = owners.empty() ? 0 : *std::max_element(owners.begin(), owners.end());
        return make(work, count, [&](std::size_t number, hl7::Message& part) -> Result<void> {
            leave_owned(owners, number, part);
            return {};
        });
    }

  private:
    StepResult by_repetition(Work& work) const {
        auto each = field_;
        each.repetition = hl7::Path::all;
        std::vector<std::string> repetitions;
        work.message().for_each(each, [&](hl7::Value const& v) {
            if (v.presence != hl7::Presence::value) return;
            work.message().append_bytes(v.raw, repetitions.emplace_back());
        });
        return make(work, repetitions.size(), [&](std::size_t number, hl7::Message& part) -> Result<void> {
            part.erase(field_);
            return part.set_raw(field_, repetitions[number - 1]);
        });
    }

    template <class Leave>
    StepResult make(Work& work, std::size_t count, Leave leave) const {
        if (count == 0) return none();
        auto const bytes = work.message().bytes();
        if (count > StepResult::parts_max || count * bytes.size() > bytes_max)
            return held("", error("too_many", "",
                                  "the message has more than " + std::to_string(StepResult::parts_max) +
                                      " parts, or is too large for so many"));
        StepResult result;
        for (std::size_t number = 1; number <= count; ++number) {
            auto part = hl7::Message::view(bytes, work.message().charset_given());
            if (!part) return held("", part.error());
            if (auto const done = leave(number, *part); !done) return held("", done.error());
            result.parts.push_back(part->bytes());
        }
        result.next = StepResult::Next::split;
        return result;
    }

    StepResult none() const {
        StepResult result;
        if (otherwise_ == NoParts::stop) result.next = StepResult::Next::stop;
        if (otherwise_ == NoParts::hold) result.next = StepResult::Next::hold;
        if (otherwise_ != NoParts::pass)
            result.reason = "the message has no " + (field_.field != 0  ? field_.text()
                                                     : segment_.empty() ? group_
                                                                        : segment_);
        return result;
    }

    std::string group_;
    std::string segment_;
    hl7::Path field_;  // field 0: not by repetition
    NoParts otherwise_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    if (context.content == Content::fhir) return compile_fhir_split(step, context);
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<SplitOptions>(step.options, "split", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    if (!o.group.empty() + !o.segment.empty() + !o.repetition.empty() != 1)
        diagnostics.error(step.where, "split takes one of group, segment and repetition",
                          "write group: ORDER_OBSERVATION, segment: OBR, or repetition: PID-3");
    if (o.otherwise == NoParts::unsaid)
        diagnostics.error(step.where, "split does not say what becomes of a message that has none of them",
                          "add otherwise: pass, otherwise: stop, or otherwise: hold");
    if (context.depth != 0)
        diagnostics.error(
            step.where, "split stands inside another step",
            "put it among the route's own steps, or into a route that this one names in \"to\"");
    hl7::Path field;
    if (!o.group.empty()) {
        // As part of a path, so that a group that no version has is found.
        config::Text path = o.group;
        path.value += "/MSH";
        expression::compile_group_path(path, diagnostics);
    }
    if (!o.segment.empty()) segment_name(o.segment, diagnostics);
    if (!o.repetition.empty()) {
        auto const path = writable_path(o.repetition, false, diagnostics);
        if (path && (path->many() || path->component != 0 || path->repetition_given))
            diagnostics.error(o.repetition.where, path->text() + " is no whole field of one segment",
                              "name a field, such as PID-3");
        if (path) field = *path;
    }
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<SplitStep>(o.group.value, o.segment.value, field, o.otherwise);
}

std::string split_schema() {
    return R"({"anyOf":[)" + config::SchemaWriter::of<SplitOptions>() + "," + fhir_split_schema() + "]}";
}

}  // namespace

StepKind split_step() {
    return {"split",      "makes several messages of one; the steps behind it are done for each",
            compile,      split_schema,
            false,        false,
            WorksOn::both};
}

}  // namespace hilum::routes
