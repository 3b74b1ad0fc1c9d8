#include "engine/cli/convert_fhir.h"

#include <utility>

#include "engine/cli/output.h"
#include "routes/tables/time_zones.h"

namespace hilum::cli {

namespace mapping = routes::mapping;

namespace {

constexpr std::size_t lost_listed = 100'000;

std::string trace_text(mapping::FhirBundle const& made) {
    std::vector<std::vector<std::string>> rows{{"ELEMENT", "VALUE", "FROM", "ROW"}};
    for (auto const& one : made.traces)
        rows.push_back({printable(one.element), printable(one.value), one.place, one.row});
    return table(rows);
}

}  // namespace

std::optional<FhirConversion> FhirConversion::make(FhirConversionOptions const& options) {
    FhirConversion out;
    out.options_.bundle = options.bundle == "message"      ? mapping::BundleType::message
                          : options.bundle == "collection" ? mapping::BundleType::collection
                                                           : mapping::BundleType::transaction;
    out.options_.provenance = options.provenance;
    out.options_.trace = options.trace;
    out.options_.lost_max = options.lost ? lost_listed : 0;
    out.options_.now_us = now_us();
    if (!options.time_zone.empty()) {
        auto zone = routes::TimeZones().find(options.time_zone);
        if (!zone) {
            complain("--time-zone: " + zone.error().text());
            return std::nullopt;
        }
        out.options_.zone = std::move(*zone);
    }
    config::Diagnostics diagnostics;
    config::NameList names;
    for (auto const& name : options.maps) names.push_back({name, {}});
    auto const files = mapping::files_with(names, diagnostics);
    if (!diagnostics.failed()) out.maps_ = mapping::read_fhir_maps(files, {}, diagnostics);
    if (!out.maps_) {
        complain("the maps can't be used:\n" + diagnostics.text());
        return std::nullopt;
    }
    return out;
}

Result<std::string> FhirConversion::convert(hl7::Message const& message, std::string const& label) const {
    auto made = mapping::to_fhir(*maps_, options_, message, nullptr);
    if (!made) return made.error();
    for (auto const& finding : made->findings) complain(label + finding.text());
    if (made->more_findings > 0) complain(label + std::to_string(made->more_findings) + " more findings");
    for (auto const& path : made->lost.paths) complain(label + "not carried: " + path);
    if (options_.lost_max > 0)
        complain(label + std::to_string(made->lost.paths.size() + made->lost.more) + " of " +
                 std::to_string(made->lost.values) + " values were not carried");
    if (options_.trace) return {boost::system::in_place_value, trace_text(*made)};
    return {boost::system::in_place_value, made->json + "\n"};
}

}  // namespace hilum::cli
