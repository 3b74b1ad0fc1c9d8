// HL7 v2 to FHIR by maps: what each rule of the language does, on maps of a few rows.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "parsers/fhir/outcome.h"
#include "parsers/fhir/resource.h"
#include "parsers/fhir/validate.h"
#include "parsers/hl7/message.h"
#include "routes/mapping/to_fhir.h"

using namespace hilum;
using namespace hilum::routes;

namespace {

std::string const header = "MSH|^~\\&|APP|HOSP|||20260102030405+0100||ADT^A01^ADT_A01|1|P|2.5.1\r";

// Rows of a map for the segment PID, and other maps, in a message map of PID and PV1.
struct Maps {
    std::string rows, more;
    std::string groups = "{ patient: [PID] }";
    std::string message_rows =
        "    - { segment: PID, to: Patient, map: \"PID[Patient]\" }\n"
        "    - { segment: PV1, to: Encounter, map: \"PV1[Encounter]\", refs: { subject: Patient } }\n";

    std::string text() const {
        return "message/ADT_A01:\n  messages: [ADT^A01]\n  groups: " + groups + "\n  rows:\n" + message_rows +
               "\"segment/PV1[Encounter]\":\n"
               "  - { from: PV1-19, to: identifier.value }\n"
               "  - { to: status, value: in-progress }\n"
               "  - { from: PV1-2, to: class.code }\n"
               "\"segment/PID[Patient]\":\n" +
               rows + more;
    }
};

Tables tables() {
    config::Diagnostics none;
    config::Table namespaces;
    namespaces.name = "namespaces";
    namespaces.key = {"name"};
    namespaces.value = "uri";
    Tables out;
    out["namespaces"] = Table::parse("name,uri\nHOSP,urn:oid:1.2.3\n", namespaces, none);
    return out;
}

std::shared_ptr<mapping::FhirMaps const> compiled(Maps const& maps) {
    config::Diagnostics diagnostics;
    auto made = mapping::read_fhir_maps({{"test", maps.text()}}, tables(), diagnostics);
    REQUIRE_MESSAGE(made, diagnostics.text());
    return made;
}

std::string wrong(std::string const& rows, std::string const& more = {}) {
    config::Diagnostics diagnostics;
    auto const made = mapping::read_fhir_maps({{"test", Maps{rows, more}.text()}}, tables(), diagnostics);
    CHECK(!made);
    return diagnostics.text();
}

mapping::FhirBundle mapped(Maps const& maps, std::string const& segments, mapping::FhirOptions options = {}) {
    auto const compiled_maps = compiled(maps);
    auto const message = hl7::Message::parse(header + segments);
    REQUIRE(message.has_value());
    options.lost_max = 100;
    auto made = mapping::to_fhir(*compiled_maps, options, *message, nullptr);
    REQUIRE_MESSAGE(made.has_value(), made.error().text());
    return std::move(*made);
}

// The JSON of the first resource, without its id.
std::string resource(mapping::FhirBundle const& made, std::size_t number = 1) {
    std::size_t at = 0;
    for (std::size_t i = 0; i < number; ++i) at = made.json.find("\"resource\":", at + 1);
    REQUIRE(at != std::string::npos);
    at = made.json.find(',', made.json.find("\"id\":\"", at)) + 1;
    auto const end = made.json.find("},\"request\"", at);
    return made.json.substr(at, end - at);
}

std::string patient(std::string const& rows, std::string const& pid, std::string const& more = {}) {
    return resource(mapped({rows, more}, pid));
}

std::vector<std::string> ids(mapping::FhirBundle const& made) {
    std::vector<std::string> out;
    for (auto at = made.json.find("urn:uuid:"); at != std::string::npos;
         at = made.json.find("\"fullUrl\":\"urn:uuid:", at + 1)) {
        auto const begin = made.json.find("urn:uuid:", at) + 9;
        out.push_back(made.json.substr(begin, 36));
    }
    return out;
}

}  // namespace

