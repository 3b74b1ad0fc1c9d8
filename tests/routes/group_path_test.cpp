// Paths through groups in expressions, steps and routes.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "routes/config/node.h"
#include "routes/expression/expression.h"
#include "routes/steps/step.h"

using namespace hilum;

namespace {

constexpr std::string_view oru =
    "MSH|^~\\&|A|B|C|D|1||ORU^R01|1|P|2.5.1\r"
    "PID|1|P1\r"
    "OBR|1||F1\rOBX|1|ST|GLU||5\rNTE|1||low\rOBX|2|ST|NA||140\r"
    "OBR|2||F2\rOBX|1|ST|HB||13~14\rOBX|2|ST|\"\"||a\\T\\b\r";

std::string items(std::string_view text) {
    auto const compiled = expression::Expression::compile(text);
    if (!compiled) return compiled.error().text();
    auto const message = hl7::Message::view(oru);
    auto const result = compiled->items({&*message, 0});
    if (!result) return result.error().text();
    std::string out;
    for (auto const& item : *result) out += (out.empty() ? "" : ",") + item;
    return out;
}

class NoEnvironment final : public config::Environment {
  public:
    bool variable(std::string const&, std::string&) const override { return false; }
    bool file(std::string const&, std::string&) const override { return false; }
};

// The message after the step, segments parted by spaces; "hold: ..." or the diagnostics.
std::string after(std::string const& yaml) {
    config::Diagnostics diagnostics;
    auto const node = config::read_yaml(yaml, "s.yaml", NoEnvironment(), diagnostics);
    REQUIRE(!diagnostics.failed());
    config::Step step{node.entries[0].key, node.entries[0].where, node.entries[0].value};
    routes::Tables const tables;
    routes::CompileContext context{tables, diagnostics};
    std::unique_ptr<routes::Step> compiled;
    for (auto const& kind : routes::step_catalogue())
        if (kind.name == step.kind) compiled = kind.compile(step, context);
    if (!compiled) return diagnostics.text();
    routes::Workpiece piece;
    REQUIRE(piece.read(routes::Content::hl7, oru, std::nullopt, hl7::Dictionary::standard()).has_value());
    auto* const message = &piece.message();
    routes::Work work{piece};
    auto const result = compiled->run(work);
    if (result.next == routes::StepResult::Next::hold) return "hold: " + result.reason;
    std::string out;
    for (std::size_t i = 3; i <= message->segment_count(); ++i)
        out += (out.empty() ? "" : " ") + std::string(message->segment(i));
    return out;
}

}  // namespace

TEST_CASE("expressions: paths through groups") {
    struct Row {
        std::string_view text, result;
    };
    for (Row const& row : {
             Row{"ORDER_OBSERVATION[2]/OBX[1]-5", "13"},
             {"ORDER_OBSERVATION[2]/OBX-3", "HB"},
             {"PATIENT_RESULT/ORDER_OBSERVATION[2]/OBSERVATION[2]/OBX-5", "a&b"},
             {"ORDER_OBSERVATION[*]/OBR-3", "F1,F2"},
             {"ORDER_OBSERVATION[*]/OBX[*]-3", "GLU,NA,HB,"},  // HL7's null is there
             {"ORDER_OBSERVATION[2]/OBX-5[*]", "13,14"},
             {"ORDER_OBSERVATION[2]/OBX-5[2]", "14"},
             {"ORDER_OBSERVATION[2]/OBX[*]-2", "ST,ST"},
             {"ORDER_OBSERVATION[3]/OBX-5", ""},
             {"ORDER_OBSERVATION[3]/OBX-5.exists()", "false"},
             {"ORDER_OBSERVATION[2]/OBX.exists()", "true"},
             {"ORDER_OBSERVATION[2]/OBX", "OBX|1|ST|HB||13~14"},
             {"ORDER_OBSERVATION[2]/OBX-3.lower()", "hb"},
             {"ORDER_OBSERVATION[*]/OBX[*]-3.count()", "4"},
             {"OBSERVATION/NTE-3 & '!' ", "low!"},
             {"ORDER_OBSERVATION[2]/OBX-5 / 2", "6.5"},
             {"'HB' in ORDER_OBSERVATION[*]/OBX[*]-3 and PID-2 = 'P1'", "true"},
             {"OBX[3]-5.toInteger() / ORDER_OBSERVATION/OBX-5.toInteger()", "2.6"},
             {"SPECIMEN/OBX-5", ""},
         }) {
        CAPTURE(row.text);
        CHECK(items(row.text) == row.result);
    }
}

TEST_CASE("expressions: wrong paths through groups name the nearest right thing") {
    struct Row {
        std::string_view text, error;
    };
    for (Row const& row : {
             Row{"ORDER_OBSERVATIONS/OBX-5",
                 "unknown_group at column 1: no message structure has a group called \"ORDER_OBSERVATIONS\"; "
                 "did you mean ORDER_OBSERVATION?"},
             {"PID-3 = 'x' and PATIENT_RESULT/ODER_OBSERVATION/OBX-5",
              "unknown_group at column 32: no message structure has a group called \"ODER_OBSERVATION\"; "
              "did you mean ORDER_OBSERVATION?"},
             {"PID/OBX-5",
              "unknown_group at column 1: no message structure has a group called \"PID\"; a segment stands "
              "last: groups are named like ORDER_OBSERVATION"},
         }) {
        CAPTURE(row.text);
        CHECK(items(row.text) == row.error);
    }
    CHECK(items("ORDER_OBSERVATION/obx-5").starts_with("bad_path at column 19: "));
    CHECK(items("ORDER_OBSERVATION/OBX-0").starts_with("bad_path at column "));
    CHECK(items("ORDER_OBSERVATION/").find("column") != std::string::npos);
    CHECK(items("ORDER_OBSERVATION").starts_with("unknown_name at column 1"));
}

