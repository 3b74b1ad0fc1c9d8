// The maps from FHIR to HL7 v2 that come with Hilum: what docs/mapping-to-hl7.md says must survive does,
// there and back and back and there; what is made has no errors; a site's rows change them.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "parsers/hl7/message.h"
#include "parsers/hl7/validate.h"
#include "routes/expression/expression.h"
#include "routes/mapping/to_fhir.h"
#include "routes/mapping/to_hl7.h"

using namespace hilum;
using namespace hilum::routes;
using mapping::MapSet;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t now = 1'767'323'045'000'000;  // 2026-01-02T03:04:05Z

std::string read(fs::path const& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

std::shared_ptr<MapSet const> own(std::string const& name, std::string const& with = {}) {
    config::Diagnostics diagnostics;
    config::NameList files;
    if (!with.empty()) files.push_back({with, {}});
    auto maps = mapping::load_maps({name, {}}, {}, diagnostics, files);
    REQUIRE_MESSAGE(maps, name, ": ", diagnostics.text());
    return maps;
}

Result<std::string> made(MapSet const& maps, std::string const& json) {
    auto const interaction = fhir::Interaction::read(json);
    REQUIRE_MESSAGE(interaction.has_value(), json.substr(0, 200));
    return mapping::to_hl7(maps, *interaction, now, nullptr);
}

std::string to_fhir(hl7::Message const& message) {
    static auto const maps = [] {
        config::Diagnostics diagnostics;
        return mapping::read_fhir_maps(mapping::files_with({}, diagnostics), {}, diagnostics);
    }();
    mapping::FhirOptions options;
    options.now_us = now;
    options.bundle = mapping::BundleType::message;
    auto bundle = mapping::to_fhir(*maps, options, message, nullptr);
    REQUIRE_MESSAGE(bundle.has_value(), bundle.error().text());
    return bundle->json;
}

// What a message can't do without and the resource does not say, where a test allows for that.
bool not_said(hl7::Finding const& finding) {
    auto const place = finding.place.text();
    return place == "PID[1]-3" || place == "OBR[1]-7" || place == "SCH[1]-20";
}

std::string errors(std::string const& text, bool all = true) {
    static auto const rules = hl7::Rules::of(hl7::Dictionary::standard());
    auto const message = hl7::Message::view(text);
    if (!message) return message.error().text();
    std::string out;
    for (auto const& finding : hl7::validate(*message, rules).findings)
        // Table 0291 of 2.5.1 has no PDF, which is what is sent.
        if (finding.severity == 'E' && !(finding.rule == hl7::Rule::table && finding.number == 291) &&
            (all || !not_said(finding)))
            out += finding.place.text() + ": " + finding.text() + "\n";
    return out;
}

// "PID-3.1" of every segment and repetition.
std::string everywhere(std::string const& path) {
    auto const dash = path.find('-'), dot = path.find('.');
    return path.substr(0, dash) + "[*]" + path.substr(dash, dot - dash) + "[*]" + path.substr(dot);
}

std::vector<std::string> values(hl7::Message const& message, std::string const& path) {
    auto const expression = expression::Expression::compile(everywhere(path));
    REQUIRE_MESSAGE(expression.has_value(), path);
    expression::Context context;
    context.message = &message;
    auto items = expression->items(context);
    REQUIRE_MESSAGE(items.has_value(), path);
    for (auto& item : *items) {  // what stands around a value is no part of it
        item.erase(0, item.find_first_not_of(' '));
        item.erase(item.find_last_not_of(' ') + 1);
    }
    return *items;
}

std::string shown(std::vector<std::string> const& items) {
    std::string out;
    for (auto const& item : items) out += "[" + item + "]";
    return out;
}

// All that was there is there again, in its order.
bool comes_back(std::vector<std::string> const& had, std::vector<std::string> const& has) {
    std::size_t at = 0;
    for (auto const& item : has)
        if (at < had.size() && item == had[at]) ++at;
    return at == had.size();
}

struct Promise {
    std::string map, file;
    std::vector<std::string> kept;
};

// The rows of the table below `heading` in the documentation.
std::vector<Promise> promises(std::string const& heading) {
    std::istringstream text(read(HILUM_SOURCE "/docs/mapping-to-hl7.md"));
    std::vector<Promise> out;
    bool inside = false;
    for (std::string line; std::getline(text, line);) {
        if (line.starts_with("#")) inside = line == heading;
        if (!inside || !line.starts_with("| `")) continue;
        std::replace(line.begin(), line.end(), '`', ' ');
        std::vector<std::string> cells(1);
        for (char const c : line.substr(1))
            if (c == '|')
                cells.emplace_back();
            else
                cells.back() += c;
        Promise promise;
        std::istringstream(cells[0]) >> promise.map;
        std::istringstream(cells[1]) >> promise.file;
        std::istringstream kept(cells[2]);
        for (std::string path; kept >> path;) promise.kept.push_back(path);
        out.push_back(std::move(promise));
    }
    REQUIRE(!out.empty());
    return out;
}

void keeps(Promise const& promise, std::string text) {
    std::replace(text.begin(), text.end(), '\n', '\r');
    auto const before = hl7::Message::view(text);
    REQUIRE_MESSAGE(before.has_value(), promise.file);
    auto const back = made(*own(promise.map), to_fhir(*before));
    REQUIRE_MESSAGE(back.has_value(), promise.file, ": ", back.error().text());
    CHECK_MESSAGE(errors(*back).empty(), promise.file, ":\n", errors(*back), *back);
    auto const after = hl7::Message::view(*back);
    REQUIRE(after.has_value());
    for (auto const& path : promise.kept) {
        auto const had = values(*before, path), has = values(*after, path);
        CHECK_MESSAGE(!had.empty(), promise.file, " has no ", path);
        CHECK_MESSAGE(comes_back(had, has), promise.file, " ", path, ": ", shown(had), " ", shown(has));
    }
}

}  // namespace

