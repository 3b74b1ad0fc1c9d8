// copy: { Patient.telecom[0]: "Patient.contact.telecom.where(system = 'phone').first()" }   move: the same
// delete: "Patient.identifier.where(system = 'urn:ssn')"
#include <utility>

#include "routes/steps/fhir_path.h"
#include "routes/steps/fhir_steps.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

// An expression whose elements are copied or removed.
struct Source {
    std::string text;
    expression::Expression expression;
};

std::optional<Source> compile_source(config::Node const& node, CompileContext& context) {
    config::Text text;
    if (!config::decode_value(node, text, context.diagnostics)) return std::nullopt;
    auto expression = expression::Expression::compile(text, 0, context.diagnostics, context.language());
    if (!expression.valid()) return std::nullopt;
    check_answer_named(expression.reads_answer(), text.where, context);
    return Source{text.value, std::move(expression)};
}

class FhirCopy final : public Step {
  public:
    struct Copy {
        FhirPath to;
        Source from;
    };
    FhirCopy(std::vector<Copy> copies, bool move) : copies_(std::move(copies)), move_(move) {}

    StepResult run(Work& work) const override {
        for (auto const& copy : copies_) {
            auto const from = copy.from.expression.elements(work.context());
            if (!from) return held(copy.from.text, from.error());
            auto const put = copy.to.put(work, *from);
            if (!put) return held(copy.to.text(), put.error());
            if (!move_ || !*put) continue;  // what has no place to go stays
            auto edit = work.piece.edit();
            for (auto const& element : *from) edit.remove(element);
        }
        return StepResult::ok();
    }

  private:
    std::vector<Copy> copies_;
    bool move_;
};

class FhirDelete final : public Step {
  public:
    explicit FhirDelete(std::vector<Source> sources) : sources_(std::move(sources)) {}

    StepResult run(Work& work) const override {
        for (auto const& source : sources_) {
            auto const elements = source.expression.elements(work.context());
            if (!elements) return held(source.text, elements.error());
            for (auto const& element : *elements)
                if (!element.parent().exists())
                    return held(source.text, error("whole", "", "that is the whole resource: use stop"));
            if (elements->empty()) continue;
            auto edit = work.piece.edit();
            for (auto const& element : *elements) edit.remove(element);
        }
        return StepResult::ok();
    }

  private:
    std::vector<Source> sources_;
};

}  // namespace

std::unique_ptr<Step> compile_fhir_copy(config::Step const& step, CompileContext& context, bool move) {
    auto& diagnostics = context.diagnostics;
    auto const& options = step.options;
    auto const before = diagnostics.errors();
    if (options.kind != config::Node::Kind::mapping || options.entries.empty()) {
        if (!options.unusable)
            diagnostics.error(
                options.where, step.kind + " takes target paths and their sources",
                "write it like " + step.kind + ": { Patient.telecom: Patient.contact.telecom }");
        return nullptr;
    }
    std::vector<FhirCopy::Copy> copies;
    for (auto const& entry : options.entries) {
        auto to = FhirPath::compile({entry.key, entry.where}, diagnostics);
        auto from = compile_source(entry.value, context);
        if (to && from) copies.push_back({std::move(*to), std::move(*from)});
    }
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<FhirCopy>(std::move(copies), move);
}

std::unique_ptr<Step> compile_fhir_delete(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const& options = step.options;
    auto const before = diagnostics.errors();
    bool const list = options.kind == config::Node::Kind::sequence && !options.items.empty();
    if (!list && !options.is_scalar()) {
        if (!options.unusable)
            diagnostics.error(options.where, "delete takes a path or a list of paths",
                              "write it like delete: Patient.photo");
        return nullptr;
    }
    std::vector<Source> sources;
    auto const add = [&](config::Node const& node) {
        if (auto source = compile_source(node, context)) sources.push_back(std::move(*source));
    };
    if (list) {
        for (auto const& item : options.items) add(item);
    } else {
        add(options);
    }
    if (diagnostics.errors() != before) return nullptr;
    return std::make_unique<FhirDelete>(std::move(sources));
}

}  // namespace hilum::routes
