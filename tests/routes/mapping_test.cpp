// FHIR to HL7 v2 by maps: what each row does, what is wrong with a map, what is wrong with a resource.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "parsers/hl7/message.h"
#include "routes/mapping/to_hl7.h"

using namespace hilum;
using namespace hilum::routes;
using mapping::MapSet;
namespace fs = std::filesystem;

namespace {

Tables tables() {
    config::Diagnostics none;
    config::Table sex;
    sex.name = "sex";
    sex.key = {"from"};
    sex.value = "to";
    Tables out;
    out["sex"] = Table::parse("from,to\nmale,M\nfemale,F\n", sex, none);
    REQUIRE_MESSAGE(out["sex"], none.text());
    return out;
}

std::shared_ptr<MapSet const> compiled(std::string const& yaml) {
    config::Diagnostics diagnostics;
    auto const known = tables();
    auto maps = mapping::read_maps(yaml, "map.yaml", known, diagnostics);
    REQUIRE_MESSAGE(maps, diagnostics.text());
    return maps;
}

std::string const head = "message: ADT^A31^ADT_A05\nof: Patient\nrows:\n";
constexpr std::int64_t now = 1'767'323'045'000'000;  // 2026-01-02T03:04:05Z

std::string patient(std::string const& content) {
    return R"({"resourceType":"Patient")" + (content.empty() ? "" : "," + content) + "}";
}

Result<std::string> made(std::string const& rows, std::string const& json) {
    auto const interaction = fhir::Interaction::read(json);
    REQUIRE_MESSAGE(interaction.has_value(), json);
    return mapping::to_hl7(*compiled(head + rows), *interaction, now, nullptr);
}

// What follows the MSH segment.
std::string body(std::string const& rows, std::string const& json) {
    auto const message = made(rows, json);
    if (!message) return "error " + message.error().code + " at " + message.error().place;
    auto text = message->substr(message->find('\r') + 1);
    std::replace(text.begin(), text.end(), '\r', '\n');
    return text;
}

}  // namespace

