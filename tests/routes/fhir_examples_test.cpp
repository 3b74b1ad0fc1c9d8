// HL7's own examples of R4: they go JSON -> XML -> JSON unchanged and validate without an error. What is
// wrong with them is listed below, one by one; a listed fault that is not found any more is a failure of this
// test, too.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/fhir/validate.h"
#include "routes/fhir_invariants.h"

using namespace hilum;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> examples() {
    fs::path const folder = HILUM_SOURCE "/tests/fhir/node_modules/hl7.fhir.r4.examples";
    std::vector<fs::path> out;
    if (!fs::exists(folder)) {
        MESSAGE("skipped: run `npm ci` in tests/fhir first (tests/run.sh does)");
        return out;
    }
    for (auto const& entry : fs::directory_iterator(folder))
        if (entry.path().extension() == ".json" && entry.path().filename() != "package.json")
            out.push_back(entry.path());
    std::sort(out.begin(), out.end());
    return out;
}

std::string read(fs::path const& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

struct Fault {
    std::string_view file, rule, reason;
};

constexpr std::string_view no_base = "an element of R4 that R4's own search parameters for extensions lack";
constexpr std::string_view other_id = "fullUrl ends in another id than the resource has";
constexpr std::string_view no_linkid = "R4 demands a linkId of every item";
constexpr std::string_view pattern = "the patterns of R4's workflow are no abstract types and have no base";
constexpr std::string_view blank_div = "the div has white space only";
constexpr Fault faults[] = {
    {"ActivityDefinition-blood-tubes-supply.json", "txt-2", blank_div},
    {"ActivityDefinition-heart-valve-replacement.json", "txt-2", blank_div},
    {"Bundle-10bb101f-a121-4264-a920-67be9cb82c74.json", "full-url", other_id},
    {"Bundle-3a0707d3-549e-4467-b8b8-5a2ab3800efe.json", "full-url", other_id},
    {"Bundle-dataelements.json", "bdl-7", "de-Quantity.value and others stand in it three times"},
    {"Bundle-lri-example.json", "full-url", other_id},
    {"DeviceMetric-example.json", "reference-target", "parent is a Device, here a DeviceDefinition"},
    {"DeviceUseStatement-example.json", "reference-target", "a reason is not a Procedure"},
    {"EventDefinition-example.json", "txt-2", blank_div},
    {"ImplementationGuide-fhir.json", "cardinality", "it has neither name nor status"},
    {"ImplementationGuide-fhir.json", "reference-format",
     "the id in a reference has more than 64 characters"},
    {"MedicationRequest-medrx0301.json", "reference-target",
     "performer is an Organization, here a Practitioner"},
    {"Observation-clinical-gender.json", "reference-target", "no Encounter performs"},
    {"Questionnaire-qs1.json", "cardinality", no_linkid},
    {"Questionnaire-zika-virus-exposure-assessment.json", "txt-2", blank_div},
    {"SearchParameter-codesystem-extensions-CodeSystem-author.json", "cardinality", no_base},
    {"SearchParameter-codesystem-extensions-CodeSystem-effective.json", "cardinality", no_base},
    {"SearchParameter-codesystem-extensions-CodeSystem-end.json", "cardinality", no_base},
    {"SearchParameter-codesystem-extensions-CodeSystem-keyword.json", "cardinality", no_base},
    {"SearchParameter-codesystem-extensions-CodeSystem-workflow.json", "cardinality", no_base},
    {"SearchParameter-questionnaireresponse-extensions-QuestionnaireResponse-item-subject.json", "format",
     "an id of more than 64 characters"},
    {"SearchParameter-valueset-extensions-ValueSet-author.json", "cardinality", no_base},
    {"SearchParameter-valueset-extensions-ValueSet-effective.json", "cardinality", no_base},
    {"SearchParameter-valueset-extensions-ValueSet-end.json", "cardinality", no_base},
    {"SearchParameter-valueset-extensions-ValueSet-keyword.json", "cardinality", no_base},
    {"SearchParameter-valueset-extensions-ValueSet-workflow.json", "cardinality", no_base},
    {"StructureDefinition-Definition.json", "sdf-4", pattern},
    {"StructureDefinition-Event.json", "sdf-4", pattern},
    {"StructureDefinition-FiveWs.json", "sdf-4", pattern},
    {"StructureDefinition-Request.json", "sdf-4", pattern},
    {"ig-r4.json", "cardinality", "it has neither name nor status"},
    {"ig-r4.json", "reference-format", "the id in a reference has more than 64 characters"},
};

// Their narratives have carriage returns, which a text in XML can't (XML 1.0 §2.11): they come back as line
// feeds.
constexpr std::string_view carriage_returns[] = {"Bundle-resources.json",
                                                 "Bundle-types.json",
                                                 "Bundle-v2-valuesets.json",
                                                 "Bundle-v3-valuesets.json",
                                                 "Bundle-valuesets.json",
                                                 "StructureDefinition-MedicationAdministration.json",
                                                 "StructureDefinition-Practitioner.json"};

std::string with_line_feeds(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (text[i] != '\r') {
            out += text[i];
        } else if (i + 1 == text.size() || text[i + 1] != '\n') {
            out += '\n';
        }
    return out;
}

// The element with its properties sorted: their order means nothing in JSON, and XML has its own.
std::string sorted(fhir::Element e, bool line_feeds) {
    std::string out = e.has_value() ? std::string(e.text()) : "";
    if (line_feeds && e.name() == "div") out = with_line_feeds(out);
    std::vector<std::pair<std::string_view, std::string>> all;
    for (auto c = e.first(); c.exists(); c = c.next()) all.emplace_back(c.name(), sorted(c, line_feeds));
    std::stable_sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.first < b.first; });
    for (auto const& [name, text] : all) ((out += '{') += name) += ':' + text + '}';
    return out;
}

}  // namespace