TEST_CASE("steps: targets through groups") {
    struct Row {
        std::string yaml, message;
    };
    std::string const first = "OBR|1||F1 OBX|1|ST|GLU||5 NTE|1||low OBX|2|ST|NA||140 ";
    std::string const second = "OBR|2||F2 OBX|1|ST|HB||13~14 OBX|2|ST|\"\"||a\\T\\b";
    for (Row const& row : {
             Row{"set: { 'ORDER_OBSERVATION[2]/OBX-3': X }",
                 first + "OBR|2||F2 OBX|1|ST|X||13~14 OBX|2|ST|\"\"||a\\T\\b"},
             {"set: { 'ORDER_OBSERVATION[2]/OBX[*]-4': \"='S' & ORDER_OBSERVATION[2]/OBR-3\" }",
              first + "OBR|2||F2 OBX|1|ST|HB|SF2|13~14 OBX|2|ST|\"\"|SF2|a\\T\\b"},
             {"set: { 'ORDER_OBSERVATION[*]/OBR-4.2': x }",
              "OBR|1||F1|^x OBX|1|ST|GLU||5 NTE|1||low OBX|2|ST|NA||140 "
              "OBR|2||F2|^x OBX|1|ST|HB||13~14 OBX|2|ST|\"\"||a\\T\\b"},
             {"set: { 'SPECIMEN[*]/SPM-1': x }", first + second},
             {"set: { 'ORDER_OBSERVATION[3]/OBX-3': X }",
              "hold: ORDER_OBSERVATION[3]/OBX-3: the message has no such segment in such a group"},
             {"delete: 'ORDER_OBSERVATION[2]/OBX[*]'", first + "OBR|2||F2"},
             {"delete: ['ORDER_OBSERVATION/OBX', 'OBSERVATION[2]/OBX-5']",
              // the first observation is gone before the second path is looked up
              "OBR|1||F1 NTE|1||low OBX|2|ST|NA||140 OBR|2||F2 OBX|1|ST|HB|| OBX|2|ST|\"\"||a\\T\\b"},
             {"delete: 'ORDER_OBSERVATION[2]/OBX-5[1]'",
              first + "OBR|2||F2 OBX|1|ST|HB||14 OBX|2|ST|\"\"||a\\T\\b"},
             {"delete: 'ORDER_OBSERVATION[9]/OBX'", first + second},
             {"copy: { 'ORDER_OBSERVATION[2]/OBR-4': 'ORDER_OBSERVATION/OBR-3' }",
              first + "OBR|2||F2|F1 OBX|1|ST|HB||13~14 OBX|2|ST|\"\"||a\\T\\b"},
             {"copy: { OBR-3: 'ORDER_OBSERVATION[7]/OBR-3' }",
              "OBR|1|| OBX|1|ST|GLU||5 NTE|1||low OBX|2|ST|NA||140 " + second},
             {"copy: { 'ORDER_OBSERVATION[7]/OBR-4': OBR-3 }",
              "hold: ORDER_OBSERVATION[7]/OBR-4: the message has no such segment in such a group"},
         }) {
        CAPTURE(row.yaml);
        CHECK(after(row.yaml) == row.message);
    }
}

TEST_CASE("steps: wrong targets through groups") {
    struct Row {
        std::string yaml;
        std::string_view found;
    };
    for (Row const& row : {
             Row{"set: { 'ORDER_OBSERVATON/OBX-3': X }", "did you mean ORDER_OBSERVATION?"},
             {"set: { 'ORDER_OBSERVATION/OBX': X }", "ORDER_OBSERVATION/OBX is a whole segment"},
             {"set: { 'ORDER/MSH-2': X }", "can't be changed"},
             {"set: { 'ORDER//OBX-3': X }", "no group name stands before the /"},
             {"copy: { PID-2: 'ORDER_OBSERVATION[*]/OBX-3' }", "several values where one is expected"},
             {"copy: { 'ORDER_OBSERVATION[*]/OBX-3': PID-2 }", "names several places"},
             {"delete: 'PID/OBX'", "no message structure has a group called \"PID\""},
         }) {
        CAPTURE(row.yaml);
        auto const text = after(row.yaml);
        CAPTURE(text);
        CHECK(text.find(row.found) != std::string::npos);
    }
}

TEST_CASE("expressions: the structure is worked out once for a message") {
    auto const message = hl7::Message::view(oru);
    hl7::StructureCache structures(*message);
    auto const a = expression::Expression::compile("ORDER_OBSERVATION[2]/OBX-3 = 'HB'");
    expression::Context const context{&*message, 0, &structures};
    CHECK(a->test(context).value());
    auto const* once = &structures.get();
    CHECK(a->test(context).value());
    CHECK(&structures.get() == once);
}
