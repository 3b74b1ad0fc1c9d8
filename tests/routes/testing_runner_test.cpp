// What `hilum test` finds, with a door that only runs the routes and files in memory.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "routes/testing/compare.h"
#include "routes/testing/coverage.h"
#include "routes/testing/junit.h"
#include "routes/testing/runner.h"
#include "routes/testing/story.h"
#include "tests/routes/small_configuration.h"

using namespace hilum;

namespace {

struct RoutesAlone final : testing::Door {
    explicit RoutesAlone(routes::Pipeline const& p) : pipeline(p) {}
    testing::Taken take(std::uint32_t listener, std::string_view bytes, std::int64_t now_us,
                        routes::Observer* observer, routes::Outside* outside) override {
        testing::Taken taken;
        taken.answer_code = "AA";
        auto const message = hl7::Message::view(bytes);
        pipeline.process(listener, *message, bytes, now_us, taken.processed, observer, outside);
        return taken;
    }
    routes::Pipeline const& pipeline;
};

struct Memory final : testing::Files {
    std::optional<std::string> read(std::string const& path) override {
        auto const found = files.find(path);
        if (found == files.end()) return std::nullopt;
        return found->second;
    }
    bool write(std::string const& path, std::string_view text) override {
        files[path] = text;
        return true;
    }
    std::map<std::string, std::string> files{
        {"a.hl7", "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\nPID|1||4711||Doe^Jane||19800203|F\n"}};
};

// The findings, or the failures of a file with one case.
std::string outcome(std::string const& one, Memory& files, testing::RunOptions const& options = {}) {
    config::Diagnostics diagnostics;
    auto const small = test::small_configuration();
    RoutesAlone door(*small.pipeline);
    testing::Subject const subject{small.config, *small.pipeline, door, files};
    auto const file =
        testing::read_test_file("config: hilum.yaml\ncases:\n  - name: c\n    input: a.hl7\n" + one, "t.yaml",
                                test::NoEnvironment(), diagnostics);
    if (!diagnostics.failed()) testing::check_names(file, subject, diagnostics);
    if (diagnostics.failed()) return diagnostics.text();
    std::vector<std::string> updated;
    std::string out;
    for (auto const& result : testing::run(file, subject, options, updated)) {
        for (auto const& failure : result.failures) {
            out += failure.where.text() + ": " + failure.what + "\n";
            for (auto const& d : failure.differences)
                out += "  " + d.path + " " + d.before.value_or("-") + " -> " + d.after.value_or("-") + "\n";
        }
    }
    for (auto const& path : updated) out += "updated " + path + "\n";
    return out;
}

std::string outcome(std::string const& one) {
    Memory files;
    return outcome(one, files);
}

}  // namespace

TEST_CASE("route tests: what passes and what fails") {
    struct Row {
        std::string one;
        std::string_view outcome;
    };
    std::string const archive = "    expect:\n      archive: unchanged\n";
    std::vector<Row> const rows = {
        {archive + "      lab: { fields: { MSH-5: LAB, PID-5.1: DOE, PID-30: '' }, that: PID-8 = 'F' }\n",
         ""},
        {archive + "      lab: [ { that: [ PID-8 = 'F', PID-3 = '4711' ] } ]\n", ""},
        // strict
        {archive, "t.yaml:3:11: lab: nothing was expected, came 1 message from route to-lab\n"},
        {archive + "      lab: nothing\n", "t.yaml:7:7: lab: expected 0 messages, came 1 message\n"},
        {"    expect:\n      lab: { that: PID-8 = 'F' }\n",
         "t.yaml:3:11: archive: nothing was expected, came 1 message from route keep\n"},
        // what differs
        {archive + "      lab: unchanged\n",
         "t.yaml:7:12: lab: expected as it came, but route to-lab changed it\n  PID-5.1 Doe -> DOE\n"},
        {archive + "      lab: { fields: { PID-5.1: Roe, PID-3.1: 4712 } }\n",
         "t.yaml:7:33: lab: PID-5.1 (Family Name): expected \"Roe\", came \"DOE\"\n"
         "t.yaml:7:47: lab: PID-3.1 (ID Number): expected \"4712\", came \"4711\"\n"},
        {archive + "      lab: { that: PID-8 = 'F' and PID-3 = '1' }\n",
         "t.yaml:7:20: lab: not so: PID-8 = 'F' and PID-3 = '1'; PID-3 is \"4711\"\n"},
        {archive + "      lab: { golden: g.hl7 }\n",
         "t.yaml:7:22: lab: there is no g.hl7; hilum test --update writes it\n"},
        {archive + "      lab: { golden: a.hl7 }\n",
         "t.yaml:7:22: lab: differs from a.hl7\n  PID-5.1 Doe -> DOE\n"},
        {archive + "      lab: { that: PID-8 = 'F' }\n    filtered: { strict: PID-8, keep: x }\n",
         "t.yaml:8:32: route keep: expected filtered: x, was sent\n"},
        {archive + "      lab: { that: PID-8 = 'F' }\n    held: keep\n",
         "t.yaml:8:11: route keep: expected held, was sent\n"},
        {archive + "      lab: { that: PID-8 = 'F' }\n    ack: { code: AE }\n",
         "t.yaml:8:10: ack: expected AE, came AA\n"},
        // mistakes in the file
        {"    expect: { lob: unchanged }\n",
         "t.yaml:5:15: error: there is no destination \"lob\"; did you mean \"lab\"?\n"},
        {"    expct: { lab: unchanged }\n",
         "t.yaml:5:5: error: unknown key \"expct\" in a case; did you mean \"expect\"?\n"},
        {"    held: strct\n", "t.yaml:5:11: error: there is no route \"strct\"; did you mean \"strict\"?\n"},
        {"    expect: { lab: { fields: { PID5: x } } }\n",
         "t.yaml:5:32: error: \"PID5\": no HL7 path begins here; write a path like PID-3.1, OBX[2]-5 or "
         "PID-3[2].4.2; segment names have three capitals or digits\n"},
        {"    expect: { lab: { that: PID-8 = } }\n",
         "t.yaml:5:35: error: the expression ends too early; a value or a closing bracket is missing\n"},
        {"    ack: AX\n", "t.yaml:5:10: error: \"AX\" is no acknowledgement code; did you mean \"AA\"?\n"},
        {"    now: yesterday\n",
         "t.yaml:5:10: error: \"yesterday\" is not a time; write it like 2026-07-14T08:00:00Z\n"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.one);
        CHECK(outcome(row.one) == row.outcome);
    }
}

