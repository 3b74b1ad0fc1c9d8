// Steps that ask about a FHIR resource, change its values, or make others of it.
#include "tests/routes/fhir_steps_support.h"

using namespace hilum;
using namespace hilum::fhir_steps_test;

TEST_CASE("lookup") {
    constexpr Row rows[] = {
        {"lookup: { field: Observation.code.coding.code, table: wards, otherwise: hold }",
         R"("code":"W1" -> "code":"IC")"},
        {"lookup: { field: Observation.status, table: wards, otherwise: hold }",
         "hold: no entry in table wards for Observation.status"},
        {"lookup: { field: Observation.status, table: wards, otherwise: pass }", ""},
        {"lookup: { field: Observation.status, table: wards, otherwise: default, default: x }",
         R"("status":"final" -> "status":"x")"},
        {"lookup: { field: Observation.issued, table: wards, otherwise: hold }", ""},  // no value, no code
        {"lookup: { field: Observation.code.coding.code, to: Observation.status, table: wards, otherwise: "
         "hold }",
         R"("status":"final" -> "status":"IC")"},
        {"lookup: { field: Observation.code.coding.code, to: Observation.code.text, table: wards, otherwise: "
         "hold }",
         R"( -> ,"text":"IC")"},
        {"lookup: { field: Observation.code.coding.code, to: Observation.code, table: wards, otherwise: hold "
         "}",
         R"(hold: Observation.code: CodeableConcept has parts, and no text of its own)"},
        {"lookup: { field: Observation.code.coding.code, keys: [\"'NORTH'\", Observation.code.coding.code], "
         "on: "
         "Observation.effective, table: by_site, otherwise: hold }",
         R"("code":"W1" -> "code":"N1")"},
    };
    check(observation, rows);
    constexpr Wrong wrong[] = {
        {"lookup: { field: Observation.status, table: wards }",
         "lookup does not say what becomes of a value that is not in the table"},
        {"lookup: { field: Observation.status, table: ward, otherwise: pass }", "did you mean \"wards\"?"},
    };
    check_wrong(wrong);
}

TEST_CASE("replace, number and date") {
    constexpr Row rows[] = {
        {"replace: { field: Observation.valueQuantity.unit, pattern: g, with: mg }",
         R"("unit":"g" -> "unit":"mg")"},
        {"replace: { field: Observation.component.valueString, pattern: '(.)', with: '$1$1' }",
         R"("valueString":"7" -> "valueString":"77")"},
        {"replace: { field: Observation.status, pattern: final, with: '' }",
         R"(hold: Observation.status: the value is no code)"},
        {"replace: { field: Observation.valueQuantity.value, pattern: '1', with: x }",
         "hold: Observation.valueQuantity.value: the value is no decimal"},
        {"replace: { field: Observation.code, pattern: a, with: b }", ""},  // no text of its own
        {"number: { field: Observation.valueQuantity.value, factor: 2, otherwise: hold }",
         R"("value":1.50 -> "value":3.00)"},
        {"number: { field: Observation.valueQuantity.value, decimals: 3, otherwise: hold }",
         R"("value":1.50 -> "value":1.500)"},
        {"number: { field: Observation.valueQuantity.value, decimal_comma: to, otherwise: hold }",
         "hold: Observation.valueQuantity.value: the value is no decimal"},
        {"number: { field: Observation.component.valueString, factor: 0.5, otherwise: hold }",
         R"("valueString":"7" -> "valueString":"3.5")"},
        {"number: { field: Observation.valueQuantity.unit, factor: 2, otherwise: hold }",
         R"(hold: Observation.valueQuantity.unit is no such number)"},
        {"date: { field: Observation.effectiveDateTime, from: iso, to: iso, to_offset: Z, otherwise: hold }",
         R"("effectiveDateTime":"2026-01-02T03:04:05+01:00" -> "effectiveDateTime":"2026-01-02T02:04:05Z")"},
        {"date: { field: effective, from: iso, to: '%Y-%m-%d', otherwise: hold }",
         R"("effectiveDateTime":"2026-01-02T03:04:05+01:00" -> "effectiveDateTime":"2026-01-02")"},
        {"date: { field: Observation.status, from: iso, to: iso, to_offset: Z, otherwise: hold }",
         "hold: Observation.status is no such date"},
        {"date: { field: Observation.issued, from: iso, to: hl7, otherwise: hold }", ""},
    };
    check(observation, rows);
}

