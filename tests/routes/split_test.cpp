// One message becomes several.
#include <doctest/doctest.h>

#include <string>

#include "routes/pipeline.h"
#include "tests/routes/config/catalogue.h"

using namespace hilum;

namespace {

constexpr std::string_view results =
    "MSH|^~\\&|LIS|NORTH|HIS||20260102||ORU^R01^ORU_R01|1|P|2.5.1\r"
    "PID|1||4711~0815||DOE^JANE\r"
    "OBR|1||A\rOBX|1|ST|X||a\rNTE|1\rOBX|2|ST|Y||b\r"
    "OBR|2||B\rOBX|1|ST|X||c\r"
    "OBR|3||C\r";

// The segments of each delivered body, shortened to name and first field, and the verdicts.
std::string split(std::string const& steps, std::string_view message_text = results) {
    std::string const yaml =
        "listeners:\n  in: { mllp: { listen: \"127.0.0.1:2575\" } }\n"
        "destinations:\n  lab: { mllp: { connect: \"127.0.0.1:2576\" } }\n"
        "routes:\n  - name: r\n    from: in\n    steps:\n" +
        steps + "    to: lab\n";
    config::Diagnostics diagnostics;
    auto const config = config::load_text(yaml, "s.yaml", ".", config::test::catalogue(),
                                          config::test::FakeEnvironment(), diagnostics);
    auto const pipeline = routes::Pipeline::compile(config, routes::step_catalogue(), diagnostics);
    if (diagnostics.failed()) return diagnostics.text();
    auto const message = hl7::Message::view(message_text);
    routes::Processed out;
    pipeline->process(0, *message, message_text, 0, out);
    std::string text;
    for (auto const& delivery : out.deliveries) {
        auto const bytes = delivery.body == 0 ? std::string(message_text) : out.bodies[delivery.body - 1];
        auto const part = hl7::Message::view(bytes);
        if (!text.empty()) text += " | ";
        for (std::size_t i = 3; i <= part->segment_count(); ++i)
            text += (i == 3 ? "" : " ") + std::string(part->segment(i).substr(0, 5));
    }
    for (auto const& v : out.verdicts)
        if (!v.reason.empty()) text += " [" + std::string(name(v.outcome)) + ": " + v.reason + "]";
    return text;
}

}  // namespace

TEST_CASE("split: one message for each, in order, and the steps behind it for each of them") {
    struct Row {
        std::string_view steps;
        std::string_view deliveries;
    };
    constexpr Row rows[] = {
        {"      - split: { group: ORDER_OBSERVATION, otherwise: pass }\n",
         "OBR|1 OBX|1 NTE|1 OBX|2 | OBR|2 OBX|1 | OBR|3"},
        {"      - split: { segment: OBR, otherwise: pass }\n",
         "OBR|1 OBX|1 NTE|1 OBX|2 | OBR|2 OBX|1 | OBR|3"},
        {"      - split: { segment: OBX, otherwise: pass }\n",
         "OBR|1 OBX|1 NTE|1 | OBR|1 OBX|2 OBR|2 | OBR|1 OBX|1 OBR|3"},
        {"      - split: { segment: OBR, otherwise: pass }\n      - set: { OBR-1: 1 }\n",
         "OBR|1 OBX|1 NTE|1 OBX|2 | OBR|1 OBX|1 | OBR|1"},
        {"      - split: { segment: OBR, otherwise: pass }\n      - stop: { when: OBR-3 = 'B' }\n",
         "OBR|1 OBX|1 NTE|1 OBX|2 | OBR|3 [noted: 1 of 3 parts stopped, the last at step 2 (stop): OBR-3 = "
         "'B']"},
        {"      - split: { segment: OBR, otherwise: pass }\n      - stop\n",
         " [filtered: every part, step 2 (stop)]"},
        {"      - split: { segment: OBR, otherwise: pass }\n      - hold: { when: OBR-3 = 'B', reason: B }\n",
         " [held: part 2, step 2 (hold): B]"},
        {"      - split: { segment: OBR, otherwise: pass }\n      - split: { segment: OBX, otherwise: pass "
         "}\n",
         "OBR|1 OBX|1 NTE|1 | OBR|1 OBX|2 | OBR|2 OBX|1 | OBR|3"},
        {"      - split: { segment: ZZZ, otherwise: pass }\n", "OBR|1 OBX|1 NTE|1 OBX|2 OBR|2 OBX|1 OBR|3"},
        {"      - split: { segment: ZZZ, otherwise: hold }\n",
         " [held: step 1 (split): the message has no ZZZ]"},
        {"      - split: { repetition: PID-9, otherwise: stop }\n",
         " [filtered: step 1 (split): the message has no PID-9]"},
        {"      - split: { repetition: PID-3, otherwise: hold }\n      - set: { OBR-1: '=PID-3[*].count()' "
         "}\n",
         "OBR|1 OBX|1 NTE|1 OBX|2 OBR|2 OBX|1 OBR|3 | OBR|1 OBX|1 NTE|1 OBX|2 OBR|2 OBX|1 OBR|3"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.steps);
        CHECK(split(std::string(row.steps)) == row.deliveries);
    }
}

TEST_CASE("split: a message of very many parts is held") {
    std::string text = "MSH|^~\\&|LIS|NORTH|HIS||20260102||ORU^R01^ORU_R01|1|P|2.5.1\rPID|1\r";
    for (int i = 0; i < 1001; ++i) text += "OBR|1\r";
    CHECK(split("      - split: { segment: OBR, otherwise: pass }\n", text)
              .find("held: step 1 (split): the message has more than 1000 parts") != std::string::npos);
}