TEST_CASE("route tests: a held message has to be expected") {
    Memory files;
    files.files["a.hl7"] = "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\rPID|1||4711||Doe||1980|X\r";
    std::string const expect = "    expect: { archive: unchanged }\n";
    CHECK(outcome(expect + "    held: { strict: NK1 }\n", files).empty());
    CHECK(outcome(expect, files) ==
          "t.yaml:3:11: route strict held the message: step 1 (set): NK1[7]-2: the message has 0 segments "
          "NK1\n");
}

TEST_CASE("route tests: golden files are written when asked, and only when they differ") {
    Memory files;
    std::string const one = "    expect: { archive: unchanged, lab: { golden: g.hl7 } }\n";
    testing::RunOptions const update{true, {}};
    CHECK(outcome(one, files, update) == "updated g.hl7\n");
    CHECK(files.files["g.hl7"] ==
          "MSH|^~\\&|HIS|NORTH|LAB||20260102||ADT^A01|1|P|2.5\nPID|1||4711||DOE^Jane||19800203|F\n");
    CHECK(outcome(one, files, update).empty());
    CHECK(outcome(one, files).empty());
}

TEST_CASE("route tests: coverage tells what no message has exercised") {
    auto const small = test::small_configuration();
    testing::Coverage coverage(small.config, *small.pipeline);
    auto const told = [&] {
        std::string out;
        for (auto const& count : coverage.counts())
            out += std::to_string(count.exercised) + "/" + std::to_string(count.all) + " ";
        for (auto const& gap : coverage.gaps())
            out += std::to_string(gap.where.line) + ": " + gap.what + "; ";
        return out;
    };
    CHECK(told().starts_with("0/3 0/2 0/4 0/0 7: no message came to the route to-lab; "));
    RoutesAlone door(*small.pipeline);
    (void)door.take(0, "MSH|^~\\&|HIS||||||ADT^A01|1|P|2.5\rPID|1||4711||Doe||1980|F\r", 0, &coverage,
                    nullptr);
    CHECK(told() ==
          "3/3 1/2 2/4 0/0 7: \"MSH-9.1 = 'ADT' and PID-8 = 'F'\" was never false; 10: \"PID-8 = 'X'\" was "
          "never true; 10: the step set never ran; ");
}

TEST_CASE("route tests: JUnit") {
    testing::FileResult file{"a<b>.yaml", {}};
    file.cases.push_back({"passes \"so\"", {}, {}});
    file.cases.push_back({"fails", {}, {{{}, "lab: 1 & 2\nnext", {}}}});
    CHECK(testing::junit({file}) ==
          "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
          "  <testsuite name=\"a&lt;b&gt;.yaml\" tests=\"2\" failures=\"1\">\n"
          "    <testcase classname=\"a&lt;b&gt;.yaml\" name=\"passes &quot;so&quot;\"/>\n"
          "    <testcase classname=\"a&lt;b&gt;.yaml\" name=\"fails\">\n"
          "      <failure message=\"lab: 1 &amp; 2&#10;next\">configuration: lab: 1 &amp; "
          "2&#10;next</failure>\n"
          "    </testcase>\n  </testsuite>\n</testsuites>\n");
}

TEST_CASE("a story has the clause that failed, its values, and what each step changed") {
    auto const small = test::small_configuration();
    RoutesAlone door(*small.pipeline);
    auto const tell = [&](char const* sex) {
        testing::Story story;
        (void)door.take(
            0, std::string("MSH|^~\\&|HIS||||||ADT^A01|1|P|2.5\rPID|1||4711||Doe||1980|") + sex + "\r", 0,
            &story, nullptr);
        std::string out;
        for (auto const& chapter : story.chapters()) {
            out += std::to_string(chapter.route) + " " + std::string(name(chapter.verdict.outcome)) + ": ";
            for (auto const& event : chapter.events) {
                out += event.text + (event.holds ? "" : " not " + event.failed);
                for (auto const& read : event.reads) out += ", " + read.text();
                for (auto const& d : event.differences) out += " " + d.path + ">" + d.after.value_or("-");
                if (!event.ended.empty()) out += " " + event.ended + " " + event.reason;
                out += "; ";
            }
        }
        return out;
    };
    CHECK(tell("F") ==
          "0 sent: MSH-9.1 = 'ADT' and PID-8 = 'F'; set MSH-5>LAB PID-5>DOE; 1 sent: "
          "2 filtered: PID-8 = 'X' not PID-8 = 'X', PID-8 is \"F\"; ");
    CHECK(tell("X") ==
          "0 filtered: MSH-9.1 = 'ADT' and PID-8 = 'F' not PID-8 = 'F', PID-8 is \"X\"; 1 sent: "
          "2 held: PID-8 = 'X'; set hold NK1[7]-2: the message has 0 segments NK1; ");
}