TEST_CASE("split: each entry asks for what it asked, a resource for its creation") {
    constexpr std::string_view bundle =
        R"({"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","id":"a"},"request":{"method":"PUT","url":"Patient/a","ifMatch":"W/\"1\""}},)"
        R"({"resource":{"resourceType":"Patient","id":"b"},"request":{"method":"POST","url":"Patient","ifNoneExist":"identifier=x|1"}},)"
        R"({"resource":{"resourceType":"Patient","id":"c"},"request":{"method":"POST","url":"Patient"}},)"
        R"({"request":{"method":"DELETE","url":"Patient/d"}},{"resource":{"resourceType":"Thing","x":1.0}}]})";
    auto const split = run_whole("split: { each: Bundle.entry, otherwise: hold }", bundle);
    REQUIRE(split.parts.size() == 5);
    std::string all;
    for (auto const& part : split.parts) {
        auto const read = fhir::Interaction::read(part);
        REQUIRE(read.has_value());
        auto const& r = read->request;
        all += r.method + " " + r.url + " " + r.if_match + r.if_none_exist + " " +
               std::string(read->resource.root().text_of("id")) + (read->has_body ? "\n" : " without\n");
    }
    CHECK(all ==
          "PUT Patient/a W/\"1\" a\nPOST Patient identifier=x|1 b\nPOST Patient  c\n"
          "DELETE Patient/d  d without\nPOST Thing  \n");
    CHECK(split.parts[2] == R"({"resourceType":"Patient","id":"c"})");
    CHECK(split.parts[4] == R"({"resourceType":"Thing","x":1.0})");
    auto const resources =
        run_whole("split: { each: Bundle.entry.resource.ofType(Patient), otherwise: hold }", bundle);
    REQUIRE(resources.parts.size() == 3);
    CHECK(resources.parts[0] == R"({"resourceType":"Patient","id":"a"})");

    constexpr Row rows[] = {
        {"split: { each: Bundle.link, otherwise: pass }", ""},
        {"split: { each: Bundle.link, otherwise: stop }", "stop: the message has no Bundle.link"},
        {"split: { each: Bundle.link, otherwise: hold }", "hold: the message has no Bundle.link"},
        {"split: { each: Bundle.entry.request, otherwise: hold }",
         R"(hold: each: there is neither a resource nor a request in it)"},
        {"split: { each: Bundle.type, otherwise: hold }",
         R"(hold: each: there is neither a resource nor a request in it)"},
    };
    check(bundle, rows);
    CHECK(run("split: { each: \"'x'\", otherwise: hold }", bundle).starts_with("hold: each: "));
    constexpr Wrong wrong[] = {
        {"split: { each: Bundle.entry }", "split does not say what becomes of a message that has none"},
        {"split: { otherwise: pass }", "lacks \"each\""},
        {"split: { segment: OBX, otherwise: pass }", "segment"},
        {"{ when: 'true', then: [ split: { each: Bundle.entry, otherwise: pass } ] }",
         "split stands inside another step"},
    };
    check_wrong(wrong);
}

// An entry's request is its sender's text, and becomes a request line.
TEST_CASE("split: an entry that asks for what HTTP can't say is held") {
    for (std::string_view const request : {
             R"({"method":"PUT","url":"Patient/a HTTP/1.1\r\nX: y"})",
             R"({"method":"PUT\r\n","url":"Patient/a"})",
             R"({"method":"PUT","url":"../admin"})",
             R"({"url":"Patient/a"})",
             R"({"method":"PUT","url":"Patient/a","ifMatch":"1\r\nX: y"})",
         }) {
        auto const bundle =
            R"({"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient"},"request":)" +
            std::string(request) + "}]}";
        auto const result = run("split: { each: Bundle.entry, otherwise: hold }", bundle);
        CHECK(result.starts_with("hold: each: "));
        CHECK(result.find("admin") == std::string::npos);
    }
}

TEST_CASE("split: a nested Bundle that looks like what Hilum writes stays a Bundle") {
    auto const theirs = fhir::interaction_text(fhir::Request{"DELETE", "Patient/1"}, "");
    auto const split = run_whole("split: { each: Bundle.entry, otherwise: hold }",
                                 R"({"resourceType":"Bundle","entry":[{"resource":)" + theirs + "}]}");
    REQUIRE(split.parts.size() == 1);
    auto const read = fhir::Interaction::read(split.parts[0]);
    REQUIRE(read.has_value());
    CHECK(read->resource.json() == theirs);
    CHECK(read->request == fhir::Request{});
}

