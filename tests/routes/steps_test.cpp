#include <rapidjson/document.h>

#include "tests/routes/steps_support.h"

using namespace hilum;
using namespace hilum::steps_test;

TEST_CASE("set") {
    constexpr Row rows[] = {
        {"set: { MSH-6: LAB }", "MSH|^~\\&|HIS|NORTH|LAB|LAB|20260102||ADT^A01|1|P|2.5"},
        {"set: { NK1-2: =PID-5.1.lower() }", "NK1|1|doe"},
        {"set: { 'NK1[*]-2': X }", "NK1|1|X\nNK1|2|X"},
        {"set: { NK1-2: 'A&B|C' }", "NK1|1|A\\T\\B\\F\\C"},
        {"set: { NK1-2: \\=x }", "NK1|1|=x"},
        {"set: { NK1-2: '' }", "NK1|1|"},
        {"set: { NK1-2: '\"\"' }", "NK1|1|\"\""},
        {"set: { NK1-2: =PID-4 }", "NK1|1|"},
        {"set: { NK1-2: 12 }", "NK1|1|12"},
        {"set: { NK1-2: Q, NK1-3: =NK1-2 }", "NK1|1|Q|Q"},
        {"set: { ZPD-2: new }", "ZPD||new"},
        {"set: { 'NK1[3]-1': 3 }", "NK1|3"},
        {"set: { 'NK1[9]-1': 3 }", "hold: NK1[9]-1: the message has 2 segments NK1"},
        {"set: { NK1-2: '=PID-3[*].1' }",
         "hold: NK1-2: the expression gives several values where one is expected"},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"set: { PID3: x }", "s.yaml:1:8: error: \"PID3\": no HL7 path begins here; did you mean PID-3?"},
        {"set: { pid-3-1: x }", "did you mean PID-3.1?"},
        {"set: { PID-3-1: x }", "did you mean PID-3.1?"},
        {"set: { MSH-1: x }", "s.yaml:1:8: error: MSH-1 can't be changed"},
        {"set: { MSH-2: x }", "MSH-2 can't be changed"},
        {"set: { PID: x }", "PID is a whole segment; name a field, such as PID-3"},
        {"set: { PID-3: =PID-3.uper() }",
         "s.yaml:1:22: error: unknown function \"uper\"; did you mean \"upper\"?"},
        {"set: { PID-3: '=PID-3.uper()' }", "s.yaml:1:23: error: unknown function"},
        {"set:\n  PID-3: =PID-3.uper()\n  PID-4: =PID-3 ==\n",
         "s.yaml:3:17: error: no operator is written ==; did you mean =?"},
        {"set: { PID-3: }", "s.yaml:1:8: error: PID-3 has no value; write ''"},
        {"set: { PID-3: [a] }", "here should be a text, not a list"},
        {"set: PID-3", "set takes paths and their values"},
        {"set: {}", "set takes paths and their values"},
        {"set", "set takes paths and their values"},
    };
    check_wrong(wrong);
    config::Diagnostics diagnostics;
    std::string kind;
    CHECK(compile("set: { PID-5: DOE^JIM }", diagnostics, kind));
    CHECK(diagnostics.text().find("s.yaml:1:15: warning: the ^ is written as text") != std::string::npos);
}

