// Steps that hold steps.
#include "tests/routes/steps_support.h"

using namespace hilum;
using namespace hilum::steps_test;

TEST_CASE("when") {
    constexpr Row rows[] = {
        {"{ when: PID-8 = 'F', then: [ set: { NK1-2: X } ] }", "NK1|1|X"},
        {"{ when: PID-8 = 'M', then: [ set: { NK1-2: X } ] }", ""},
        {"{ when: PID-8 = 'M', then: [ set: { NK1-2: X } ], else: [ set: { NK1-2: Y } ] }", "NK1|1|Y"},
        {"{ when: PID-8 = 'F', then: [ set: { NK1-2: X }, copy: { NK1-3: NK1-2 } ] }", "NK1|1|X|X"},
        {"{ when: PID-8 = 'F', then: [] }", ""},
        {"{ when: PID-8 = 'F', then: [ delete: 'NK1[*]', stop: { reason: none left } ] }",
         "stop: step 2 (stop): none left"},
        {"{ when: PID-8 = 'F', then: [ { when: PID-8 = 'M', then: [ stop ], else: [ set: { 'NK1[9]-1': X } ] "
         "} ] }",
         "hold: step 1 (when) > step 1 (set): NK1[9]-1: the message has 2 segments NK1"},
        {"{ when: 'PID-3[*]', then: [ stop ] }",
         "hold: when: a condition has several values where one is expected"},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"{ when: PID-8 = 'F' }", "lacks \"then\""},
        {"{ when: PID-8 == 'F', then: [ stop ] }", "no operator is written =="},
        {"{ when: PID-8 = 'F', than: [ stop ] }", "did you mean \"then\"?"},
        {"{ when: PID-8 = 'F', then: stop }", "\"then\" of when should be a list, not a text"},
        {"{ when: PID-8 = 'F', then: [ [ stop ] ] }", "a step of when should be a mapping with one key"},
        {"{ when: PID-8 = 'F', then: [ stob ] }", "unknown step \"stob\"; did you mean \"stop\"?"},
        {"{ when: PID-8 = 'F', then: [ set: { PID: x } ] }", "PID is a whole segment"},
        {"{ when: , then: [ stop ] }", "there is no expression here"},
    };
    check_wrong(wrong);
}

TEST_CASE("steps may stand sixteen deep inside one another") {
    std::string yaml = "stop";
    for (int i = 0; i < 16; ++i) yaml = "{ when: PID-8 = 'F', then: [ " + yaml + " ] }";
    CHECK(run(yaml).starts_with("stop: step 1 (when) > step 1 (when) > "));
    CHECK(run("{ when: PID-8 = 'F', then: [ " + yaml + " ] }").find("more than 16 deep") !=
          std::string::npos);
}

TEST_CASE("for_each") {
    constexpr Row rows[] = {
        {"for_each: { segment: OBX, steps: [ set: { OBX-11: F } ] }",
         "OBX|1|ST|A||x||||||F\nOBX|2|ST|B||y||||||F\nOBX|3|ST|||z||||||F"},
        {"for_each: { segment: OBX, steps: [ set: { 'OBX[*]-4': '=OBX-1 & PID-8' } ] }",
         "OBX|1|ST|A|1F|x\nOBX|2|ST|B|2F|y\nOBX|3|ST||3F|z"},
        {"for_each: { segment: OBX, steps: [ { when: OBX-5 = 'y', then: [ delete: OBX ] } ] }",
         "-1 segments"},
        {"for_each: { segment: OBX, steps: [ delete: 'OBX[*]' ] }", "-3 segments"},
        {"for_each: { segment: OBX, steps: [ delete: 'OBX[2]' ] }", ""},
        {"for_each: { segment: NK1, steps: [ append: { segment: NK1, after: NK1, values: { NK1-2: =NK1-2 } } "
         "] }",
         "NK1||A\nNK1||B"},
        {"for_each: { segment: NK1, steps: [ append: { segment: NTE, after: NK1, values: { NTE-3: =NK1-2 } } "
         "] }",
         "NTE|||A\nNTE|||B"},
        {"for_each: { segment: NK1, steps: [ copy: { NK1-3: PID-8 }, move: { NK1-4: NK1-2 } ] }",
         "NK1|1||F|A\nNK1|2||F|B"},
        {"for_each: { segment: ZZZ, steps: [ stop ] }", ""},
        {"for_each: { segment: OBX, steps: [ lookup: { field: OBX-5, table: wards, otherwise: hold } ] }",
         "hold: step 1 (lookup): no entry in table wards for OBX-5"},
        {"for_each: { segment: OBX, steps: [ for_each: { segment: NK1, steps: [ set: { NK1-3: =OBX-5 } ] } ] "
         "}",
         "NK1|1|A|z\nNK1|2|B|z"},
        {"for_each: { repetition: PID-3, steps: [ set: { PID-3.5: MR } ] }",
         "PID|1|OLD|4711^^^NORTH^MR~0815^^^^MR||DOE^JANE||19800203|F||||||\"\""},
        {"for_each: { repetition: PID-3, steps: [ { when: PID-3.4 = 'NORTH', then: [ delete: PID-3 ] } ] }",
         "PID|1|OLD|0815||DOE^JANE||19800203|F||||||\"\""},
        {"for_each: { repetition: PID-3, steps: [ delete: PID-3 ] }",
         "PID|1|OLD|||DOE^JANE||19800203|F||||||\"\""},
        {"for_each: { repetition: PID-3, steps: [ set: { PID-4: '=PID-4 & PID-3.1' } ] }",
         "PID|1|OLD|4711^^^NORTH~0815|47110815|DOE^JANE||19800203|F||||||\"\""},
        {"for_each: { repetition: PID-19, steps: [ stop ] }", ""},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"for_each: { steps: [ stop ] }", "for_each goes through either segments or repetitions"},
        {"for_each: { segment: OBX }", "lacks \"steps\""},
        {"for_each: { segment: MSH, steps: [ stop ] }", "\"MSH\" can't be the name of a segment"},
        {"for_each: { repetition: PID-3.1, steps: [ stop ] }", "no whole field of one segment"},
        {"for_each: { repetition: 'OBX[*]-5', steps: [ stop ] }", "no whole field of one segment"},
        {"for_each: { segment: OBX, steps: [ for_each: { segment: OBX, steps: [ stop ] } ] }",
         "stands inside another of OBX"},
        {"for_each: { segment: OBX, steps: [ split: { segment: OBX, otherwise: pass } ] }",
         "split stands inside another step"},
    };
    check_wrong(wrong);
}