TEST_CASE("split: not into more than a thousand") {
    std::string entries = R"({"resource":{"resourceType":"Patient"}})";
    for (int i = 1; i < 1000; ++i) entries += R"(,{"resource":{"resourceType":"Patient"}})";
    auto const step = "split: { each: Bundle.entry, otherwise: hold }";
    std::string const head = R"({"resourceType":"Bundle","entry":[)";
    CHECK(run_whole(step, head + entries + "]}").parts.size() == 1000);
    CHECK(run(step, head + entries + R"(,{"resource":{"resourceType":"Patient"}}]})")
              .starts_with("hold: the message has more than 1000 parts"));
}

TEST_CASE("bundle") {
    constexpr std::string_view small = R"({"resourceType":"Patient","id":"1"})";
    auto const put = fhir::interaction_text({"PUT", "Patient/1", "", "W/\"1\"", ""}, small);
    auto const gone = fhir::interaction_text({"DELETE", "Patient/1"}, "");
    CHECK(
        run("bundle: transaction", small) ==
        R"({"resourceType":"Bundle","type":"transaction","entry":[{"resource":{"resourceType":"Patient","id":"1"},"request":{"method":"POST","url":"Patient"}}]})");
    CHECK(
        run("bundle: { type: batch }", put) ==
        R"({"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Patient","id":"1"},"request":{"method":"PUT","url":"Patient/1","ifMatch":"W/\"1\""}}]})");
    CHECK(
        run("bundle: transaction", gone) ==
        R"({"resourceType":"Bundle","type":"transaction","entry":[{"request":{"method":"DELETE","url":"Patient/1"}}]})");
    auto const collection = run("bundle: collection", put);
    CHECK(
        collection ==
        R"({"resourceType":"Bundle","type":"collection","entry":[{"resource":{"resourceType":"Patient","id":"1"}}]})");
    CHECK(run("bundle: collection", gone) ==
          "hold: a request without a resource has no place in a collection");
    CHECK(run("bundle: batch", collection) == collection);  // a Bundle stays
    std::string deep = "1";
    for (int i = 0; i < 127; ++i) deep = R"({"o":)" + deep + "}";
    CHECK(run("bundle: batch", R"({"resourceType":"Patient","o":)" + deep + "}").starts_with("hold: "));
    constexpr Wrong wrong[] = {
        {"bundle: collections", "did you mean \"collection\"?"},
        {"bundle: {}", "bundle does not say of which type"},
        {"bundle: { type: batch, method: PUT }", "method"},
        {"bundle: [batch]", "bundle"},
    };
    check_wrong(wrong);
}

TEST_CASE("convert says how it leaves") {
    CHECK(run_whole("convert: { to: xml }", patient).form == hl7::Form::xml);
    CHECK(run_whole("convert: { to: json }", patient).form == hl7::Form::json);
    CHECK(run("convert: { to: xml }", patient) == patient);
    constexpr Wrong wrong[] = {
        {"convert: { to: 2.5, otherwise: keep }", "FHIR leaves as xml or json"},
        {"convert: { to: er7 }", "FHIR leaves as xml or json"},
        {"convert: { to: xml, otherwise: keep }", "otherwise"},
    };
    check_wrong(wrong);
}

TEST_CASE("validate") {
    constexpr std::string_view good = R"({"resourceType":"Patient","active":true})";
    constexpr std::string_view bad = R"({"resourceType":"Patient","active":"secret","gender":"hidden"})";
    CHECK(run("validate: { otherwise: reject }", good) == good);
    for (std::string const otherwise : {"hold", "reject"}) {
        auto const result = run("validate: { otherwise: " + otherwise + " }", bad);
        CHECK(result.starts_with(otherwise + ": 2 errors, the first at Patient."));
        CHECK(result.find("secret") == std::string::npos);
        CHECK(result.find("hidden") == std::string::npos);
    }
    auto const passed = run_whole("validate: { otherwise: pass }", bad);
    CHECK(passed.text == bad);
    REQUIRE(passed.notes.size() == 1);
    CHECK(passed.notes[0].starts_with("validate: 2 errors, the first at Patient."));
    // What an edit leaves is seen as its receiver sees it.
    CHECK(
        run_whole("{ when: 'true', then: [ set: { Patient.active.id: x }, validate: { otherwise: hold } ] }",
                  good)
            .text == R"({"resourceType":"Patient","active":true,"_active":{"id":"x"}})");
    constexpr Wrong wrong[] = {
        {"validate: {}", "validate does not say what becomes of a message with errors"},
        {"validate: { otherwise: hold, profile: x.xml }", "the profile is one of HL7 v2, and this is FHIR"},
    };
    check_wrong(wrong);
}

