#include "routes/steps/map_to_fhir.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "routes/mapping/to_fhir.h"
#include "routes/steps/places.h"

namespace hilum::routes {
namespace {

enum class OnFinding : unsigned char { note, hold };

struct MapToFhirOptions {
    config::Text use;
    config::NameList with;
    mapping::BundleType bundle = mapping::BundleType::transaction;
    bool provenance = false;
    config::NameList only_refer;
    config::Text time_zone;
    OnFinding unmapped = OnFinding::note;
    config::Text lost_max;
    std::vector<std::string> lost_ignore;
};
template <class V>
void describe(V& v, MapToFhirOptions& o) {
    v.required("use", o.use, "v2-to-fhir: the maps of HL7's guide");
    v.optional("with", o.with, "a site's own maps on top of them, files or us_core");
    v.choice("bundle", o.bundle,
             {{"transaction", mapping::BundleType::transaction},
              {"message", mapping::BundleType::message},
              {"collection", mapping::BundleType::collection}},
             "the type of Bundle that is made");
    v.optional("provenance", o.provenance, "say in Provenance resources who said it, and that it was mapped");
    v.optional(
        "only_refer", o.only_refer,
        "types of resources that another feed writes: [Patient, Encounter]; they are referred to, by the "
        "ids that they have there too, and not written");
    v.optional("time_zone", o.time_zone,
               "of times that have none where MSH-7 has none either, such as Europe/Berlin; UTC without it");
    v.choice(
        "unmapped", o.unmapped, {{"note", OnFinding::note}, {"hold", OnFinding::hold}},
        "what happens when a code is in no table or a value can't be said in FHIR: a note in the trace, or "
        "the message is held");
    v.optional("lost_max", o.lost_max,
               "how many values of the message may be carried nowhere; with more the message is held");
    v.optional(
        "lost_ignore", o.lost_ignore,
        "segments and fields that don't count as lost: [ZPD, PID-10]; MSH counts only in a Bundle of type "
        "message");
}

constexpr std::size_t listed_max = 20;  // in one note

class MapToFhir final : public Step {
  public:
    MapToFhir(std::shared_ptr<mapping::FhirMaps const> maps, mapping::FhirOptions options, OnFinding unmapped,
              std::optional<std::size_t> lost_max)
        : maps_(std::move(maps)), options_(std::move(options)), unmapped_(unmapped), lost_max_(lost_max) {}

    StepResult run(Work& work) const override {
        auto options = options_;
        options.now_us = work.now_us;
        auto made = mapping::to_fhir(*maps_, options, work.message(), work.observer);
        if (!made) return held("", made.error());
        if (auto const result = judge(*made, work); result.next != StepResult::Next::go_on) return result;
        auto interaction = fhir::Interaction::read(made->json);
        if (!interaction) return held("", interaction.error());
        work.piece.become(std::move(*interaction));
        return StepResult::ok();
    }

  private:
    StepResult judge(mapping::FhirBundle const& made, Work& work) const {
        if (unmapped_ == OnFinding::hold && !made.findings.empty())
            return held("", error("unmapped", "", made.findings.front().text(),
                                  "add the code to a table, or write unmapped: note"));
        auto const lost = made.lost.paths.size() + made.lost.more;
        if (work.lost) *work.lost += lost;
        if (work.notes) {
            for (auto const& finding : made.findings) work.notes->push_back("map: " + finding.text());
            if (lost > 0) work.notes->push_back(lost_text(made.lost));
        }
        if (lost_max_ && lost > *lost_max_)
            return held("", error("lost", "",
                                  std::to_string(lost) + (lost == 1 ? " value" : " values") +
                                      " would be lost: " + list(made.lost),
                                  "write rows for them, or name them in lost_ignore"));
        return StepResult::ok();
    }

    static std::string list(mapping::Carried::Lost const& lost) {
        std::string out;
        auto const shown = std::min(lost.paths.size(), listed_max);
        for (std::size_t i = 0; i < shown; ++i) out += (i == 0 ? "" : ", ") + lost.paths[i];
        return lost.paths.size() + lost.more > shown ? out + ", ..." : out;
    }
    static std::string lost_text(mapping::Carried::Lost const& lost) {
        return "map: " + std::to_string(lost.paths.size() + lost.more) + " of " +
               std::to_string(lost.values) + " values not carried: " + list(lost);
    }

    std::shared_ptr<mapping::FhirMaps const> maps_;
    mapping::FhirOptions options_;
    OnFinding unmapped_;
    std::optional<std::size_t> lost_max_;
};

// Those of one list of files are compiled once, however many routes map by them.
std::shared_ptr<mapping::FhirMaps const> maps_for(config::NameList const& with, CompileContext& context) {
    std::string key;
    for (auto const& name : with)
        (key += name.where.file ? *name.where.file : "") += '\x1f' + name.name + '\x1f';
    if (auto const known = context.fhir_maps.find(key); known != context.fhir_maps.end())
        return known->second;
    auto const before = context.diagnostics.errors();
    auto const files = mapping::files_with(with, context.diagnostics);
    auto maps = context.diagnostics.errors() == before
                    ? mapping::read_fhir_maps(files, context.tables, context.diagnostics)
                    : nullptr;
    context.fhir_maps[key] = maps;
    return maps;
}

}  // namespace

std::unique_ptr<Step> compile_map_to_fhir(config::Step const& step, CompileContext& context) {
    auto& diagnostics = context.diagnostics;
    auto const before = diagnostics.errors();
    MapToFhirOptions o;
    if (!step.options.is_scalar())
        o = config::decode_options<MapToFhirOptions>(step.options, "map", diagnostics);
    mapping::FhirOptions options;
    options.bundle = o.bundle;
    options.provenance = o.provenance;
    options.lost_max = listed_max;
    for (auto const& name : o.only_refer) {
        auto const type = fhir::Type::find(name.name);
        if (!type.exists() || type.kind() != fhir::Type::Kind::resource)
            diagnostics.error(name.where, "FHIR R4 has no resource " + config::in_quotes(name.name),
                              config::suggest(name.name, fhir::Type::names(), "types"));
        options.only_refer.push_back(name.name);
    }
    options.lost_ignore = std::move(o.lost_ignore);
    if (!o.time_zone.empty()) {
        auto const zone = context.zones.find(o.time_zone.value);
        if (zone) {
            options.zone = *zone;
        } else {
            diagnostics.error(o.time_zone.where, zone.error().what, zone.error().next);
        }
    }
    std::optional<std::size_t> lost_max;
    if (!o.lost_max.empty()) {
        auto const& digits = o.lost_max.value;
        bool const number = digits.size() <= 9 && std::all_of(digits.begin(), digits.end(),
                                                              [](char c) { return c >= '0' && c <= '9'; });
        if (number) {
            lost_max = static_cast<std::size_t>(std::stoul(digits));
        } else {
            diagnostics.error(o.lost_max.where, config::in_quotes(digits) + " is no number of values",
                              "write lost_max: 0, or a larger number");
        }
    }
    auto maps = diagnostics.errors() == before ? maps_for(o.with, context) : nullptr;
    if (!maps) return nullptr;
    return std::make_unique<MapToFhir>(std::move(maps), std::move(options), o.unmapped, lost_max);
}

std::string map_to_fhir_schema() {
    return config::SchemaWriter::of<MapToFhirOptions>();
}

}  // namespace hilum::routes