TEST_CASE("copy") {
    constexpr Row rows[] = {
        {"copy: { NK1-2: PID-3 }", "NK1|1|4711^^^NORTH"},
        {"copy: { NK1-2: 'PID-3[2]' }", "NK1|1|0815"},
        {"copy: { NK1-2.1: PID-5.2 }", "NK1|1|JANE"},
        {"copy: { NK1-2: PID-5.2 }", "NK1|1|JANE"},
        {"copy: { NK1-2: PID-14 }", "NK1|1|\"\""},
        {"copy: { NK1-2: PID-4 }", "NK1|1|"},
        {"copy: { NK1-2: ZZZ-1 }", "NK1|1|"},
        {"copy: { NK1-2: PID-8, NK1-3: NK1-2 }", "NK1|1|F|F"},
        {"copy: { 'NK1[7]-2': PID-8 }", "hold: NK1[7]-2: the message has 2 segments NK1"},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"copy: { PID-4: 'PID-3[*]' }", "s.yaml:1:17: error: PID-3[*] names several values"},
        {"copy: { PID-4: PID }", "PID is a whole segment"},
        {"copy: { PID-4.1: PID-3 }",
         "PID-3 is a field and does not fit into the component PID-4.1; name its first part: PID-3.1"},
        {"copy: { PID-4.1.1: PID-3.4 }",
         "PID-3.4 is a component and does not fit into the subcomponent PID-4.1.1"},
        {"copy: { PID-4: pid-3 }",
         "s.yaml:1:16: error: \"pid-3\": no HL7 path begins here; did you mean PID-3?"},
        {"copy: PID-3", "copy takes target paths"},
        {"copy: { MSH-2: PID-3 }", "MSH-2 can't be changed"},
    };
    check_wrong(wrong);
}

TEST_CASE("delete") {
    constexpr Row rows[] = {
        {"delete: NK1", "-1 segments"},
        {"delete: NK1[*]", "-2 segments"},
        {"delete: [ 'NK1[*]', PV1 ]", "-3 segments"},
        {"delete: PV1-3", "PV1|1|I|"},
        {"delete: PV1-3.2", "PV1|1|I|W1^"},
        {"delete: ZZZ", ""},
        {"delete: OBX[*]-3", "OBX|1|ST|||x\nOBX|2|ST|||y"},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"delete: MSH", "s.yaml:1:9: error: MSH can't be changed"},
        {"delete: MSH-1", "MSH-1 can't be changed"},
        {"delete: [ NK2x ]", "s.yaml:1:1"},
        {"delete: { PID: x }", "delete takes a path or a list of paths"},
        {"delete: []", "delete takes a path or a list of paths"},
        {"delete", "delete takes a path or a list of paths"},
    };
    check_wrong(wrong);
}