TEST_CASE("maps to HL7 v2: all that come with Hilum can be used") {
    auto const names = mapping::own_hl7_maps();
    CHECK(names.size() > 15);
    for (auto const& name : names) own(name);
    config::Diagnostics diagnostics;
    CHECK(!mapping::load_maps({"fhir-to-v2/oru_r02", {}}, {}, diagnostics));
    CHECK(diagnostics.text().find("fhir-to-v2/oru_r01") != std::string::npos);
}

TEST_CASE("maps to HL7 v2: from v2 to FHIR and back, the guide's samples") {
    fs::path const folder = HILUM_SHARED "/v2-to-fhir/samples";
    if (!fs::exists(folder)) {
        MESSAGE("skipped: the samples of the guide are not here");
        return;
    }
    for (auto const& promise : promises("### The guide's samples"))
        keeps(promise, read(folder / promise.file));
}

TEST_CASE("maps to HL7 v2: from v2 to FHIR and back, messages of our own") {
    for (auto const& promise : promises("### Messages of our own"))
        keeps(promise, read(fs::path(HILUM_TEST_DATA "/to-hl7") / promise.file));
}

TEST_CASE("maps to HL7 v2: from FHIR to v2 and back") {
    for (auto const& promise : promises("### From FHIR to HL7 v2 and back")) {
        auto const json = read(fs::path(HILUM_TEST_DATA "/to-hl7") / promise.file);
        auto const text = made(*own(promise.map), json);
        REQUIRE_MESSAGE(text.has_value(), promise.file, ": ", text.error().text());
        CHECK_MESSAGE(errors(*text, false).empty(), promise.file, ":\n", errors(*text, false), *text);
        auto const message = hl7::Message::view(*text);
        auto const back = to_fhir(*message);
        auto const before = fhir::Interaction::read(json), after = fhir::Interaction::read(back);
        REQUIRE_MESSAGE((before.has_value() && after.has_value()), promise.file);
        for (auto const& path : promise.kept) {
            auto const dot = path.find('.');
            expression::Options options;
            options.fhir = true;
            auto const expression = expression::Expression::compile(
                "%resources.ofType(" + path.substr(0, dot) + ")" + path.substr(dot), options);
            REQUIRE_MESSAGE(expression.has_value(), path, ": ", expression.error().text());
            expression::Context a, b;
            a.resource = &before->resource;
            b.resource = &after->resource;
            auto const had = expression->items(a), has = expression->items(b);
            REQUIRE_MESSAGE((had.has_value() && has.has_value()), path);
            CHECK_MESSAGE(!had->empty(), promise.file, " has no ", path);
            CHECK_MESSAGE(*had == *has, promise.file, " ", path, ": ", shown(*had), " ", shown(*has), "\n",
                          *text);
        }
    }
}

