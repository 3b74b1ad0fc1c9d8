// copy: { PID-2: PID-3 }   target: source, as in set. Components and escapes come along as they are.
#include <utility>

#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct Copy {
    hl7::GroupPath to;
    hl7::GroupPath from;
};

class CopyStep final : public Step {
  public:
    explicit CopyStep(std::vector<Copy> copies) : copies_(std::move(copies)) {}

    StepResult run(Work& work) const override {
        for (auto const& c : copies_) {
            hl7::Path from = c.from.path;
            hl7::Path to = c.to.path;
            // A source that isn't there empties the target, as one without groups does.
            if (!c.to.plain() && !locate(work, c.to, to)) return held(c.to.text(), no_target());
            if (!c.from.plain() && !locate(work, c.from, from)) from.occurrence = hl7::Path::largest;
            if (auto const done = work.message.copy(from, to); !done) return held(c.to.text(), done.error());
        }
        return StepResult::ok();
    }

  private:
    // The path in the whole message of what a path through groups names; false when nothing is there.
    static bool locate(Work& work, hl7::GroupPath const& path, hl7::Path& plain) {
        auto const found = find_in_groups(work, path);
        if (found.empty()) return false;
        plain.occurrence = found.front().occurrence;
        return true;
    }

    static Error no_target() {
        return error("no_such_segment", "", "the message has no such segment in such a group");
    }

    std::vector<Copy> copies_;
};

int level(hl7::Path const& path) {
    return path.subcomponent != 0 ? 2 : path.component != 0 ? 1 : 0;
}
std::string_view level_name(hl7::Path const& path) {
    static constexpr std::string_view names[] = {"field", "component", "subcomponent"};
    return names[level(path)];
}

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const& options = step.options;
    if (options.kind != config::Node::Kind::mapping || options.entries.empty()) {
        if (!options.unusable)
            diagnostics.error(options.where, "copy takes target paths and their sources",
                              "write it like copy: { PID-2: PID-3 }");
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
        if (!to->plain() && to->many()) {
            diagnostics.error(entry.where, to->text() + " names several places",
                              "use a number in place of *, or a path without groups");
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
    return std::make_unique<CopyStep>(std::move(copies));
}

std::string schema() {
    return R"({"type":"object","minProperties":1,"additionalProperties":{"type":"string"},)"
           R"("description":"target paths and the paths they are copied from"})";
}

}  // namespace

StepKind copy_step() {
    return {"copy", "copies a field or component with all its parts", compile, schema};
}

}  // namespace hilum::routes
