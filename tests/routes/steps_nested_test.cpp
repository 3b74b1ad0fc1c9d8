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
