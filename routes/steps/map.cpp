// map: v2-to-fhir, map: fhir-to-v2/oru_r01, or map: maps/patient-to-adt.yaml
#include <utility>

#include "routes/mapping/to_hl7.h"
#include "routes/steps/map_to_fhir.h"
#include "routes/steps/places.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

struct MapToHl7Options {
    config::Text use;
    config::NameList with;
};
template <class V>
void describe(V& v, MapToHl7Options& o) {
    v.required("use", o.use, "a map that comes with Hilum, such as fhir-to-v2/oru_r01, or a file");
    v.optional("with", o.with, "files of a site's own rows on top of it");
}

class MapToHl7 final : public Step {
  public:
    MapToHl7(std::shared_ptr<mapping::MapSet const> maps, hl7::Dictionary dictionary)
        : maps_(std::move(maps)), dictionary_(std::move(dictionary)) {}

    StepResult run(Work& work) const override {
        auto made = mapping::to_hl7(*maps_, work.piece.interaction(), work.now_us, work.observer);
        if (!made) return held("", made.error());
        auto message = hl7::Message::parse(std::move(*made));
        if (!message) return held("", message.error());
        work.piece.become(std::move(*message), dictionary_);
        return StepResult::ok();
    }

  private:
    std::shared_ptr<mapping::MapSet const> maps_;
    hl7::Dictionary dictionary_;
};

std::unique_ptr<Step> compile(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    // What comes out is in the other language: no step around this one could go on with it.
    if (context.depth > 0) {
        diagnostics.error(step.where, "map stands by itself in a route, not inside another step",
                          "make a route for it, with a condition of its own");
        return nullptr;
    }
    auto const* const use = step.options.is_scalar() ? &step.options : step.options.find("use");
    config::Text name;
    if (!use || !use->is_scalar() || !config::decode_value(*use, name, diagnostics)) {
        diagnostics.error(step.options.where, "map does not say by which map",
                          "write map: v2-to-fhir, map: fhir-to-v2/oru_r01 or a file");
        return nullptr;
    }
    bool const guide = name.value == v2_to_fhir;
    if (guide != (context.content == Content::hl7)) {
        diagnostics.error(name.where,
                          guide ? "v2-to-fhir makes FHIR of HL7 v2, and FHIR comes to this route"
                                : "fhir-to-v2 and files make HL7 v2 of FHIR, and HL7 v2 comes to this route",
                          guide ? "name a map such as fhir-to-v2/adt_a31, or a file of your own"
                                : "write map: { use: v2-to-fhir, with: FILE } for rows of your own");
        return nullptr;
    }
    if (guide) return compile_map_to_fhir(step, context);
    auto const before = diagnostics.errors();
    MapToHl7Options options;
    if (!step.options.is_scalar())
        options = config::decode_options<MapToHl7Options>(step.options, "map", diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    auto maps = mapping::load_maps(name, context.tables, diagnostics, options.with);
    if (!maps) return nullptr;
    return std::make_unique<MapToHl7>(std::move(maps), context.dictionary);
}

std::string schema() {
    return R"({"anyOf":[{"type":"string"},)" + map_to_fhir_schema() + "," +
           config::SchemaWriter::of<MapToHl7Options>() + "]}";
}

}  // namespace

StepKind map_step() {
    StepKind kind{"map", "makes FHIR of an HL7 v2 message, or HL7 v2 of a FHIR resource, by the rows of maps",
                  compile, schema};
    kind.in_answers = false;
    kind.works_on = WorksOn::both;
    kind.turns = true;
    return kind;
}

}  // namespace hilum::routes
