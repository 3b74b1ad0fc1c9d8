#include "engine/replay/cause.h"

#include <doctest/doctest.h>

using namespace hilum;

TEST_CASE("one cause, whichever occurrence, repetition or part it is about") {
    struct Row {
        char const *reason, *cause;
    };
    Row const rows[] = {
        {"step 1 (lookup): no entry in table labs for OBX[12]-3.1",
         "step 1 (lookup): no entry in table labs for OBX-3.1"},
        {"step 1 (lookup): no entry in table labs for PID-3[2].1",
         "step 1 (lookup): no entry in table labs for PID-3.1"},
        {"part 3, step 2 (set): no", "step 2 (set): no"},
        {"part of it", "part of it"},
        {"a [name] and OBX[*] stay", "a [name] and OBX[*] stay"},
        {"", ""},
    };
    for (auto const& row : rows) CHECK(replay::cause_of(row.reason) == row.cause);
}

TEST_CASE("the code that a table lacks is shown, but nothing of a person") {
    std::string const bytes =
        "MSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P|2.5.1\rPID|1||4711^^^W||Probe^Ada||19700101|F\r"
        "PV1|1|I|WARD^1\rOBX|1|NM|GLU^Glucose||5\rOBX|2|NM|K\\T\\X^Kalium||5\rDG1|1||J45\rZPI|1|X\r";
    auto const message = hl7::Message::view(bytes).value();
    auto const at = [&](std::string const& place) {
        return replay::code_at_fault("step 1 (lookup): no entry in table t for " + place, message)
            .value_or("-");
    };
    CHECK(at("OBX-3.1") == "GLU");
    CHECK(at("OBX[2]-3.1") == "K&X");
    CHECK(at("PV1-3.1") == "WARD");
    CHECK(at("OBX[3]-3.1") == "-");
    CHECK(at("OBX-5") == "-");    // of any kind
    CHECK(at("PID-8") == "-");    // a person's
    CHECK(at("PID-3.1") == "-");  // a person's
    CHECK(at("DG1-3.1") == "-");  // a person's
    CHECK(at("ZPI-2") == "-");    // nobody knows what that is
    CHECK(replay::code_at_fault("when: something else", message) == std::nullopt);
}
