// Steps that change values, segments and repetitions.
#include <filesystem>
#include <fstream>

#include "tests/routes/steps_support.h"

using namespace hilum;
using namespace hilum::steps_test;

TEST_CASE("move") {
    constexpr Row rows[] = {
        {"move: { PID-4: PID-2 }", "PID|1||4711^^^NORTH~0815|OLD|DOE^JANE||19800203|F||||||\"\""},
        {"move: { PID-2: 'PID-3[1]' }", "PID|1|4711^^^NORTH|0815||DOE^JANE||19800203|F||||||\"\""},
        {"move: { NK1-3: PID-5.2 }", "PID|1|OLD|4711^^^NORTH~0815||DOE^||19800203|F||||||\"\"\nNK1|1|A|JANE"},
        {"move: { NK1-2: ZZZ-1 }", "NK1|1|"},
        {"move: { 'NK1[7]-2': PID-8 }", "hold: NK1[7]-2: the message has 2 segments NK1"},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"move: { PID-3: PID-3.4 }", "PID-3.4 can't be moved to PID-3"},
        {"move: { PID-3: PID-3 }", "PID-3 can't be moved to PID-3"},
        {"move: { 'OBX[*]-3': PID-3 }", "OBX[*]-3 names several places"},
        {"move: { PID-3: MSH-2 }", "MSH-2 can't be moved"},
        {"move: PID-3", "move takes target paths and their sources"},
    };
    check_wrong(wrong);
}

TEST_CASE("append") {
    constexpr Row rows[] = {
        {"append: { segment: NTE, values: { NTE-1: 1, NTE-3: seen } }", "NTE|1||seen"},
        {"append: { segment: NK1, values: { NK1-1: 3, NK1-2: =NK1-2 } }", "NK1|3|A"},
        {"append: { segment: NTE, after: 'OBX[2]', values: { NTE-1: '=OBX[*].count()' } }", "NTE|3"},
        {"append: { segment: NTE, after: ZZZ, values: { NTE-1: 1 } }",
         "hold: ZZZ: the message has no such segment"},
        {"append: { repetition: PID-3, values: { PID-3.1: V1, PID-3.5: VN } }",
         "PID|1|OLD|4711^^^NORTH~0815~V1^^^^VN||DOE^JANE||19800203|F||||||\"\""},
        {"append: { repetition: PID-4, values: { PID-4.1: V1 } }",
         "PID|1|OLD|4711^^^NORTH~0815|V1|DOE^JANE||19800203|F||||||\"\""},
        {"append: { repetition: PID-3, values: { PID-3: 'A&B' } }",
         "PID|1|OLD|4711^^^NORTH~0815~A\\T\\B||DOE^JANE||19800203|F||||||\"\""},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"append: { values: { NTE-1: 1 } }", "append takes either a segment or a repetition"},
        {"append: { segment: NTE, repetition: PID-3, values: { NTE-1: 1 } }",
         "either a segment or a repetition"},
        {"append: { segment: MSH, values: { MSH-3: 1 } }", "\"MSH\" can't be the name of a segment here"},
        {"append: { segment: NTE-1, values: { NTE-1: 1 } }", "\"NTE-1\" can't be the name of a segment"},
        {"append: { segment: NTE, values: { OBX-1: 1 } }", "OBX-1 is not in what is appended"},
        {"append: { segment: NTE, values: { 'NTE[2]-1': 1 } }", "NTE[2]-1 is not in what is appended"},
        {"append: { repetition: PID-3, values: { PID-4: 1 } }", "PID-4 is not in what is appended"},
        {"append: { repetition: PID-3.1, values: { PID-3.1: 1 } }", "PID-3.1 is no whole field"},
        {"append: { repetition: PID-3, after: PV1, values: { PID-3: 1 } }", "always the last one"},
        {"append: { segment: NTE, values: X }", "\"values\" should be paths and their values"},
        {"append: { segment: NTE }", "lacks \"values\""},
    };
    check_wrong(wrong);
}

TEST_CASE("rename") {
    constexpr Row rows[] = {
        {"rename: { from: NK1, to: ZK1 }", "ZK1|1|A"},
        {"rename: { from: 'NK1[*]', to: ZK1 }", "ZK1|1|A\nZK1|2|B"},
        {"rename: { from: 'NK1[2]', to: ZK1 }", "ZK1|2|B"},
        {"rename: { from: ZZZ, to: ZZY }", ""},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"rename: { from: MSH, to: ZZZ }", "MSH can't be changed"},
        {"rename: { from: PID-3, to: ZZZ }", "PID-3 is no segment"},
        {"rename: { from: PID, to: MSH }", "\"MSH\" can't be the name of a segment"},
        {"rename: { from: PID, to: pid }", "\"pid\" can't be the name of a segment"},
        {"rename: { from: PID }", "lacks \"to\""},
    };
    check_wrong(wrong);
}

