// rename: { from: "ZPI[*]", to: ZPD }
#include <utility>

#include "routes/expression/hints.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct RenameOptions {
    config::Text from;
    config::Text to;
};

template <class V>
void describe(V& v, RenameOptions& o) {
    v.required("from", o.from, "the segment, such as ZPI; ZPI[*] for each");
    v.required("to", o.to, "its new name, such as ZPD");
}

class RenameStep final : public Step {
  public:
    RenameStep(hl7::GroupPath from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}

    StepResult run(Work& work) const override {
        for (auto const number : segments_of(work, from_))
            if (auto const done = work.message().rename_segment(number, to_); !done)
                return held(from_.text(), done.error());
        return StepResult::ok();
    }

  private:
    hl7::GroupPath from_;
    std::string to_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    auto const o = config::decode_options<RenameOptions>(step.options, "rename", diagnostics);
    std::optional<hl7::GroupPath> from;
    if (!o.from.empty()) from = writable_group_path(o.from, true, diagnostics);
    if (from && from->path.field != 0)
        diagnostics.error(o.from.where, from->text() + " is no segment", "name the segment alone");
    if (!o.to.empty()) segment_name(o.to, diagnostics);
    if (!from || diagnostics.errors() != before) return nullptr;
    return std::make_unique<RenameStep>(std::move(*from), o.to.value);
}

}  // namespace

StepKind rename_step() {
    return {"rename", "gives segments another name", compile, config::SchemaWriter::of<RenameOptions>};
}

}  // namespace hilum::routes