TEST_CASE("each repetition makes an item, and a field without a value makes nothing") {
    std::string const rows = "  - { from: PID-5, to: name, map: \"XPN[HumanName]\" }\n";
    std::string const xpn =
        "\"datatype/XPN[HumanName]\":\n  - { from: .1, to: family }\n  - { from: .2, to: given }\n  - { "
        "from: .3, to: given }\n";
    CHECK(patient(rows, "PID|1||||A^B^C~~\"\"~D\r", xpn) ==
          R"("name":[{"family":"A","given":["B","C"]},{"family":"D"}])");
    CHECK(patient(rows + "  - { from: PID-8, to: gender }\n", "PID|1||||^^|||male\r", xpn) ==
          R"("gender":"male")");
}

TEST_CASE("equal items are one") {
    std::string const rows =
        "  - { from: PID-3, to: identifier, rows: [ { from: .1, to: value } ] }\n"
        "  - { from: PID-2, to: identifier, rows: [ { from: .1, to: value } ] }\n";
    CHECK(patient(rows, "PID|1|7|7~8~7\r") == R"("identifier":[{"value":"7"},{"value":"8"}])");
}

TEST_CASE("the first wins where FHIR has room for one, and the rest is lost") {
    Maps const maps{"  - { from: PID-8, to: gender }\n  - { from: PID-9, to: gender }\n", ""};
    auto const made = mapped(maps, "PID|1|||||||male|female\r");
    CHECK(resource(made) == R"("gender":"male")");
    CHECK(made.lost.paths == std::vector<std::string>{"PID-9"});
    CHECK(resource(mapped(maps, "PID|1||||||||female\r")) == R"("gender":"female")");
}

TEST_CASE("a choice of types is made once") {
    std::string const rows =
        "  - { from: PID-29, to: deceasedDateTime }\n  - { from: PID-30, to: deceasedBoolean }\n";
    std::string const pid = "PID|" + std::string(28, '|');
    CHECK(patient(rows, pid + "20260101|Y\r") == R"("deceasedDateTime":"2026-01-01")");
    CHECK(patient(rows, pid + "|Y\r") == R"("deceasedBoolean":true)");
}

TEST_CASE("numbers in brackets tell items apart; without one each row makes its own") {
    CHECK(patient("  - { from: PID-19, to: \"identifier[4].value\" }\n"
                  "  - { from: PID-19, to: \"identifier[4].system\", value: \"urn:ssn\" }\n"
                  "  - { from: PID-2, to: \"identifier[1].value\" }\n",
                  "PID|1|2|||||||||||||||||19\r") ==
          R"("identifier":[{"value":"19","system":"urn:ssn"},{"value":"2"}])");
    CHECK(patient("  - { from: PID-15, to: communication.language.text }\n", "PID|1||||||||||||||de~en\r") ==
          R"("communication":[{"language":{"text":"de"}},{"language":{"text":"en"}}])");
}

TEST_CASE("extensions are found by their URL, below primitives too") {
    CHECK(
        patient("  - { from: PID-7, to: birthDate }\n"
                "  - { from: PID-7, when: \"PID-7.length() > 8\", to: "
                "\"birthDate.extension('urn:t').valueDateTime\" }\n"
                "  - { from: PID-6, to: \"extension('urn:m').valueString\" }\n"
                "  - { from: PID-26, to: \"extension('urn:c').extension('code').valueString\" }\n",
                "PID|1|||||M|196106150830|||||||||||||||||||DE\r") ==
        R"("birthDate":"1961-06-15","_birthDate":{"extension":[{"url":"urn:t","valueDateTime":"1961-06-15T08:30:00+01:00"}]},)"
        R"("extension":[{"url":"urn:m","valueString":"M"},{"url":"urn:c","extension":[{"url":"code","valueString":"DE"}]}])");
}