TEST_CASE("maps: what rows put where") {
    struct Case {
        std::string rows, content, segments;
    };
    Case const cases[] = {
        {"- { to: PID-8, from: gender }", R"("gender":"male")", "PID|1|||||||male\n"},
        {"- { to: PID-8, from: gender, table: sex }", R"("gender":"male")", "PID|1|||||||M\n"},
        {"- { to: PID-8, from: gender, table: sex, otherwise: pass }", R"("gender":"other")",
         "PID|1|||||||other\n"},
        {"- { to: PID-8, from: gender, table: sex, otherwise: '=U' }", R"("gender":"other")",
         "PID|1|||||||U\n"},
        // Times and booleans are written as HL7 v2 does.
        {"- { to: PID-7, from: birthDate }", R"("birthDate":"1980-02")", "PID|1||||||198002\n"},
        {"- { to: PID-29, from: deceased }", R"("deceasedDateTime":"2026-01-02T03:04:05.678+01:00")",
         "PID|1||||||||||||||||||||||||||||20260102030405.678+0100\n"},
        {"- { to: PID-30, from: deceased }", R"("deceasedBoolean":true)",
         "PID|1|||||||||||||||||||||||||||||Y\n"},
        {"- { to: EVN-2, value: =now() }", R"("active":true)", "EVN||20260102030405.000+0000\n"},
        {"- { to: EVN-2, value: =today() }", R"("active":true)", "EVN||20260102\n"},
        // Several items become repetitions; rows for one field add to each other.
        {"- { to: PID-13, from: telecom.value }", R"("telecom":[{"value":"1"},{"value":"2"}])",
         "PID|1||||||||||||1~2\n"},
        {"- { to: PID-13, from: \"telecom.where(use = 'home').value\" }\n- { to: PID-13, value: x }",
         R"("telecom":[{"use":"home","value":"1"}])", "PID|1||||||||||||1~x\n"},
        {"- { to: PID-5.2, from: name.given, join: ' ' }", R"("name":[{"given":["A","B"]}])",
         "PID|1||||^A B\n"},
        // Text is text: what HL7 v2 gives a meaning is escaped.
        {"- { to: PID-5.1, from: name.family }", R"("name":[{"family":"O^N|e&~\\"}])",
         "PID|1||||O\\S\\N\\F\\e\\T\\\\R\\\\E\\\n"},
        {"- { to: PID-3.4.2, value: 1.2.3 }", R"("active":true)", "PID|1||^^^&1.2.3\n"},
        {"- { to: PID-8, value: M, when: active = true }\n- { to: PID-30, value: N }", R"("active":false)",
         "PID|1|||||||||||||||||||||||||||||N\n"},
        // Maps: of a field for each item, of a component, of a segment.
        {"- { to: PID-3, from: identifier, map: cx }\nmaps:\n  cx:\n  - { to: .1, from: value }\n"
         "  - { to: .4, from: system, map: hd }\n  hd:\n  - { to: .2, from: $this }\n  - { to: .3, value: "
         "URI }",
         R"("identifier":[{"system":"urn:a","value":"1"},{"value":"2"},{"use":"old"}])",
         "PID|1||1^^^&urn:a&URI~2\n"},
        {"- { to: PID, map: pid }\n- { to: NK1, from: contact, map: nk1 }\nmaps:\n  pid:\n  - { to: PID-8, "
         "from: gender }\n"
         "  nk1:\n  - { to: NK1-2, from: name, map: xpn }\n  xpn:\n  - { to: .1, from: family }",
         R"("gender":"male","contact":[{"name":{"family":"A"}},{"gender":"male"},{"name":{"family":"B"}}])",
         "PID|1|||||||male\nNK1|1|A\nNK1|2|B\n"},
        {"- { to: NK1, from: contact, map: nk1 }\nmaps:\n  nk1:\n  - { to: NK1-1, value: '7' }",
         R"("contact":[{"gender":"male"}])", "NK1|7\n"},
        {"- { to: MSH, map: msh }\n- { to: PID-8, from: gender }\nmaps:\n  msh:\n  - { to: MSH-3, value: HUB "
         "}",
         R"("gender":"male")", "PID|1|||||||male\n"},
        // The segments of a group stand together; a field there is one of the group's own segment.
        {"- { to: INSURANCE, from: contact, map: g }\nmaps:\n  g:\n  - { to: IN1, map: in1 }\n  - { to: "
         "IN2-2, from: gender }\n"
         "  in1:\n  - { to: IN1-4, from: name.family }",
         R"("contact":[{"name":{"family":"A"},"gender":"male"},{"name":{"family":"B"},"gender":"female"}])",
         "IN1|1|||A\nIN2||male\nIN1|2|||B\nIN2||female\n"},
    };
    for (auto const& c : cases) CHECK_MESSAGE(body(c.rows, patient(c.content)) == c.segments, c.rows);
}

TEST_CASE("maps: the header") {
    auto const message = made("- { to: MSH-3, value: HUB }\n- { to: PID-5.1, from: name.family }",
                              patient(R"("name":[{"family":"Müller"}])"));
    REQUIRE(message.has_value());
    auto const read = hl7::Message::view(*message);
    REQUIRE(read.has_value());
    auto const field = [&](std::string const& path) {
        std::string scratch;
        return std::string(read->text(*hl7::Path::parse(path), scratch));
    };
    CHECK(field("MSH-3") == "HUB");
    CHECK(field("MSH-7") == "20260102030405+0000");
    CHECK(field("MSH-9.3") == "ADT_A05");
    CHECK(field("MSH-10").size() == 18);
    CHECK(field("MSH-11") == "P");
    CHECK(field("MSH-12") == "2.5.1");
    CHECK(field("MSH-18") == "UNICODE UTF-8");
    CHECK(field("PID-5.1") == "Müller");
    // The same again, a moment later, is another message.
    auto const interaction = fhir::Interaction::read(patient(R"("gender":"male")"));
    auto const maps = compiled(head + "- { to: PID-8, from: gender }");
    auto const first = mapping::to_hl7(*maps, *interaction, now, nullptr);
    CHECK(*first == *mapping::to_hl7(*maps, *interaction, now, nullptr));
    CHECK(*first != *mapping::to_hl7(*maps, *interaction, now + 1, nullptr));
}

