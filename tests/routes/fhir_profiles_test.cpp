// Profiles: a made one, change by change, and R4's own, which its examples follow.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "parsers/fhir/validate.h"
#include "routes/fhir_invariants.h"

using namespace hilum;
namespace fs = std::filesystem;

namespace {

constexpr std::string_view nationality =
    R"({"resourceType":"StructureDefinition","url":"http://x.example/nationality","name":"Nationality","type":"Extension",)"
    R"("derivation":"constraint","snapshot":{"element":[{"id":"Extension","path":"Extension","min":0,"max":"1"},)"
    R"({"id":"Extension.url","path":"Extension.url","min":1,"max":"1","base":{"min":1},"fixedUri":"http://x.example/nationality"},)"
    R"({"id":"Extension.value[x]","path":"Extension.value[x]","min":1,"max":"1","type":[{"code":"code"}]}]}})";

constexpr std::string_view ward_codes =
    R"({"resourceType":"CodeSystem","url":"http://x.example/wards","content":"complete","concept":[{"code":"w1",)"
    R"("concept":[{"code":"w1a"}]},{"code":"w2"}]})";
constexpr std::string_view wards =
    R"({"resourceType":"ValueSet","url":"http://x.example/vs/wards","compose":{"include":[{"system":"http://x.example/wards"}]}})";

constexpr std::string_view patient_profile =
    R"({"resourceType":"StructureDefinition","url":"http://x.example/patient","name":"OurPatient","type":"Patient",)"
    R"("derivation":"constraint","snapshot":{"element":[{"id":"Patient","path":"Patient","min":0,"max":"*",)"
    R"x("constraint":[{"key":"our-1","severity":"error","human":"h","expression":"name.exists() or telecom.exists()"},)x"
    R"x({"key":"our-2","severity":"warning","human":"h","expression":"address.exists()"}]},)x"
    R"({"id":"Patient.extension","path":"Patient.extension","min":0,"max":"*","slicing":{"discriminator":[{"type":"value",)"
    R"("path":"url"}],"rules":"open"},"type":[{"code":"Extension"}]},)"
    R"({"id":"Patient.extension:nationality","path":"Patient.extension","sliceName":"nationality","min":1,"max":"1",)"
    R"("type":[{"code":"Extension","profile":["http://x.example/nationality"]}]},)"
    R"({"id":"Patient.identifier","path":"Patient.identifier","min":1,"max":"2","slicing":{"discriminator":[{"type":)"
    R"("value","path":"system"}],"rules":"closed"},"type":[{"code":"Identifier"}]},)"
    R"({"id":"Patient.identifier.value","path":"Patient.identifier.value","min":1,"max":"1"},)"
    R"({"id":"Patient.identifier:mrn","path":"Patient.identifier","sliceName":"mrn","min":1,"max":"1"},)"
    R"({"id":"Patient.identifier:mrn.system","path":"Patient.identifier.system","min":1,"max":"1","fixedUri":)"
    R"("urn:oid:1.2"},{"id":"Patient.identifier:mrn.use","path":"Patient.identifier.use","min":0,"max":"0"},)"
    R"({"id":"Patient.active","path":"Patient.active","min":0,"max":"1","patternBoolean":true},)"
    R"({"id":"Patient.deceased[x]","path":"Patient.deceased[x]","min":0,"max":"1","type":[{"code":"boolean"}]},)"
    R"({"id":"Patient.maritalStatus","path":"Patient.maritalStatus","min":0,"max":"1","patternCodeableConcept":{"coding":)"
    R"([{"system":"urn:m","code":"M"}]},"type":[{"code":"CodeableConcept"}]},)"
    R"({"id":"Patient.generalPractitioner","path":"Patient.generalPractitioner","min":0,"max":"*","type":[{"code":)"
    R"("Reference","targetProfile":["http://hl7.org/fhir/StructureDefinition/Practitioner"]}]},)"
    R"({"id":"Patient.language","path":"Patient.language","min":0,"max":"1","binding":{"strength":"required","valueSet":)"
    R"("http://x.example/vs/wards|1"}}]}})";

constexpr std::string_view observation_profile =
    R"({"resourceType":"StructureDefinition","url":"http://x.example/observation","name":"OurObservation",)"
    R"("type":"Observation","derivation":"constraint","snapshot":{"element":[{"id":"Observation","path":"Observation"},)"
    R"({"id":"Observation.category","path":"Observation.category","slicing":{"discriminator":[{"type":"value","path":)"
    R"("coding.code"},{"type":"value","path":"coding.system"}],"rules":"open"},"min":1,"max":"*"},)"
    R"({"id":"Observation.category:lab","path":"Observation.category","sliceName":"lab","min":1,"max":"1"},)"
    R"({"id":"Observation.category:lab.coding","path":"Observation.category.coding","min":1,"max":"*"},)"
    R"({"id":"Observation.category:lab.coding.system","path":"Observation.category.coding.system","min":1,"max":"1","fixedUri":"urn:c"},)"
    R"({"id":"Observation.category:lab.coding.code","path":"Observation.category.coding.code","min":1,"max":"1","fixedCode":"lab"},)"
    R"({"id":"Observation.value[x]","path":"Observation.value[x]","slicing":{"discriminator":[{"type":"type","path":)"
    R"("$this"}],"rules":"open"},"min":0,"max":"1"},)"
    R"({"id":"Observation.value[x]:valueQuantity","path":"Observation.value[x]","sliceName":"valueQuantity","min":0,)"
    R"("max":"1","type":[{"code":"Quantity"}]},)"
    R"({"id":"Observation.value[x]:valueQuantity.unit","path":"Observation.value[x].unit","min":1,"max":"1"},)"
    R"({"id":"Observation.component","path":"Observation.component","slicing":{"discriminator":[{"type":"pattern",)"
    R"("path":"code"},{"type":"exists","path":"dataAbsentReason"}],"rules":"open"},"min":0,"max":"*"},)"
    R"({"id":"Observation.component:sys","path":"Observation.component","sliceName":"sys","min":0,"max":"1"},)"
    R"({"id":"Observation.component:sys.code","path":"Observation.component.code","min":1,"max":"1",)"
    R"("patternCodeableConcept":{"coding":[{"code":"s"}]}},)"
    R"({"id":"Observation.component:sys.dataAbsentReason","path":"Observation.component.dataAbsentReason","min":0,"max":"0"},)"
    R"({"id":"Observation.component:sys.interpretation","path":"Observation.component.interpretation","min":1,"max":"*"}]}})";

constexpr std::string_view patient =
    R"({"resourceType":"Patient","meta":{"profile":["http://x.example/patient|2"]},"language":"w1a","extension":[{"url":)"
    R"("http://x.example/nationality","valueCode":"de"},{"url":"http://x.example/other","valueCode":"x"}],"identifier":)"
    R"([{"system":"urn:oid:1.2","value":"1"}],"active":true,"name":[{"text":"x"}],"deceasedBoolean":false,)"
    R"("address":[{"city":"x"}],"maritalStatus":{"coding":[{"system":"urn:m","code":"M","display":"m"}],"text":"m"},)"
    R"("generalPractitioner":[{"reference":"Practitioner/1"}]})";

constexpr std::string_view observation =
    R"({"resourceType":"Observation","meta":{"profile":["http://x.example/observation"]},"status":"final","category":)"
    R"([{"coding":[{"system":"urn:c","code":"lab"}]},{"text":"other"}],"code":{"text":"x"},"valueQuantity":{"value":1,)"
    R"("unit":"g"},"component":[{"code":{"coding":[{"code":"s"}]},"valueInteger":1,"interpretation":[{"text":"i"}]},)"
    R"({"code":{"coding":[{"code":"d"}]},"valueInteger":1}]})";

struct Row {
    std::string_view from, to, rule, location;
};

constexpr Row of_patient[] = {
    {R"("name":[{"text":"x"}],)", "", "our-1", "Patient"},
    {R"({"url":"http://x.example/nationality","valueCode":"de"},)", "", "cardinality", "Patient.extension"},
    {R"("valueCode":"de")", R"("valueString":"de")", "choice-type", "Patient.extension[0].value"},
    {R"("system":"urn:oid:1.2")", R"("system":"urn:oid:1.3")", "slice", "Patient.identifier[0]"},
    {R"(,"value":"1")", "", "cardinality", "Patient.identifier[0].value"},
    {R"("value":"1")", R"("value":"1","use":"usual")", "cardinality", "Patient.identifier[0].use"},
    {R"("value":"1"})", R"("value":"1"},{"system":"urn:oid:1.2","value":"2"})", "cardinality",
     "Patient.identifier"},
    {R"("active":true)", R"("active":false)", "pattern", "Patient.active"},
    {R"("deceasedBoolean":false)", R"("deceasedDateTime":"2020")", "choice-type", "Patient.deceased"},
    {R"("code":"M","display":"m")", R"("code":"S","display":"m")", "pattern", "Patient.maritalStatus"},
    {R"("reference":"Practitioner/1")", R"("reference":"Organization/1")", "reference-target",
     "Patient.generalPractitioner[0]"},
    {R"("language":"w1a")", R"("language":"w3")", "binding", "Patient.language"},
    {R"("name":[{"text":"x"}])", R"("name":[{"text":"y"}])", "", ""},
    {R"("address":[{"city":"x"}],)", "", "", ""},  // a warning only
};

constexpr Row of_observation[] = {
    {R"({"coding":[{"system":"urn:c","code":"lab"}]},)", "", "cardinality", "Observation.category"},
    {R"("system":"urn:c")", R"("system":"urn:d")", "cardinality", "Observation.category"},
    {R"(,"unit":"g")", "", "cardinality", "Observation.value.unit"},
    {R"("valueQuantity":{"value":1,"unit":"g"})", R"("valueString":"g")", "", ""},
    {R"(,"interpretation":[{"text":"i"}])", "", "cardinality", "Observation.component[0].interpretation"},
    {R"("valueInteger":1,"interpretation":[{"text":"i"}])", R"("dataAbsentReason":{"text":"x"})", "", ""},
};

fhir::Profiles profiles() {
    fhir::Profiles out;
    for (auto const text : {nationality, ward_codes, wards, patient_profile, observation_profile}) {
        auto const added = out.add(std::string(text));
        REQUIRE_MESSAGE(added.has_value(), added.error().text());
    }
    return out;
}

std::string listed(std::vector<fhir::Finding> const& all) {
    std::string out;
    for (auto const& f : all)
        if (f.severity <= fhir::Severity::error) out += f.rule + " at " + f.location + "; ";
    return out;
}

template <std::size_t N>
void check(fhir::Rules const& rules, std::string_view valid, Row const (&rows)[N]) {
    CHECK(listed(fhir::validate(fhir::Resource::read_json(std::string(valid))->root(), rules)) == "");
    for (auto const& row : rows) {
        std::string json(valid);
        auto const at = json.find(row.from);
        REQUIRE_MESSAGE(at != std::string::npos, std::string(row.from));
        json.replace(at, row.from.size(), row.to);
        auto const resource = fhir::Resource::read_json(json);
        REQUIRE_MESSAGE(resource.has_value(), json);
        auto const found = listed(fhir::validate(resource->root(), rules));
        auto const expected = std::string(row.rule) + " at " + std::string(row.location) + "; ";
        CHECK_MESSAGE(found.starts_with(row.rule.empty() ? "" : expected), std::string(row.from), " -> ",
                      found);
        CHECK(found.empty() == row.rule.empty());
    }
}

std::string read(fs::path const& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("a profile's demands, one by one") {
    auto const known = profiles();
    FhirInvariants const invariants(known);
    fhir::Rules rules{&invariants, &known};
    check(rules, patient, of_patient);
    check(rules, observation, of_observation);
}

TEST_CASE("profiles count where they are named or wanted") {
    auto const known = profiles();
    FhirInvariants const invariants(known);
    fhir::Rules rules{&invariants, &known};
    auto const bare = fhir::Resource::read_json(R"({"resourceType":"Patient","active":false})");
    CHECK(fhir::validate(bare->root(), rules).empty());
    rules.profiles_wanted = {"http://x.example/patient"};
    CHECK(listed(fhir::validate(bare->root(), rules)).find("pattern at Patient.active") != std::string::npos);
    rules.profiles_wanted = {"http://x.example/observation"};
    CHECK(listed(fhir::validate(bare->root(), rules)) == "profile-type at Patient; ");
    rules.profiles_wanted = {"http://x.example/nothing"};
    CHECK(listed(fhir::validate(bare->root(), rules)) == "profile-unknown at Patient; ");
    rules.profiles_wanted.clear();
    // Of a type: wherever such a resource stands, but contained in another.
    rules.profiles_by_type = {"http://x.example/patient"};
    CHECK(listed(fhir::validate(bare->root(), rules)).find("pattern at Patient.active") != std::string::npos);
    for (
        auto const& [text, place] :
        {std::pair(
             R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","active":false}}]})",
             "pattern at Bundle.entry[0].resource.active"),
         std::pair(
             R"({"resourceType":"Group","type":"person","actual":true,"contained":[{"resourceType":"Patient","id":"1","active":false}],"member":[{"entity":{"reference":"#1"}}]})",
             "")}) {
        auto const resource = fhir::Resource::read_json(text);
        auto const findings = listed(fhir::validate(resource->root(), rules));
        CHECK_MESSAGE((*place ? findings.find(place) != std::string::npos : findings.empty()), findings);
    }
    rules.profiles_by_type.clear();
    auto const claims =
        fhir::Resource::read_json(R"({"resourceType":"Patient","meta":{"profile":["urn:x"]},"active":true})");
    auto const found = fhir::validate(claims->root(), rules);
    REQUIRE(found.size() == 1);
    CHECK((found[0].rule == "profile-unknown" && found[0].severity == fhir::Severity::warning));
    // In a Bundle each resource is held against its own.
    auto const bundle =
        fhir::Resource::read_json(R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":)" +
                                  std::string(patient) + "}]}");
    CHECK(listed(fhir::validate(bundle->root(), rules)) == "");
    fhir::Profiles differential;
    CHECK(
        differential
            .add(
                R"({"resourceType":"StructureDefinition","url":"u","type":"Patient","derivation":"constraint"})")
            .error()
            .code == "no_snapshot");
}

TEST_CASE("R4's own profiles hold for the examples that follow them") {
    fs::path const folder = HILUM_SOURCE "/tests/fhir/node_modules/hl7.fhir.r4.examples";
    if (!fs::exists(folder)) {
        MESSAGE("skipped: run `npm ci` in tests/fhir first (tests/run.sh does)");
        return;
    }
    fhir::Profiles known;
    std::size_t without_snapshot = 0;
    for (auto const& entry : fs::directory_iterator(folder)) {
        auto const name = entry.path().filename().string();
        if (!name.starts_with("StructureDefinition-")) continue;
        auto const added = known.add(read(entry.path()));
        if (added) continue;
        CHECK_MESSAGE(added.error().code == "no_snapshot", name, added.error().text());
        ++without_snapshot;
    }
    CHECK(without_snapshot == 2);
    REQUIRE(known.find("http://hl7.org/fhir/StructureDefinition/bp") != nullptr);
    FhirInvariants const invariants(known);
    std::size_t followed = 0;
    for (auto const& entry : fs::directory_iterator(folder)) {
        auto const name = entry.path().filename().string();
        if (!name.starts_with("Observation-") && !name.starts_with("DiagnosticReport-") &&
            !name.starts_with("Patient-"))
            continue;
        auto const resource = fhir::Resource::read_json(read(entry.path()));
        auto const meta = resource->root().child("meta");
        if (!meta.exists() || !meta.child("profile").exists()) continue;
        ++followed;
        auto const found = listed(fhir::validate(resource->root(), {&invariants, &known}));
        CHECK_MESSAGE(found.empty(), name, ": ", found);
    }
    CHECK(followed > 10);
}