TEST_CASE("a primitive of a list may have nothing but an extension") {
    std::string const rows =
        "  - from: PID-11\n    to: address\n    rows:\n"
        "      - { from: .1, to: \"line[1]\" }\n"
        "      - { from: .2, to: \"line[2].extension('urn:x').valueString\" }\n";
    CHECK(
        patient(rows, "PID|1||||||||||A^B\r") ==
        R"("address":[{"line":["A",null],"_line":[null,{"extension":[{"url":"urn:x","valueString":"B"}]}]}])");
}

TEST_CASE("constants alone make nothing") {
    std::string const rows =
        "  - { from: PID-3, to: identifier, rows: [ { from: .9, to: value }, { to: system, value: \"urn:x\" "
        "} ] }\n"
        "  - { from: PID-8, to: gender }\n";
    CHECK(patient(rows, "PID|1||3|||||male\r") == R"("gender":"male")");
}

TEST_CASE("times get the zone they say, else that of MSH-7, else the configured one") {
    std::string const rows = "  - { from: PID-29, to: deceasedDateTime }\n";
    auto const time = [&](std::string const& hl7) {
        return patient(rows, "PID|" + std::string(28, '|') + hl7 + "\r");
    };
    CHECK(time("20260102") == R"("deceasedDateTime":"2026-01-02")");
    CHECK(time("202601") == R"("deceasedDateTime":"2026-01")");
    CHECK(time("2026010203") == R"("deceasedDateTime":"2026-01-02T03:00:00+01:00")");
    CHECK(time("20260102030405.25-0500") == R"("deceasedDateTime":"2026-01-02T03:04:05.25-05:00")");
    for (auto const* const bad :
         {"20261302", "2026-01-02", "202601021", "20260102030405.", "20260102+01", "x"}) {
        CAPTURE(bad);
        Maps const maps{rows + "  - { to: active, value: \"true\" }\n  - { from: PID-1, to: language }\n",
                        ""};
        auto const made = mapped(maps, "PID|1" + std::string(28, '|') + bad + "\r");
        CHECK(resource(made).find("deceased") == std::string::npos);
        REQUIRE(made.findings.size() == 1);
        CHECK(made.findings.front().code == "bad_value");
        CHECK(made.findings.front().text().find(bad) == std::string::npos);
    }
}

TEST_CASE("numbers and booleans are FHIR's") {
    std::string const rows = "  - { from: PID-25, to: multipleBirthInteger }\n";
    auto const number = [&](std::string const& hl7) {
        auto const made = mapped({rows + "  - { from: PID-1, to: language }\n", ""},
                                 "PID|1" + std::string(24, '|') + hl7 + "\r");
        return resource(made);
    };
    CHECK(number("2") == R"("multipleBirthInteger":2,"language":"1")");
    CHECK(number("+02") == R"("multipleBirthInteger":2,"language":"1")");
    CHECK(number("2.0") == R"("multipleBirthInteger":2,"language":"1")");
    CHECK(number("2.5") == R"("language":"1")");
    CHECK(number("two") == R"("language":"1")");
}

TEST_CASE("codes go through tables; what is in none is left out, held, passed or replaced") {
    std::string const table =
        "table/Sex:\n  rows:\n    M: male\n    A: { code: other, system: \"urn:s\", display: Ambiguous }\n";
    auto const sex = [&](std::string const& otherwise) {
        return "  - { from: PID-8, to: gender, table: Sex" + otherwise +
               " }\n  - { from: PID-1, to: language }\n";
    };
    CHECK(patient(sex(""), "PID|1|||||||M\r", table) == R"("gender":"male","language":"1")");
    CHECK(patient(sex(""), "PID|1|||||||X\r", table) == R"("language":"1")");
    CHECK(patient(sex(", otherwise: \"=unknown\""), "PID|1|||||||X\r", table) ==
          R"("gender":"unknown","language":"1")");
    // FHIR requires one of its own codes here.
    CHECK(patient(sex(", otherwise: pass"), "PID|1|||||||X\r", table) == R"("language":"1")");
    auto const maps = compiled({sex(", otherwise: hold"), table});
    auto const message = hl7::Message::parse(header + "PID|1|||||||SECRET\r");
    auto const held = mapping::to_fhir(*maps, {}, *message, nullptr);
    REQUIRE(!held.has_value());
    CHECK(held.error().code == "no_code");
    CHECK(held.error().text().find("SECRET") == std::string::npos);
    CHECK(held.error().text().find("PID-8 > gender") != std::string::npos);
}