TEST_CASE("maps: what a resource can be wrong about") {
    struct Case {
        std::string rows, json, error;
    };
    Case const cases[] = {
        {"- { to: PID-8, from: gender }", R"({"resourceType":"Group","type":"person","actual":true})",
         "error wrong_resource at "},
        {"- { to: PID-8, from: gender, table: sex }", patient(R"("gender":"other")"),
         "error no_code at row PID-8"},
        {"- { to: PID-5.2, from: name.given }", patient(R"("name":[{"given":["A","B"]}])"),
         "error several_values at row PID-5.2"},
        {"- { to: PID-3, from: identifier, map: cx }\nmaps:\n  cx:\n  - { to: .1, from: type.coding.code }",
         patient(R"("identifier":[{"type":{"coding":[{"code":"a"},{"code":"b"}]}}])"),
         "error several_values at row .1 of cx"},
        {"- { to: PID-3.4, from: identifier, map: hd }\nmaps:\n  hd:\n  - { to: .1, from: system }",
         patient(R"("identifier":[{"system":"a"},{"system":"b"}])"), "error several_values at row PID-3.4"},
        {"- { to: PID-8, from: gender }", patient(R"("active":true)"), "error nothing at "},
        {"- { to: PID-8, value: \"=name.given\" }", patient(R"("name":[{"given":["A","B"]}])"),
         "error not_singleton"},
        {"- { to: PID-8, value: M, when: name.given }", patient(R"("name":[{"given":["A","B"]}])"),
         "error not_singleton"},
    };
    for (auto const& c : cases) {
        auto const text = body(c.rows, c.json);
        CHECK_MESSAGE(text.starts_with(c.error), c.rows, ": ", text);
    }
}

