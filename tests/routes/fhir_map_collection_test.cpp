// The guide's maps over every message of the collection: what comes out is valid FHIR.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "parsers/fhir/outcome.h"
#include "parsers/fhir/validate.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/message.h"
#include "routes/fhir_invariants.h"
#include "routes/mapping/to_fhir.h"

using namespace hilum;
namespace mapping = hilum::routes::mapping;
namespace fs = std::filesystem;

namespace {

// Sent as it is found in the files: data, not the maps, breaks these.
bool is_the_senders(fhir::Finding const& finding) {
    return finding.rule == "per-1";  // a period that ends before it begins
}

}  // namespace

TEST_CASE("every message of the collection that has a map becomes valid FHIR") {
    fs::path const folder = HILUM_SHARED "/messages";
    if (!fs::exists(folder)) {
        MESSAGE("skipped: ../shared/messages is not there");
        return;
    }
    config::Diagnostics diagnostics;
    auto const maps = mapping::read_fhir_maps(mapping::guide_files(), {}, diagnostics);
    REQUIRE_MESSAGE(maps, diagnostics.text());
    fhir::Rules rules;
    rules.invariants = &FhirInvariants::r4();
    std::size_t made = 0, refused = 0, entries = 0;
    std::map<std::string, std::size_t> why;
    for (auto const& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.path().extension() != ".hl7") continue;
        std::ifstream in(entry.path(), std::ios::binary);
        std::stringstream text;
        text << in.rdbuf();
        auto const bytes = text.str();
        for (auto const one : hl7::split_messages(bytes).messages) {
            auto const message = hl7::Message::view(one);
            if (!message) continue;
            mapping::FhirOptions options;
            options.provenance = made % 2 == 0;
            options.bundle = made % 3 == 0   ? mapping::BundleType::collection
                             : made % 3 == 1 ? mapping::BundleType::transaction
                                             : mapping::BundleType::message;
            options.lost_max = 1'000;
            auto const bundle = mapping::to_fhir(*maps, options, *message, nullptr);
            if (!bundle) {
                auto const code = bundle.error().code;
                CHECK_MESSAGE((code == "no_map" || code == "nothing"), entry.path().filename().string()
                                                                           << ": " << bundle.error().text());
                ++refused;
                continue;
            }
            ++made;
            // What is taken from an equal part before is what the map makes of it; an observer is told all.
            if (made % 4 == 0) {
                routes::Observer observer;
                auto const one_by_one = mapping::to_fhir(*maps, options, *message, &observer);
                REQUIRE(one_by_one.has_value());
                CHECK(one_by_one->json == bundle->json);
                CHECK(one_by_one->lost.paths == bundle->lost.paths);
            }
            entries += bundle->entries;
            auto const resource = fhir::Resource::read_json(bundle->json);
            REQUIRE(resource.has_value());
            for (auto const& finding : fhir::validate(resource->root(), rules)) {
                if (!fhir::refuses({&finding, 1}) || is_the_senders(finding)) continue;
                auto& count = why[finding.rule + " " + finding.text];
                if (count++ < 3)
                    MESSAGE(entry.path().filename().string()
                            << " " << finding.location << ": " << finding.text);
            }
        }
    }
    MESSAGE(made << " Bundles of " << entries << " resources; " << refused
                 << " messages have no map or nothing in them");
    CHECK(made > 1'000);
    for (auto const& [what, count] : why) FAIL_CHECK(count << " times " << what);
}
