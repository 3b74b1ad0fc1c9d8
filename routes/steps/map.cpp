// map: maps/patient-to-adt.yaml
#include <utility>

#include "routes/mapping/to_hl7.h"
#include "routes/steps/places.h"
#include "routes/steps/steps.h"

namespace hilum::routes {
namespace {

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
    config::Text file;
    if (!step.options.is_scalar() || !config::decode_value(step.options, file, context.diagnostics)) {
        context.diagnostics.error(step.options.where, "map takes the name of a file",
                                  "write map: maps/patient-to-adt.yaml");
        return nullptr;
    }
    // What comes out is in the other language: no step around this one could go on with it.
    if (context.depth > 0) {
        context.diagnostics.error(step.where, "map stands by itself in a route, not inside another step",
                                  "make a route for it, with a condition of its own");
        return nullptr;
    }
    auto maps = mapping::load_maps(file, context.tables, context.diagnostics);
    if (!maps) return nullptr;
    return std::make_unique<MapToHl7>(std::move(maps), context.dictionary);
}

std::string schema() {
    return R"({"type":"string"})";
}

}  // namespace

StepKind map_step() {
    StepKind kind{"map", "makes an HL7 v2 message of a FHIR resource, by the rows of a map", compile, schema};
    kind.in_answers = false;
    kind.works_on = WorksOn::fhir;
    kind.turns = true;
    return kind;
}

}  // namespace hilum::routes