TEST_CASE("maps to HL7 v2: HL7's examples become messages without errors") {
    fs::path const folder = HILUM_SOURCE "/tests/fhir/node_modules/hl7.fhir.r4.examples";
    if (!fs::exists(folder)) {
        MESSAGE("skipped: run `npm ci` in tests/fhir first (tests/run.sh does)");
        return;
    }
    std::pair<std::string, std::string> const kinds[] = {
        {"Patient-", "adt_a01"},          {"Patient-", "adt_a31"},     {"Patient-", "adt_a03"},
        {"DiagnosticReport-", "oru_r01"}, {"Observation-", "oru_r01"}, {"ServiceRequest-", "oml_o21"},
        {"ServiceRequest-", "orm_o01"},   {"Appointment-", "siu_s12"}, {"Immunization-", "vxu_v04"},
        {"DocumentReference-", "mdm_t02"}};
    for (auto const& [begin, name] : kinds) {
        auto const maps = own("fhir-to-v2/" + name);
        std::size_t read_count = 0;
        for (auto const& entry : fs::directory_iterator(folder)) {
            auto const file = entry.path().filename().string();
            if (!file.starts_with(begin)) continue;
            auto const text = made(*maps, read(entry.path()));
            CHECK_MESSAGE(text.has_value(), file, ": ", text.error().text());
            if (!text) continue;
            ++read_count;
            // Some are about a patient without a number, or a result without a time.
            auto const wrong = errors(*text, false);
            // Some examples are about nobody: there is nothing to make a PID of.
            if (text->find("\rPID|") == std::string::npos) continue;
            CHECK_MESSAGE(wrong.empty(), file, " by ", name, ":\n", wrong, *text);
        }
        CHECK(read_count > 0);
    }
}

TEST_CASE("maps to HL7 v2: results of two patients never make one message") {
    auto const patient = [](std::string const& id) {
        return R"({"resource":{"resourceType":"Patient","id":")" + id + R"("}})";
    };
    auto const text =
        made(*own("fhir-to-v2/oru_r01"), R"({"resourceType":"Bundle","type":"collection","entry":[)" +
                                             patient("a") + "," + patient("b") + "]}");
    REQUIRE(!text.has_value());
    CHECK(text.error().place.find("PID") != std::string::npos);
}

TEST_CASE("maps to HL7 v2: a site's rows") {
    auto const file = fs::temp_directory_path() / "hilum-test-map.yaml";
    std::string const json =
        R"({"resourceType":"Patient","identifier":[{"system":"urn:oid:1.2.3","value":"1"}],"gender":"male",)"
        R"("birthDate":"1980-02-03"})";
    struct Case {
        std::string yaml, found, missing;
    };
    Case const cases[] = {
        {"rows: { add: [ { to: MSH-5, value: PAS } ] }", "|PAS|", "\x01"},
        {"maps: { pid: { remove: [ { to: PID-7.1 , from: birthDate } ] } }", "PID|1||1", "19800203"},
        {"maps: { pid: { add: [ { to: PID-7.1, value: \"1999\" } ] } }", "|1999|", "19800203"},
        {"maps: { pid: [ { to: PID-8, from: gender } ] }", "PID|1|||||||male", "19800203"},
        {"tables: { gender: { male: X }, authorities: { 'urn:oid:1.2.3': NORTH } }", "1^^^NORTH&1.2.3&ISO",
         "|M|"},
        {"version: 2.4", "|2.4", "|2.5.1"},
    };
    for (auto const& c : cases) {
        std::ofstream(file) << c.yaml << "\n";
        auto const text = made(*own("fhir-to-v2/adt_a31", file.string()), json);
        REQUIRE_MESSAGE(text.has_value(), c.yaml);
        CHECK_MESSAGE(text->find(c.found) != std::string::npos, c.yaml, "\n", *text);
        CHECK_MESSAGE(text->find(c.missing) == std::string::npos, c.yaml, "\n", *text);
    }
    std::ofstream(file) << "maps: { pid: { remove: [ { to: PID-99 } ] } }\n";
    config::Diagnostics diagnostics;
    CHECK(!mapping::load_maps({"fhir-to-v2/adt_a31", {}}, {}, diagnostics, {{file.string(), {}}}));
    CHECK(diagnostics.text().find("has no such row") != std::string::npos);
    fs::remove(file);
}
