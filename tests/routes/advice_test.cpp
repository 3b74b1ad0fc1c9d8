// What `hilum check` warns of though it works.
#include "routes/advice.h"

#include <doctest/doctest.h>

#include "routes/restriction.h"
#include "tests/routes/config/catalogue.h"

using namespace hilum;

namespace {

std::string advice(std::string const& text) {
    config::Diagnostics diagnostics;
    auto const config = config::load_text(text, "x.yaml", ".", config::test::catalogue(),
                                          config::test::FakeEnvironment(), diagnostics);
    CAPTURE(diagnostics.text());
    REQUIRE(!diagnostics.failed());
    config::Diagnostics found;
    routes::advise(config, found);
    return found.text();
}

std::string of_route(std::string const& when, std::string const& steps = "[]", std::string const& rest = {}) {
    return advice(
        "listeners: { in: { mllp: { listen: \"127.0.0.1:2575\" } } }\n"
        "destinations: { lab: { mllp: { connect: \"lab.example:2575\" } } }\n" +
        rest + "routes:\n  - name: r\n    from: in\n    when: " + when + "\n    steps: " + steps +
        "\n    to: lab\n");
}

std::string joined(std::set<std::string, std::less<>> const& words) {
    std::string out;
    for (auto const& word : words) out += (out.empty() ? "" : " ") + word;
    return out;
}

}  // namespace

TEST_CASE("what a `when` certainly says of the message") {
    struct Row {
        std::string when, types, events, version;
    };
    Row const rows[] = {
        {"MSH-9.1 = 'ADT'", "ADT", "", ""},
        {"'ADT' = MSH-9.1", "ADT", "", ""},
        {"MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04') and PV1-2 = 'I'", "ADT", "A01 A04", ""},
        {"MSH-12 = '2.3' and MSH-9.2 = ('A01')", "", "A01", "2.3"},
        {"MSH-12.1 = '2.5.1'", "", "", "2.5.1"},
        {"MSH-9.1 = 'ADT' or PV1-2 = 'I'", "", "", ""},
        {"(MSH-9.1 = 'ADT' or PV1-2 = 'I') and MSH-9.2 = 'A01'", "", "A01", ""},
        {"PV1-2 = 'I' implies MSH-9.1 = 'ADT'", "", "", ""},
        {"MSH-9.1 != 'ADT'", "", "", ""},
        {"MSH-9.1 = 'ADT' = true", "", "", ""},
        {"MSH-9.1.lower() = 'adt'", "", "", ""},
        {"(MSH-9.1 = 'ADT').not()", "", "", ""},
        {"MSH-9.1 = 'A' & 'DT'", "", "", ""},
        {"MSH-9.1 in ('ADT' | PV1-2)", "", "", ""},
        {"MSH-9.1 = (", "", "", ""},
        {"", "", "", ""},
    };
    for (Row const& row : rows) {
        CAPTURE(row.when);
        auto const restriction = routes::restriction_of(row.when);
        CHECK(joined(restriction.types) == row.types);
        CHECK(joined(restriction.events) == row.events);
        CHECK((restriction.version ? hl7::name(*restriction.version) : "") == row.version);
    }
}

TEST_CASE("a `when` that asks nothing of the message") {
    CHECK(of_route("\"true\"") ==
          "x.yaml:6:12: warning: this is true of every message; remove the \"when\", or ask for something of "
          "the "
          "message, such as MSH-9.1 = 'ADT'\n");
    CHECK(of_route("1 = 2").find("true of no message") != std::string::npos);
    CHECK(of_route("\"'ADT' = 'ADT' and 1 < 2\"").find("true of every message") != std::string::npos);
    CHECK(of_route("now() > '2026'") == "");
    CHECK(of_route("PV1-2 = 'I'") == "");
}

TEST_CASE("paths that no message can have") {
    struct Row {
        std::string when, steps;
        std::string expected;  // in the warning; "" for none
    };
    std::string const adt = "MSH-9.1 = 'ADT' and MSH-9.2 = 'A01'";
    Row const rows[] = {
        {"PDI-3 = '1'", "[]", "x.yaml:6:12: warning: no version of HL7 has a segment PDI; correct it"},
        {"PID-99 = '1'", "[]", "fields in HL7 2.1 to 2.8.2, so there is no PID-99; correct the number"},
        {"ZPI-99 = '1'", "[]", ""},
        {"OBR-4 = '1'", "[]", ""},
        {"MSH-9.1 = 'ADT' and OBR-4 = '1'", "[]", ""},  // no event
        {"MSH-9.1 = 'ADT' and MSH-9.2 = 'A01' and OBR-4 = '1'", "[]",
         "x.yaml:6:52: warning: OBR is not in the structure of ADT^A01 in HL7 2.1 to 2.8.2; correct the path "
         "or the "
         "\"when\""},
        {"MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04') and OBR-4 = '1'", "[]",
         "OBR is not in the structure of ADT^A01, ADT^A04 in HL7"},
        {"MSH-9.1 = 'ADT' and MSH-9.2 = 'Z99' and OBR-4 = '1'", "[]", ""},  // nobody knows its structure
        {"MSH-9.1 = 'ADT' and MSH-9.2 = 'A01' and OBX-5 = '1'", "[]", ""},
        {adt, "[ set: { OBR-4: x } ]", "x.yaml:7:21: warning: OBR is not in the structure of ADT^A01"},
        {adt, "[ set: { PID-3: =OBR-4 } ]", "x.yaml:7:29: warning: OBR is not in the structure of ADT^A01"},
        {adt, "[ set: { PID-3: OBR-4 } ]", ""},  // a text
        {adt, "[ copy: { PID-3: OBR-4 } ]", "x.yaml:7:29: warning"},
        {adt, "[ lookup: { field: OBR-4, table: t, otherwise: hold } ]", "x.yaml:7:31: warning"},
        {adt, "[ delete: OBR ]", ""},
        {adt, "[ delete: [PDI-3] ]", "no version of HL7 has a segment PDI"},
        {adt, "[ { set: { MSH-9.1: ORU } }, { set: { OBR-4: x } } ]", ""},
        {"MSH-12 = '2.3' and PID-31 = 'x'", "[]", "PID has 30 fields in HL7 2.3, so there is no PID-31"},
    };
    for (Row const& row : rows) {
        CAPTURE(row.when);
        CAPTURE(row.steps);
        std::string const found = of_route('"' + row.when + '"', row.steps);
        CAPTURE(found);
        if (row.expected.empty()) {
            CHECK(found == "");
        } else {
            CHECK(found.find(row.expected) != std::string::npos);
        }
    }
    // What the site declares is there.
    CHECK(of_route("XYZ-1 = '1'", "[]",
                   "dictionary: { segments: { XYZ: { fields: { 1: { datatype: ST } } } } }\n") == "");
}

TEST_CASE("secrets in plain text") {
    CHECK(advice("listeners: { in: { mllp: { listen: \"127.0.0.1:2575\" } } }\n"
                 "destinations:\n"
                 "  a: { http: { url: \"http://user:word@ehr.example/\" } }\n"
                 "routes: [ { name: r, from: in, to: a } ]\n") ==
          "x.yaml:3:22: warning: a secret in plain text; keep it in a file or a variable, and write "
          "${file:/run/secrets/NAME} or ${NAME}\n");
}