TEST_CASE("a table gives the first coding of a concept its code, system and display") {
    std::string const more =
        "table/Marital:\n  system: \"urn:m\"\n  rows:\n    M: { code: M, display: Married }\n"
        "\"datatype/CWE[CodeableConcept]\":\n  - { from: .1, to: \"coding[1].code\" }\n  - { from: .2, to: "
        "text }\n";
    std::string const rows =
        "  - { from: PID-16, to: maritalStatus, map: \"CWE[CodeableConcept]\", table: Marital }\n";
    CHECK(patient(rows, "PID|1|||||||||||||||M^wed\r", more) ==
          R"("maritalStatus":{"coding":[{"code":"M","system":"urn:m","display":"Married"}],"text":"wed"})");
    CHECK(patient(rows, "PID|1|||||||||||||||Q^odd\r", more) ==
          R"("maritalStatus":{"coding":[{"code":"Q"}],"text":"odd"})");
}

TEST_CASE("what lacks an element that FHIR requires is left out, and so are references to it") {
    // Encounter.class is required.
    Maps maps{"  - { from: PID-3, to: identifier, rows: [ { from: ., to: value } ] }\n", ""};
    maps.message_rows +=
        "    - { segment: PV1, into: Patient, map: \"PV1[Patient]\", refs: { generalPractitioner: Encounter "
        "} }\n";
    maps.more = "\"segment/PV1[Patient]\":\n  - { from: PV1-19, to: language }\n";
    auto const made = mapped(maps, "PID|1||7\rPV1|1||||||||||||||||||V1\r");
    CHECK(made.entries == 1);
    CHECK(made.json.find("Encounter") == std::string::npos);
    CHECK(made.json.find("generalPractitioner") == std::string::npos);
    REQUIRE(made.findings.size() == 1);
    CHECK(made.findings.front().row == "Encounter.class");
}

TEST_CASE("the same thing has the same id in every message, another has another") {
    Maps const maps{
        "  - { from: PID-3, to: identifier, rows: [ { from: .1, to: value }, { from: .4, to: system, table: "
        "namespaces } ] }\n"
        "  - { from: PID-8, to: gender }\n",
        ""};
    auto const id = [&](std::string const& pid) { return ids(mapped(maps, pid)).front(); };
    auto const first = id("PID|1||7^^^HOSP|||||male\r");
    CHECK(first == id("PID|1||7^^^HOSP|||||female\r"));
    CHECK(first != id("PID|1||8^^^HOSP|||||male\r"));
    // Without a system it is known by who sends it; a number of nobody's is not that of the hospital.
    CHECK(first != id("PID|1||7|||||male\r"));
    // No number: by all that is known.
    CHECK(id("PID|1|||||||male\r") == id("PID|1|||||||male\r"));
    CHECK(id("PID|1|||||||male\r") != id("PID|1|||||||female\r"));
}

TEST_CASE("two of one identifier in a message are one where they last, and two where they happen") {
    Maps maps{"  - { from: PID-3, to: identifier.value }\n  - { from: PID-8, to: gender }\n", ""};
    maps.message_rows =
        "    - { segment: PID, to: Patient, map: \"PID[Patient]\" }\n"
        "    - { segment: OBX, to: Observation, map: \"OBX[Observation]\", identity: [Patient, OBX-3] }\n";
    maps.more =
        "\"segment/OBX[Observation]\":\n  - { to: status, value: final }\n  - { from: OBX-3, to: code.text "
        "}\n"
        "  - { from: OBX-5, to: valueString }\n";
    auto const made =
        mapped(maps, "PID|1||7\rOBX|1|ST|A||x\rOBX|2|ST|A||y\rOBX|3|ST|A||x\rPID|2||7|||||male\r");
    // One patient with what both say; two results that differ, and one that is said twice.
    CHECK(made.entries == 3);
    CHECK(made.json.find(R"("identifier":[{"value":"7"}],"gender":"male")") != std::string::npos);
    auto const again =
        mapped(maps, "PID|1||7\rOBX|1|ST|A||x\rOBX|2|ST|A||y\rOBX|3|ST|A||x\rPID|2||7|||||male\r");
    CHECK(made.json == again.json);
}