TEST_CASE("lookup") {
    constexpr Row rows[] = {
        {"lookup: { field: PV1-3.1, table: wards, otherwise: hold }", "PV1|1|I|IC^101"},
        {"lookup: { field: PV1-3.1, table: wards, to: PV1-4, otherwise: hold }", "PV1|1|I|W1^101|IC"},
        {"lookup: { field: PV1-3.2, table: wards, otherwise: hold }",
         "hold: no entry in table wards for PV1-3.2"},
        {"lookup: { field: PV1-3.2, table: wards, otherwise: pass }", ""},
        {"lookup: { field: PV1-3.2, table: wards, otherwise: default, default: U }", "PV1|1|I|W1^U"},
        {"lookup: { field: PV1-3.2, table: wards, otherwise: default, default: '' }", "PV1|1|I|W1^"},
        {"lookup: { field: PV1-9, table: wards, otherwise: hold }", ""},
        {"lookup: { field: PID-14, table: wards, otherwise: hold }", ""},
        {"lookup: { field: 'OBX[*]-3', table: wards, otherwise: hold }", "OBX|1|ST|a\\F\\1||x\nOBX|2|ST|||y"},
        {"lookup: { field: 'NK1[*]-2[*]', table: wards, otherwise: hold }", "NK1|1|a\\F\\1\nNK1|2|"},
        {"lookup: { field: 'PID-3[*].1', table: wards, otherwise: default, default: X }",
         "PID|1|OLD|X^^^NORTH~X||DOE^JANE||19800203|F||||||\"\""},
        {"lookup: { field: 'OBX[*]-5', table: wards, otherwise: hold }",
         "hold: no entry in table wards for OBX-5"},
        {"lookup: { field: PV1-3.1, table: wards, to: 'ZZZ[4]-1', otherwise: hold }",
         "hold: ZZZ[4]-1: the message has 0 segments ZZZ"},
    };
    check(rows);
    constexpr Row by_keys[] = {
        {"lookup: { field: PV1-3.1, keys: [MSH-4, PV1-3.1], on: PID-7, table: by_site, otherwise: hold }",
         "PV1|1|I|N1^101"},
        {"lookup: { field: PV1-3.1, keys: [MSH-4, PV1-3.1], table: by_site, otherwise: hold }",
         "hold: no entry in table by_site for PV1-3.1"},  // in 1970
        {"lookup: { field: PV1-3.1, keys: [MSH-4, PV1-3.1], table: by_site, otherwise: default }",
         "PV1|1|I|?^101"},
        {"lookup: { field: PV1-3.1, keys: [MSH-4, PV1-3.1], on: PID-5, table: by_site, otherwise: hold }",
         "hold: PID-5 holds no day to look up PV1-3.1 on"},
    };
    check(by_keys);
    constexpr Wrong wrong[] = {
        {"lookup: { field: PV1-3.1, table: by_site, otherwise: hold }",
         "table \"by_site\" has 2 key columns; name as many paths in \"keys\""},
        {"lookup: { field: PV1-3.1, keys: [MSH-4, PID-3], table: wards, otherwise: hold }",
         "has 1 key column"},
        {"lookup: { field: PV1-3.1, on: PV1-44, table: wards, otherwise: hold }", "has no dates"},
        {"lookup: { field: PV1-3.1, table: wards }",
         "s.yaml:1:1: error: lookup does not say what becomes of a value"},
        {"lookup: { field: PV1-3.1, table: wads, otherwise: hold }",
         "s.yaml:1:34: error: no table is called \"wads\"; did you mean \"wards\"?"},
        {"lookup: { field: PV1-3.1, table: wards, otherwise: hodl }", "did you mean \"hold\"?"},
        {"lookup: { field: PV1-3.1, table: wards, otherwise: default }",
         "otherwise: default needs the text to write"},
        {"lookup: { field: PV1-3.1, table: wards, otherwise: pass, default: x }",
         "the default is never written"},
        {"lookup: { feld: PV1-3.1, table: wards, otherwise: hold }", "did you mean \"field\"?"},
        {"lookup: { table: wards, otherwise: hold }", "lacks \"field\""},
        {"lookup: { field: PV1.3.1, table: wards, otherwise: hold }", "did you mean PV1-3.1?"},
        {"lookup: { field: 'OBX[*]-3', to: OBX-4, table: wards, otherwise: hold }", "\"to\" can't be used"},
        {"lookup: { field: OBX-3, to: 'OBX[*]-4', table: wards, otherwise: hold }",
         "several places for one answer"},
        {"lookup: PV1-3.1", "lookup"},
    };
    check_wrong(wrong);
}

TEST_CASE("stop") {
    constexpr Row rows[] = {
        {"stop", "stop: "},
        {"stop: { reason: test patients stay here }", "stop: test patients stay here"},
        {"stop: { when: PID-8 = 'F' }", "stop: PID-8 = 'F'"},
        {"stop: { when: PID-8 = 'M' }", ""},
        {"stop: { when: PID-8 = 'F', reason: women only }", "stop: women only"},
        {"stop: { when: \"PID-3[*].1 = '4711' and PID-3[*]\" }", ""},
        {"stop: { when: 'PID-3[*]' }", "hold: when: a condition has several values where one is expected"},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"stop: { when: PID-8 == 'F' }", "s.yaml:1:21: error: no operator is written =="},
        {"stop: { when: '' }", "there is no expression here"},
        {"stop: { wen: x }", "did you mean \"when\"?"},
        {"stop: now", "should be a mapping"},
    };
    check_wrong(wrong);
}

TEST_CASE("every kind has a name, a summary and a schema") {
    auto const& kinds = routes::step_catalogue();
    CHECK(kinds.size() >= 5);
    for (auto const& kind : kinds) {
        CAPTURE(kind.name);
        CHECK(!kind.summary.empty());
        auto const schema = kind.schema();
        rapidjson::Document document;
        CHECK_FALSE(document.Parse(schema.c_str()).HasParseError());
        CHECK(document.IsObject());
    }
}
