#include "parsers/hl7/continuation.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using hilum::hl7::ContinuationLimits;
using hilum::hl7::Continuations;
using hilum::hl7::Message;
using Kind = hilum::hl7::Continuations::Kind;

namespace {

// MSH with the pointer of the fragment before, from application S.
std::string msh(std::string const& pointer = {}, std::string const& sender = "S") {
    return "MSH|^~\\&|" + sender + "|F|||||ORU^R01|1|P|2.5||" + pointer + "\r";
}

struct Given {
    Kind kind;
    std::string message, error;
};

Given add(Continuations& joining, std::string const& bytes) {
    auto const message = Message::view(bytes);
    auto outcome = joining.add(*message);
    return {outcome.kind, outcome.message, outcome.error ? outcome.error->code : ""};
}

}  // namespace

TEST_CASE("continuation: what is no fragment stays whole") {
    Continuations joining;
    CHECK(add(joining, msh() + "PID|1\r").kind == Kind::whole);
    CHECK(add(joining, msh() + "PID|1\rDSC|Q1|I\r").kind == Kind::whole);
    CHECK(add(joining, msh() + "PID|1\rDSC\r").kind == Kind::whole);
    CHECK(joining.waiting() == 0);
}

TEST_CASE("continuation: fragments are joined, segments cut in two too") {
    Continuations joining;
    CHECK(add(joining, msh() + "PID|1\rOBX|1|FT|a||This is the fi\rADD|\rDSC|w4|F\r").kind == Kind::waiting);
    // One of another sender with the same pointer does not disturb.
    CHECK(add(joining, msh("", "T") + "PID|2\rDSC|w4\r").kind == Kind::waiting);
    CHECK(joining.waiting() == 2);
    CHECK(add(joining, msh("w4") + "ADD|rst, and this the se\rDSC|w5|F\r").kind == Kind::waiting);
    auto const last = add(joining, msh("w5") + "ADD|cond|x\rOBX|2\r");
    CHECK(last.kind == Kind::joined);
    CHECK(last.message == msh() + "PID|1\rOBX|1|FT|a||This is the first, and this the second|x\rOBX|2\r");
    auto const other = add(joining, msh("w4", "T") + "PV1|1\r");
    CHECK(other.kind == Kind::joined);
    CHECK(other.message == msh("", "T") + "PID|2\rPV1|1\r");
    CHECK(joining.waiting() == 0);
}

TEST_CASE("continuation: a segment cut in two inside one message") {
    Continuations joining;
    auto const whole = add(joining, msh() + "NTE|1||long\nADD| text\nADD|\nPID|1\n");
    CHECK(whole.kind == Kind::joined);
    CHECK(whole.message == msh() + "NTE|1||long text\rPID|1\r");
}

TEST_CASE("continuation: what is refused") {
    Continuations joining(
        ContinuationLimits{.bytes = 300, .fragments = 3, .messages = 2, .bytes_in_all = 400});
    CHECK(add(joining, msh("w1") + "PID|1\r").error == "no_such_continuation");
    CHECK(add(joining, msh() + "PID|1\rDSC|a\r").kind == Kind::waiting);
    CHECK(add(joining, msh() + "PID|1\rDSC|a\r").error == "continuation_repeated");
    CHECK(add(joining, msh() + "PID|1\rDSC|b\r").kind == Kind::waiting);
    CHECK(add(joining, msh() + "PID|1\rDSC|c\r").error == "too_many_continuations");
    CHECK(add(joining, msh("a") + "PID|1\rDSC|a2\r").kind == Kind::waiting);
    CHECK(add(joining, msh("a2") + "PID|1\rDSC|a3\r").error == "too_many_fragments");
    CHECK(add(joining, msh("a3") + "PID|1\r").error == "no_such_continuation");
    CHECK(add(joining, msh("b") + "NTE|" + std::string(300, 'x') + "\r").error == "continuation_too_large");
    CHECK(joining.waiting() == 0);
    CHECK(add(joining, msh() + "NTE|" + std::string(200, 'x') + "\rDSC|d\r").kind == Kind::waiting);
    CHECK(add(joining, msh() + "NTE|" + std::string(200, 'x') + "\rDSC|e\r").error ==
          "continuation_too_large");
    CHECK(joining.waiting() == 1);
}