TEST_CASE("maps: what a map can be wrong about") {
    struct Case {
        std::string yaml, said;
    };
    std::string const one = "- { to: PID-8, from: gender }\n";
    Case const cases[] = {
        {"message: ADT\nrows:\n" + one, "is no type of message"},
        {"message: ADT^A31\nversion: 3.0\nrows:\n" + one, "no version \"3.0\""},
        {"message: ADT^A31\nof: Patiend\nrows:\n" + one, "did you mean \"Patient\""},
        {"message: ADT^A31\nof: HumanName\nrows:\n" + one, "no resource \"HumanName\""},
        {head + "- { to: PID-5 }", "does not say what goes there"},
        {head + "- { from: gender }", "to"},
        {head + "- { to: PID-99, from: gender }", "PID has"},
        {head + "- { to: PIX-9, from: gender }", "no segment \"PIX\""},
        {head + "- { to: pid-9, from: gender }", "is no place in a message"},
        {head + "- { to: PID-0, from: gender }", "is no place in a message"},
        {head + "- { to: PID-5.1.2.3, from: gender }", "is no place in a message"},
        {head + "- { to: .1, from: gender }", "its places name a segment"},
        {head + "- { to: PID, from: gender }", "it takes a map"},
        {head + "- { to: INSURANCE, from: contact }", "it takes a map that makes its segments"},
        {head + "- { to: PID, map: p }\nmaps: { p: [ { to: INSURANCE, from: active, map: q } ] , q: [ { to: "
                "IN1-3, from: active } ] }",
         "groups stand in a message"},
        {head + "- { to: MSH-9, value: x }", "is written by Hilum itself"},
        {head + "- { to: PID-8, from: gendre }", "gendre"},
        {head + "- { to: PID-8, from: gender, value: x }", "a value is all there is"},
        {head + "- { to: PID-8, from: gender, otherwise: pass }", "there is none"},
        {head + "- { to: PID-8, from: gender, table: sexes }", "did you mean \"sex\""},
        {head + "- { to: PID-8, from: gender, table: sex, otherwise: drop }", "is not known here"},
        {head + "- { to: PID-3, from: identifier, map: cx }", "there is no map \"cx\""},
        {head + one + "maps: { cx: [ { to: .1, from: value } ] }", "no row names the map \"cx\""},
        {head + "- { to: PID-3, from: identifier, map: cx }\nmaps: { cx: { to: .1 } }", "is no list of rows"},
        {head + "- { to: PID-3, from: identifier, map: cx }\nmaps: { cx: [ { to: PID-3, from: value } ] }",
         "begin with a dot"},
        {head + "- { to: PID, map: p }\nmaps: { p: [ { to: NK1-3, from: active } ] }",
         "makes the segment PID"},
        {head + "- { to: PID-3, from: identifier, map: a }\nmaps: { a: [ { to: .4, map: a } ] }",
         "leads back to itself"},
        {head + "- { to: PID-3.1.1, from: identifier, map: a }\nmaps: { a: [ { to: .4, from: value } ] }",
         "is a subcomponent"},
        {head +
             "- { to: PID-3, from: identifier, map: a, join: x }\nmaps: { a: [ { to: .4, from: value } ] }",
         "no text that could be joined"},
        {head + "  []", "without rows"},
    };
    for (auto const& c : cases) {
        config::Diagnostics diagnostics;
        auto const known = tables();
        auto const maps = mapping::read_maps(c.yaml, "map.yaml", known, diagnostics);
        auto const text = diagnostics.text();
        CHECK_MESSAGE(text.find(c.said) != std::string::npos, c.yaml, "\nsaid: ", text);
        bool const only_warned = c.said.starts_with("no row names");
        CHECK_MESSAGE((maps != nullptr) == only_warned, c.yaml);
    }
}

TEST_CASE("maps: HL7's example patients become messages that read back") {
    fs::path const folder = HILUM_SOURCE "/tests/fhir/node_modules/hl7.fhir.r4.examples";
    if (!fs::exists(folder)) {
        MESSAGE("skipped: run `npm ci` in tests/fhir first (tests/run.sh does)");
        return;
    }
    config::Diagnostics diagnostics;
    Tables known = tables();
    known["authorities"] = known["sex"];
    auto const where = std::make_shared<std::string const>(HILUM_SOURCE "/examples/fhir-to-mllp/hilum.yaml");
    auto const maps = mapping::load_maps({"maps/patient-to-adt.yaml", {where, 1, 1}}, known, diagnostics);
    REQUIRE_MESSAGE(maps, diagnostics.text());
    std::size_t read = 0;
    for (auto const& entry : fs::directory_iterator(folder)) {
        auto const name = entry.path().filename().string();
        if (!name.starts_with("Patient-")) continue;
        std::ifstream file(entry.path());
        std::stringstream text;
        text << file.rdbuf();
        auto const patient_of = fhir::Interaction::read(text.str());
        if (!patient_of || patient_of->resource.type() != "Patient") continue;
        auto const message = mapping::to_hl7(*maps, *patient_of, now, nullptr);
        if (!message) {
            // The table of the test knows two.
            CHECK_MESSAGE(message.error().code == "no_code", name, ": ", message.error().text());
            continue;
        }
        ++read;
        auto const back = hl7::Message::view(*message);
        REQUIRE_MESSAGE(back.has_value(), name);
        std::string scratch;
        auto const family = patient_of->resource.root().child("name");
        if (family.exists() && !family.text_of("family").empty())
            CHECK_MESSAGE(back->text(*hl7::Path::parse("PID-5.1"), scratch) == family.text_of("family"),
                          name);
        CHECK(back->text(*hl7::Path::parse("PV1-2"), scratch) == "N");
    }
    CHECK(read > 10);
}