TEST_CASE("references: to the present one, from another, and not to those of a group that is over") {
    Maps maps{"  - { from: PID-3, to: identifier.value }\n", ""};
    maps.groups = "{ patient: [PID], order: [ORC, OBR] }";
    maps.message_rows =
        "    - { segment: PID, to: Patient, map: \"PID[Patient]\" }\n"
        "    - { segment: ORC, to: ServiceRequest, map: \"ORC[ServiceRequest]\", refs: { subject: Patient } "
        "}\n"
        "    - { segment: OBR, into: ServiceRequest, map: \"OBR[ServiceRequest]\", refs: { subject: Patient "
        "} }\n"
        "    - { segment: OBR, to: DiagnosticReport, map: \"OBR[DiagnosticReport]\", refs: { subject: "
        "Patient, basedOn: ServiceRequest } }\n"
        "    - { segment: OBX, to: Observation, map: \"OBX[Observation]\", refs: { DiagnosticReport.result: "
        "Observation } }\n";
    maps.more =
        "\"segment/ORC[ServiceRequest]\":\n  - { from: ORC-2, to: identifier.value }\n  - { to: status, "
        "value: active }\n"
        "  - { to: intent, value: order }\n"
        "\"segment/OBR[ServiceRequest]\":\n  - { from: OBR-2, to: identifier.value }\n  - { from: OBR-4, to: "
        "code.text }\n"
        "  - { to: status, value: active }\n  - { to: intent, value: order }\n"
        "\"segment/OBR[DiagnosticReport]\":\n  - { from: OBR-4, to: code.text }\n  - { to: status, value: "
        "final }\n"
        "\"segment/OBX[Observation]\":\n  - { to: status, value: final }\n  - { from: OBX-3, to: code.text "
        "}\n";
    auto const made = mapped(maps,
                             "PID|1||7\rORC|RE|P1\rOBR|1|P1||glucose\rOBX|1|ST|a\rOBX|2|ST|b\r"
                             "OBR|2|P2||sodium\rOBX|1|ST|c\rPID|2||8\rOBR|3|P3||zinc\r");
    // 2 patients, 3 orders, 3 reports, 3 results
    CHECK(made.entries == 11);
    auto const read = fhir::Resource::read_json(made.json);
    REQUIRE(read.has_value());
    std::vector<std::size_t> results;
    for (auto entry = read->root().child("entry"); entry.exists(); entry = entry.next()) {
        auto const report = entry.child("resource");
        if (report.resource_type() != "DiagnosticReport") continue;
        std::size_t count = 0;
        for (auto e = report.child("result"); e.exists() && e.name() == "result"; e = e.next()) ++count;
        results.push_back(count);
        CHECK(report.child("basedOn").exists());
    }
    CHECK(results == std::vector<std::size_t>{2, 1, 0});
}

TEST_CASE("a row behind another segment counts only there") {
    Maps maps{"  - { from: PID-3, to: identifier.value }\n", ""};
    maps.message_rows =
        "    - { segment: PID, to: Patient, map: \"PID[Patient]\" }\n"
        "    - { segment: NTE, after: PID, into: Patient, map: \"NTE[Patient]\" }\n"
        "    - { segment: NTE, after: PV1, into: Patient, map: \"NTE[Patient-Visit]\" }\n";
    maps.more =
        "\"segment/NTE[Patient]\":\n  - { from: NTE-3, to: \"extension('urn:p').valueString\" }\n"
        "\"segment/NTE[Patient-Visit]\":\n  - { from: NTE-3, to: \"extension('urn:v').valueString\" }\n";
    CHECK(
        resource(mapped(maps, "PID|1||7\rNTE|1||a\rPV1|1\rNTE|1||b\r")) ==
        R"("identifier":[{"value":"7"}],"extension":[{"url":"urn:p","valueString":"a"},{"url":"urn:v","valueString":"b"}])");
}