TEST_CASE("replace") {
    constexpr Row rows[] = {
        {"replace: { field: NK1-2, pattern: A, with: B }", "NK1|1|B"},
        {"replace: { field: 'NK1[*]-2', pattern: '[AB]', with: '$0&' }", "NK1|1|A\\T\\\nNK1|2|B\\T\\"},
        {"replace: { field: 'PID-3[*].1', pattern: '^0*', with: '' }",
         "PID|1|OLD|4711^^^NORTH~815||DOE^JANE||19800203|F||||||\"\""},
        {"replace: { field: PID-5.2, pattern: '(?<a>J)(A)', with: '$2$1' }",
         "PID|1|OLD|4711^^^NORTH~0815||DOE^AJNE||19800203|F||||||\"\""},
        {"replace: { field: PID-14, pattern: x, with: y }", ""},
        {"replace: { field: PID-5.2, pattern: x, with: y }", ""},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"replace: { field: PID-5, pattern: '(', with: '' }", "s.yaml:1:"},
        {"replace: { field: PID-5, pattern: '', with: '' }", "an empty pattern"},
        {"replace: { field: PID-5, pattern: x }", "lacks \"with\""},
        {"replace: { field: PID, pattern: x, with: '' }", "PID is a whole segment"},
    };
    check_wrong(wrong);
}

TEST_CASE("number") {
    constexpr Row rows[] = {
        {"number: { field: PID-3.1, factor: '0.5', otherwise: hold }",
         "PID|1|OLD|2355.5^^^NORTH~0815||DOE^JANE||19800203|F||||||\"\""},
        {"number: { field: PID-3.1, decimals: 2, decimal_comma: to, otherwise: hold }",
         "PID|1|OLD|4711,00^^^NORTH~0815||DOE^JANE||19800203|F||||||\"\""},
        {"number: { field: PID-3.1, factor: '0.001', decimals: 1, otherwise: hold }",
         "PID|1|OLD|4.7^^^NORTH~0815||DOE^JANE||19800203|F||||||\"\""},
        {"number: { field: NK1-2, decimals: 1, otherwise: hold }", "hold: NK1-2 is no such number"},
        {"number: { field: NK1-2, decimals: 1, otherwise: pass }", ""},
        {"number: { field: 'NK1[*]-2', decimals: 1, otherwise: default, default: '0' }", "NK1|1|0\nNK1|2|0"},
        {"number: { field: PID-14, decimals: 1, otherwise: hold }", ""},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"number: { field: OBX-5, decimals: 1 }",
         "number does not say what becomes of a value that is no number"},
        {"number: { field: OBX-5, otherwise: hold }", "number changes nothing"},
        {"number: { field: OBX-5, factor: x, otherwise: hold }", "\"x\" is no number"},
        {"number: { field: OBX-5, decimals: 17, otherwise: hold }", "\"17\" is no number of decimals"},
        {"number: { field: OBX-5, decimals: 1, otherwise: default }", "needs the text to write"},
    };
    check_wrong(wrong);
}

TEST_CASE("hold and reject") {
    constexpr Row rows[] = {
        {"hold: { reason: by hand }", "hold: by hand"},
        {"hold: { when: PID-8 = 'M', reason: by hand }", ""},
        {"reject: { reason: wrong number }", "reject: wrong number"},
        {"reject: { when: PID-8 = 'F', reason: wrong }", "reject: wrong"},
        {"reject: { when: PID-8 = 'M', reason: wrong }", ""},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"hold", "lacks \"reason\""},
        {"hold: { reason: '' }", "hold gives no reason; add reason: TEXT"},
        {"reject: { when: PID-8 = 'F' }", "lacks \"reason\""},
        {"reject: { wen: PID-8 = 'F', reason: x }", "did you mean \"when\"?"},
    };
    check_wrong(wrong);
}

TEST_CASE("convert") {
    CHECK(run("convert: { to: 2.5.1, otherwise: keep }").find("|P|2.5.1") != std::string::npos);
    CHECK(run("convert: { to: 2.5, otherwise: keep }") == "");
    constexpr Wrong wrong[] = {
        {"convert: { to: 2.5.1 }", "convert does not say what becomes of values"},
        {"convert: { to: '2.55', otherwise: keep }", "HL7 v2 has no version \"2.55\""},
        {"convert: { otherwise: keep }", "lacks \"to\""},
        {"for_each: { segment: OBX, steps: [ convert: { to: 2.3, otherwise: keep } ] }",
         "can't stand inside for_each"},
    };
    check_wrong(wrong);
}

TEST_CASE("validate") {
    CHECK(run("validate: { otherwise: hold }").starts_with("hold: "));
    CHECK(run("validate: { otherwise: reject }").starts_with("reject: "));
    CHECK(run("validate: { otherwise: hold }").find(", the first at ") != std::string::npos);
    CHECK(run("validate: { otherwise: pass }") == "");
    // A profile's errors come on top of those of the standard.
    std::string const path = std::filesystem::temp_directory_path() / "hilum-steps-profile.yaml";
    std::ofstream(path)
        << "messages: [ { type: ADT, segments: { PID: { fields: { 8: { codes: [X] } } } } } ]\n";
    auto const errors = [](std::string const& options) {
        auto const reason = run("validate: { " + options + "otherwise: hold }");
        return std::stoi(reason.substr(std::string("hold: ").size()));
    };
    CHECK(errors("profile: " + path + ", ") == errors("") + 1);
    std::filesystem::remove(path);
    constexpr Wrong wrong[] = {
        {"validate", "validate does not say what becomes of a message with errors"},
        {"validate: { otherwise: keep }", "known words: hold, reject, pass"},
        {"validate: { profile: nowhere.yaml, otherwise: hold }", "cannot read the profile \"nowhere.yaml\""},
        {"validate: { profile: '', otherwise: hold }", "the profile has no name"},
    };
    check_wrong(wrong);
}
