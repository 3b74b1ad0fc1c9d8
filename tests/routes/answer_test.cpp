#include "routes/answer.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/routes/steps_support.h"

using namespace hilum;
using routes::AnswerSteps;

namespace {

constexpr std::string_view ack = "MSH|^~\\&|LAB||HIS|NORTH|20260102||ACK^A01^ACK|7|P|2.5\rMSA|AA|4711\r";

// What the listener's steps make of it: the answer, else the error's code, else the diagnostics.
std::string shaped(std::string const& steps) {
    config::Diagnostics diagnostics;
    config::Component listener;
    listener.name = "in";
    listener.common =
        config::read_yaml("answer: [" + steps + "]\n", "a.yaml", steps_test::NoEnvironment(), diagnostics);
    auto const tables = steps_test::tables();
    routes::CompileContext context{tables, diagnostics};
    auto const compiled = AnswerSteps::compile(listener, context);
    if (diagnostics.failed()) return diagnostics.text();
    CHECK(!compiled.empty());
    std::string answer(ack);
    auto const done = compiled.shape(answer, 0, hl7::Dictionary::standard());
    if (done) return answer;
    CHECK(answer == ack);
    return done.error().code;
}

}  // namespace

TEST_CASE("an answer is shaped by steps, or sent as it is") {
    struct Row {
        std::string name, steps, result;
    };
    Row const rows[] = {
        {"fields of its own", "set: { MSH-3: HILUM, MSA-3: received }",
         "MSH|^~\\&|HILUM||HIS|NORTH|20260102||ACK^A01^ACK|7|P|2.5\rMSA|AA|4711|received\r"},
        {"a condition on the code", "{ when: MSA-1 = 'AA', then: [ set: { MSA-1: CA } ] }",
         "MSH|^~\\&|LAB||HIS|NORTH|20260102||ACK^A01^ACK|7|P|2.5\rMSA|CA|4711\r"},
        {"a segment of its own", "set: { ZAK-1: '1' }",
         "MSH|^~\\&|LAB||HIS|NORTH|20260102||ACK^A01^ACK|7|P|2.5\rMSA|AA|4711\rZAK|1\r"},
        {"nothing to do", "{ when: MSA-1 = 'AE', then: [ set: { MSA-1: AR } ] }", std::string(ack)},
        {"another message's id", "set: { MSA-2: '1' }", "answer_msa"},
        {"no code", "set: { MSA-1: OK }", "answer_msa"},
        {"no MSA", "delete: MSA", "answer_msa"},
        {"a step that can't", "set: { 'ERR[3]-1': x }", "answer_step"},
        {"steps that end a route", "stop",
         "a.yaml:1:10: error: stop can't stand in an answer; an answer is changed and sent: use steps such "
         "as "
         "set, and when\n"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(shaped(row.steps) == row.result);
    }
}