TEST_CASE("what no row carries is listed, component by component, Z-segments too") {
    Maps const maps{"  - { from: PID-3, to: identifier, rows: [ { from: .1, to: value } ] }\n", ""};
    auto const made = mapped(maps, "PID|1|5|7^^^HOSP&1.2&ISO~8^x\rZPD|a^b|\"\"\r");
    CHECK(made.lost.paths == std::vector<std::string>{"PID-2", "PID-3.4.1", "PID-3.4.2", "PID-3.4.3",
                                                      "PID-3[2].2", "ZPD-1.1", "ZPD-1.2"});
    CHECK(made.lost.values == 9);
    mapping::FhirOptions options;
    options.lost_ignore = {"ZPD", "PID-2"};
    CHECK(mapped(maps, "PID|1|5|7^^^HOSP&1.2&ISO~8^x\rZPD|a^b|\"\"\r", options).lost.paths.size() == 4);
}

TEST_CASE("a trace says of each element what made it") {
    Maps const maps{
        "  - { from: PID-3, to: identifier, rows: [ { from: .1, to: value }, { to: use, value: usual } ] }\n",
        ""};
    mapping::FhirOptions options;
    options.trace = true;
    auto const made = mapped(maps, "PID|1||7~8^x\r", options);
    REQUIRE(made.traces.size() == 4);
    CHECK(made.traces[2].element.ends_with(".identifier[1].value"));
    CHECK(made.traces[2].place == "PID-3[2].1");
    CHECK(made.traces[2].value == "8");
    CHECK(made.traces[2].row.find("segment/PID[Patient]") == 0);
    CHECK(made.traces[3].place.empty());
}

TEST_CASE("a site's files come on top: rows first, behind, away; codes too") {
    config::Diagnostics diagnostics;
    Maps const maps{"  - { from: PID-8, to: gender, table: Sex }\n  - { from: PID-9, to: language }\n",
                    "table/Sex:\n  rows: { M: male, X: other }\n"};
    std::string const site =
        "\"segment/PID[Patient]\":\n"
        "  remove: [ { from: PID-9 } ]\n"
        "  first: [ { from: PID-30, to: active } ]\n"
        "  add: [ { from: ZPD-1, to: \"extension('urn:z').valueString\" } ]\n"
        "table/Sex:\n  rows: { W: female, X: ~ }\n";
    auto const made = mapping::read_fhir_maps({{"guide", maps.text()}, {"site", site}}, {}, diagnostics);
    REQUIRE_MESSAGE(made, diagnostics.text());
    auto const run = [&](std::string const& pid) {
        auto const message = hl7::Message::parse(header + pid);
        return resource(*mapping::to_fhir(*made, {}, *message, nullptr));
    };
    CHECK(run("PID|1|||||||W|de" + std::string(21, '|') + "Y\rZPD|z\r") ==
          R"("active":true,"gender":"female","extension":[{"url":"urn:z","valueString":"z"}])");
    CHECK(run("PID|1|||||||X|" + std::string(21, '|') + "N\r") == R"("active":false)");
}

