// delete: PID-19    delete: ["NK1[*]", PID-19]
#include <utility>

#include "routes/steps/fhir_steps.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

class DeleteStep final : public Step {
  public:
    explicit DeleteStep(std::vector<hl7::GroupPath> paths) : paths_(std::move(paths)) {}

    StepResult run(Work& work) const override {
        // What isn't there is deleted already.
        for (auto const& path : paths_) {
            if (path.plain()) {
                work.message().erase(path.path);
            } else {
                erase(work, path);
            }
        }
        return StepResult::ok();
    }

  private:
    static void erase(Work& work, hl7::GroupPath const& path) {
        std::vector<std::size_t> segments;
        for (auto const& found : find_in_groups(work, path)) {
            if (path.path.field == 0) {
                segments.push_back(found.segment);
            } else {
                work.message().erase_in(found.segment, path.path);
            }
        }
        if (!segments.empty()) work.message().erase_segments(segments);
    }

    std::vector<hl7::GroupPath> paths_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    if (context.content == Content::fhir) return compile_fhir_delete(step, context);
    auto& diagnostics = context.diagnostics;
    auto const& options = step.options;
    bool const list = options.kind == config::Node::Kind::sequence && !options.items.empty();
    if (!list && !options.is_scalar()) {
        if (!options.unusable)
            diagnostics.error(options.where, "delete takes a path or a list of paths",
                              "write it like delete: NK1[*]");
        return nullptr;
    }
    std::vector<hl7::GroupPath> paths;
    auto const before = diagnostics.errors();
    auto const add = [&](config::Node const& node) {
        config::Text text;
        if (!config::decode_value(node, text, diagnostics)) return;
        if (auto const path = writable_group_path(text, true, diagnostics)) paths.push_back(*path);
    };
    if (list) {
        for (auto const& item : options.items) add(item);
    } else {
        add(options);
    }
    if (diagnostics.errors() != before || paths.empty()) return nullptr;
    return std::make_unique<DeleteStep>(std::move(paths));
}

std::string schema() {
    return R"({"oneOf":[{"type":"string"},{"type":"array","minItems":1,"items":{"type":"string"}}]})";
}

}  // namespace

StepKind delete_step() {
    return {"delete",     "removes segments, fields, repetitions or components", compile, schema, true, false,
            WorksOn::both};
}

}  // namespace hilum::routes