TEST_CASE("the official examples go JSON to XML to JSON unchanged") {
    std::size_t files = 0, in_order = 0;
    for (auto const& path : examples()) {
        auto const resource = fhir::Resource::read_json(read(path));
        CAPTURE(path.filename().string());
        REQUIRE_MESSAGE(resource.has_value(), resource.error().text());
        auto const xml = resource->xml();
        CHECK_MESSAGE(xml.has_value(), xml.error().text());
        if (!xml) continue;
        auto const again = fhir::Resource::read_xml(*xml);
        CHECK_MESSAGE(again.has_value(), again.error().text());
        if (!again) continue;
        bool const same = again->json() == resource->json();
        in_order += same ? 1 : 0;
        bool const line_feeds = std::find(std::begin(carriage_returns), std::end(carriage_returns),
                                          path.filename().string()) != std::end(carriage_returns);
        CHECK((same || sorted(again->root(), false) == sorted(resource->root(), line_feeds)));
        CHECK((!line_feeds || sorted(again->root(), false) != sorted(resource->root(), false)));
        ++files;
    }
    if (files == 0) return;
    CHECK(files > 5000);
    CHECK(in_order > files - 200);  // to the byte
}

TEST_CASE("the official examples validate without a false error") {
    std::set<std::size_t> met;
    auto const files = examples();
    for (auto const& path : files) {
        auto const resource = fhir::Resource::read_json(read(path));
        REQUIRE(resource.has_value());
        auto const file = path.filename().string();
        for (auto const& f : fhir::validate(resource->root(), {&FhirInvariants::r4()})) {
            if (f.severity > fhir::Severity::error) continue;
            auto const* const fault =
                std::find_if(std::begin(faults), std::end(faults),
                             [&](Fault const& known) { return known.file == file && known.rule == f.rule; });
            if (fault != std::end(faults)) {
                met.insert(static_cast<std::size_t>(fault - std::begin(faults)));
            } else {
                FAIL_CHECK(file, ": ", f.rule, " at ", f.location, ": ", f.text);
            }
        }
    }
    for (std::size_t i = 0; i < std::size(faults) && !files.empty(); ++i)
        CHECK_MESSAGE(met.contains(i), faults[i].file, " has no more the fault ", faults[i].rule);
}