TEST_CASE("what is wrong with a map is told where it stands") {
    CHECK(wrong("  - { from: PID-8, to: gendre }\n")
              .find("Patient has no element \"gendre\"; did you mean \"gender\"?") != std::string::npos);
    CHECK(wrong("  - { from: PID-8, to: name }\n").find("name is a HumanName, no text") != std::string::npos);
    CHECK(wrong("  - { from: PID-8, to: gender, map: \"CWE[code]\" }\n")
              .find("there is no map \"datatype/CWE[code]\"") != std::string::npos);
    CHECK(wrong("  - { from: PID-8, to: gender, table: Sexes }\n").find("there is no table \"Sexes\"") !=
          std::string::npos);
    CHECK(wrong("  - { to: gender }\n").find("does not say what goes there") != std::string::npos);
    CHECK(wrong("  - { from: PID, to: gender }\n").find("PID is a whole segment") != std::string::npos);
    CHECK(wrong("  - { from: PID-8, when: \".2.exists()\", to: gender }\n")
              .find("\"PID-8 > gender\" reads a part of a field, and its map is run on a segment") !=
          std::string::npos);
    CHECK(wrong("  - { from: PID-8, when: \"PID-8 ==\", to: gender }\n").find("test:") != std::string::npos);
    CHECK(wrong("  - { from: PID-5, to: name, map: \"X[HumanName]\" }\n",
                "\"datatype/X[HumanName]\":\n  - { from: ., to: $this, map: \"X[HumanName]\" }\n")
              .find("leads back to itself") != std::string::npos);
    CHECK(wrong("  - { from: PID-8, to: gender, otherwise: perhaps }\n")
              .find("\"perhaps\" is not known here") != std::string::npos);
}

TEST_CASE("the guide's maps compile, and make valid FHIR of an admission, the same each time") {
    config::Diagnostics diagnostics;
    auto const maps = mapping::read_fhir_maps(mapping::guide_files(), {}, diagnostics);
    REQUIRE_MESSAGE(maps, diagnostics.text());
    auto const message = hl7::Message::parse(
        header +
        "PID|1||PATID1234^5^M11^GHH&1.2.3.4.5&ISO^MR||Everyman^Adam^A^III^Dr^^L||19610615|M|||2222 Home "
        "Street^^Greensboro^NC"
        "^27401-1020^USA^H||^PRN^PH^^1^555^5552004|||M^Married^HL70002\r"
        "PV1|1|I|2000^2012^01^GHH||||004777^Attend^Aaron^A^^Dr^MD|||||||||||VN1234^^^GHH&1.2.3.4.5&ISO^VN\r");
    for (auto const type :
         {mapping::BundleType::transaction, mapping::BundleType::message, mapping::BundleType::collection}) {
        mapping::FhirOptions options;
        options.bundle = type;
        options.provenance = true;
        auto const made = mapping::to_fhir(*maps, options, *message, nullptr);
        REQUIRE_MESSAGE(made.has_value(), made.error().text());
        auto const read = fhir::Resource::read_json(made->json);
        REQUIRE(read.has_value());
        for (auto const& finding : fhir::validate(read->root(), {}))
            CHECK_MESSAGE(!fhir::refuses({&finding, 1}), finding.location << ": " << finding.text);
        CHECK(mapping::to_fhir(*maps, options, *message, nullptr)->json == made->json);
    }
}

TEST_CASE("a finding within the map of a datatype names the field that it came from") {
    Maps const maps{"  - { from: PID-11, to: address, map: \"XAD[Address]\" }\n",
                    "\"datatype/XAD[Address]\":\n  - { from: .1, to: line }\n"
                    "  - { from: .7, to: use, table: Use }\n  - { from: .12.1, to: period.start }\n"
                    "table/Use:\n  rows: { H: home }\n"};
    auto const made = mapped(maps, "PID|1||||||||||A^^^^^^H~B^^^^^^Q^^^^^soon\r");
    REQUIRE(made.findings.size() == 2);
    CHECK(made.findings[0].place == "PID-11[2].7");
    CHECK(made.findings[0].row == "datatype/XAD[Address]: .7 > use");
    CHECK(made.findings[1].place == "PID-11[2].12.1");
}

TEST_CASE("what is wrong with an element is said once, with the names that FHIR has") {
    CHECK(wrong("  - { from: PID-29, to: deceased }\n") ==
          "test:12:25: error: Patient has no element \"deceased\" but one for each type; known elements: "
          "deceasedBoolean, deceasedDateTime\n");
}
