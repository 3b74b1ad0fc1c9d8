// copy: { PID-2: PID-3 }   move: { PID-3: PID-2 }
// Target: source, as in set. Components and escapes come along as they are.
#include <utility>

#include "routes/steps/fhir_steps.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct Copy {
    hl7::GroupPath to;
    hl7::GroupPath from;
};

class CopyStep final : public Step {
  public:
    CopyStep(std::vector<Copy> copies, bool move) : copies_(std::move(copies)), move_(move) {}

    StepResult run(Work& work) const override {
        for (auto const& c : copies_) {
            auto const to = locate(work, c.to);
            auto const from = locate(work, c.from);
            if (to == 0 && !c.to.plain())
                return held(c.to.text(),
                            error("no_such_segment", "", "the message has no such segment in such a group"));
            // A source that isn't there empties the target.
            if (auto const done = work.message().copy_in(from, c.from.path, to, c.to.path); !done)
                return held(c.to.text(), done.error());
            if (move_ && from != 0) work.message().erase_in(from, c.from.path);
        }
        return StepResult::ok();
    }

  private:
    // The number of the segment that a path names, 0 when it isn't there.
    static std::size_t locate(Work& work, hl7::GroupPath const& path) {
        if (path.plain()) return work.message().find(path.path.segment_name(), path.path.occurrence);
        auto const found = find_in_groups(work, path);
        return found.empty() ? 0 : found.front().segment;
    }

    std::vector<Copy> copies_;
    bool move_;
};

int level(hl7::Path const& path) {
    return path.subcomponent != 0 ? 2 : path.component != 0 ? 1 : 0;
}
std::string_view level_name(hl7::Path const& path) {
    static constexpr std::string_view names[] = {"field", "component", "subcomponent"};
    return names[level(path)];
}

// Whether one of two places holds the other, so that moving would lose it.
bool overlap(hl7::GroupPath const& a, hl7::GroupPath const& b) {
    return a.groups == b.groups && a.path.segment_name() == b.path.segment_name() &&
           a.path.occurrence == b.path.occurrence && a.path.field == b.path.field &&
           a.path.repetition == b.path.repetition &&
           (a.path.component == b.path.component || a.path.component == 0 || b.path.component == 0) &&
           (a.path.subcomponent == b.path.subcomponent || a.path.subcomponent == 0 ||
            b.path.subcomponent == 0);
}

template <bool move>
std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    if (context.content == Content::fhir) return compile_fhir_copy(step, context, move);
    auto& diagnostics = context.diagnostics;
    auto const& options = step.options;
    if (options.kind != config::Node::Kind::mapping || options.entries.empty()) {
        if (!options.unusable)
            diagnostics.error(options.where, step.kind + " takes target paths and their sources",
                              "write it like " + step.kind + ": { PID-2: PID-3 }");
        return nullptr;
    }
    std::vector<Copy> copies;
    auto const before = diagnostics.errors();
    for (auto const& entry : options.entries) {
        auto const to = writable_group_path({entry.key, entry.where}, false, diagnostics);
        config::Text source;
        if (!config::decode_value(entry.value, source, diagnostics)) continue;
        auto const from = single_group_path(source, diagnostics);
        if (!to || !from) continue;
        if (to->many() && (move || !to->plain())) {
            diagnostics.error(
                entry.where, to->text() + " names several places",
                move ? "use a number in place of *" : "use a number in place of *, or a path without groups");
            continue;
        }
        if (move && (overlap(*to, *from) || hl7::Message::fixed(from->path))) {
            diagnostics.error(source.where, from->text() + " can't be moved to " + to->text(),
                              "name a source that stays apart from its target, or use copy");
            continue;
        }
        // The delimiters inside a whole field would mean something else one level further down.
        if (level(from->path) < level(to->path)) {
            diagnostics.error(source.where,
                              from->text() + " is a " + std::string(level_name(from->path)) +
                                  " and does not fit into the " + std::string(level_name(to->path)) + " " +
                                  to->text(),
                              "name its first part: " + from->text() + ".1");
            continue;
        }
        copies.push_back({*to, *from});
    }
    if (diagnostics.errors() != before || copies.size() != options.entries.size()) return nullptr;
    return std::make_unique<CopyStep>(std::move(copies), move);
}

std::string schema() {
    return R"({"type":"object","minProperties":1,)"
           R"("additionalProperties":{"type":"string","description":"the path that the value comes from"}})";
}

}  // namespace

StepKind copy_step() {
    return {
        "copy",       "copies a field or component with all its parts", compile<false>, schema, true, false,
        WorksOn::both};
}

StepKind move_step() {
    return {"move",        "copies a field or component and empties where it stood",
            compile<true>, schema,
            true,          false,
            WorksOn::both};
}

}  // namespace hilum::routes