TEST_CASE("when, stop, hold and reject") {
    constexpr Row rows[] = {
        {"{ when: Patient.active, then: [ set: { Patient.gender: x } ] }", R"("gender":"F" -> "gender":"x")"},
        {"{ when: \"%request.method = 'PUT'\", then: [ stop ], else: [ set: { Patient.gender: x } ] }",
         R"("gender":"F" -> "gender":"x")"},
        {"{ when: Patient.photo.exists(), then: [ stop ] }", ""},
        {"{ when: Patient.active, then: [ delete: Patient.photo, stop: { reason: seen } ] }",
         "stop: step 2 (stop): seen"},
        {"{ when: Patient.active, then: [ set: { 'Patient.name[9].use': x } ] }",
         R"(hold: step 1 (set): Patient.name[9].use: there is no name[9] yet)"},
        {"{ when: Patient.name, then: [ stop ] }",
         "hold: when: a condition has several values where one is expected"},
        {"hold: { reason: look }", "hold: look"},
        {"reject: { reason: never }", "reject: never"},
    };
    check(patient, rows);
    constexpr Wrong wrong[] = {
        {"{ when: Patient.active, then: [ rename: { NK1: NK2 } ] }", "rename"},
        {"{ when: Patient.active, then: [ set: { Patient.gendre: x } ] }", "did you mean \"gender\"?"},
        {"{ when: Patient.active, then: [ for_each: { segment: OBX, steps: [ stop ] } ] }", "for_each"},
    };
    check_wrong(wrong);
}

TEST_CASE("call does the steps of a list, with their places") {
    config::Diagnostics diagnostics;
    auto const list = [&](std::string const& yaml) {
        config::NamedSteps steps;
        steps.name = "tidy";
        steps.steps.list = config::read_yaml(yaml, "s.yaml", steps_test::NoEnvironment(), diagnostics);
        return std::vector{steps};
    };
    CHECK(change(patient,
                 run_whole("call: tidy", patient, nullptr, list("[ set: { Patient.gender: x } ]")).text) ==
          R"("gender":"F" -> "gender":"x")");
    CHECK(run_whole("call: tidy", patient, nullptr,
                    list("[ delete: Patient.photo, set: { Patient.active: x } ]"))
              .text == "hold: step 2 (set): Patient.active: the value is no boolean");
    CHECK(run_whole("call: tidy", patient, nullptr, list("[ set: { Patient.gendre: x } ]"))
              .text.find("did you mean \"gender\"?") != std::string::npos);
    CHECK(!diagnostics.failed());
}

namespace {

class Memory final : public routes::Outside {
  public:
    Result<routes::OutsideAnswer> ask(routes::HttpQuestion const&) override { return no(); }
    Result<routes::OutsideAnswer> ask(routes::SqlQuestion const&) override { return no(); }
    Result<void> write(routes::FilePlace const&, std::string_view) override { return no(); }
    Result<std::string> read(routes::FilePlace const&, std::size_t) override { return no(); }
    Result<std::optional<std::int64_t>> seen(std::string_view scope, std::string_view key,
                                             std::chrono::milliseconds) override {
        asked = std::string(scope) + "|" + std::string(key);
        if (broken) return no();
        return before;
    }
    std::string asked;
    std::optional<std::int64_t> before;
    bool broken = false;

  private:
    static Error no() { return error("no", "", "not now"); }
};

}  // namespace

TEST_CASE("deduplicate") {
    Memory memory;
    std::string const step =
        "deduplicate: { key: 'Patient.identifier[0].value', within: 1h, otherwise: hold }";
    CHECK(run_whole(step, patient, &memory).text == patient);
    CHECK(memory.asked == "r\nPatient.identifier[0].value|4711");
    memory.before = 1'767'312'000'000'000 - 60'000'000;
    CHECK(run_whole(step, patient, &memory).text.starts_with("stop: the same was here "));
    memory.broken = true;
    CHECK(run_whole(step, patient, &memory).text == "retry: not now");
    CHECK(run_whole("deduplicate: { key: Patient.photo.url, within: 1h, otherwise: hold }", patient, &memory)
              .text == "hold: there is no key");
    CHECK(run_whole("deduplicate: { key: Patient.photo.url, within: 1h, otherwise: pass }", patient, &memory)
              .text == patient);
    CHECK(run_whole("deduplicate: { key: Patient.identifier.value, within: 1h, otherwise: pass }", patient,
                    &memory)
              .text.starts_with("hold: key: "));
}
