#include "engine/flow/acknowledgement.h"

#include "tests/engine/support/transport.h"

using namespace hilum;
using namespace hilum::flow;

namespace {

std::string codes(std::string const& accept, std::string const& application, hl7::AckOutcome what,
                  bool elsewhere) {
    auto const bytes =
        "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.5|||" + accept + "|" + application + "\rPID|1||X\r";
    auto const message = hl7::Message::view(bytes);
    hl7::AckError const error{"", "207", "why", 'E'};
    Outcome outcome;
    outcome.request = hl7::ack_request(*message);
    outcome.outcome = what;
    if (what != hl7::AckOutcome::stored) outcome.error = &error;
    outcome.control_id = "1";
    outcome.application_id = "1A";
    outcome.timestamp = "2";
    auto const read = [](std::string const& text) {
        if (text.empty()) return std::string();
        auto const ack = hl7::Message::view(text);
        CHECK(ack->text("MSA-2") == "M1");
        return ack->text("MSA-1") + " " + ack->text("MSH-10") + " " + ack->text("MSH-15") + "/" +
               ack->text("MSH-16");
    };
    auto const answer = answer_of(*message, outcome, elsewhere);
    CHECK_FALSE(answer.bytes.empty());
    std::string out = answer.owed ? read(answer.bytes) : "none";
    if (!answer.application.empty()) out += ", " + read(answer.application);
    if (elsewhere) out += "; " + read(application_elsewhere(*message, outcome));
    CHECK(told(outcome, elsewhere) == (answer.owed ? hl7::name(answer.code) : "none"));
    return out;
}

std::string findings(std::string const& yaml) {
    config::Diagnostics diagnostics;
    config::SystemEnvironment const environment;
    config::Component c;
    c.name = "in";
    c.common = config::read_yaml(yaml, "test.yaml", environment, diagnostics);
    check_listener_common(c, diagnostics);
    return diagnostics.text();
}

}  // namespace

TEST_CASE("answers: on the connection, and elsewhere") {
    using enum hl7::AckOutcome;
    CHECK(codes("", "", stored, false) == "AA 1 /");
    CHECK(codes("", "", stored, true) == "AA 1 /; ");
    CHECK(codes("", "", rejected, true) == "AR 1 /; ");
    CHECK(codes("AL", "NE", stored, false) == "CA 1 NE/NE");
    CHECK(codes("AL", "AL", stored, false) == "CA 1 NE/NE, AA 1A NE/NE");
    CHECK(codes("AL", "AL", stored, true) == "CA 1 NE/NE; AA 1A AL/NE");
    CHECK(codes("AL", "AL", error, true) == "CE 1 NE/NE; ");
    CHECK(codes("SU", "AL", rejected, true) == "none; AR 1A AL/NE");
    CHECK(codes("SU", "AL", rejected, false) == "AR 1 NE/NE");
    CHECK(codes("NE", "AL", stored, false) == "AA 1 NE/NE");
    CHECK(codes("NE", "AL", stored, true) == "none; AA 1A AL/NE");
    CHECK(codes("NE", "NE", stored, false) == "none");
    CHECK(codes("NE", "NE", error, true) == "none; ");
}

TEST_CASE("listener options: ack and sequence") {
    CHECK(findings("ack: stored\nsequence: check\n") == "");
    CHECK(findings("ack: { mode: original }\n") == "");
    CHECK(findings("ack: { mode: enhanced, application_to: acks }\nsequence: off\n") == "");
    CHECK(findings("ack: { application_to: acks }\n").find("no effect without enhanced mode") !=
          std::string::npos);
    CHECK(findings("ack: delivered\n").find("does not say whose answer the sender gets") !=
          std::string::npos);
    CHECK(findings("ack: { application: acks }\n").find("unknown key \"application\"") != std::string::npos);
    CHECK(findings("sequence: on\n") != "");
    CHECK(findings("deduplicate: control_id\n") == "");
    CHECK(findings("deduplicate: =PID-3.1\n") == "");
    CHECK(findings("deduplicate: { by: content, within: 2h, keep: 5 }\n") == "");
    CHECK(findings("deduplicate: { by: control_id, content_differs: duplicate }\n") == "");
    auto const wrong = [](std::string const& yaml, std::string_view what) {
        CAPTURE(yaml);
        CHECK(findings(yaml).find(what) != std::string::npos);
    };
    CHECK(findings("rate: 100/s\n") == "");
    CHECK(findings("rate: { limit: 20/min, burst: 5 }\n") == "");
    wrong("rate: 100\n", "\"100\" is not a rate");
    wrong("rate: 0/s\n", "\"0/s\" is not a rate");
    wrong("rate: 10/d\n", "\"10/d\" is not a rate");
    wrong("rate: { burst: 5 }\n", "limit");
    wrong("deduplicate: MSH-10\n", "\"MSH-10\" does not tell duplicates");
    wrong("deduplicate: =PID-3.1.nonsense()\n", "nonsense");
    wrong("deduplicate: { within: 2h }\n", "by");
    wrong("deduplicate: { by: content, within: 99d }\n", "at most 31d");
    wrong("deduplicate: { by: content, keep: 0 }\n", "keep must be from 1");
    wrong("deduplicate: { by: content, content_differs: new, window: 1h }\n", "unknown key \"window\"");
    wrong("deduplicate: { by: content, content_differs: duplicate }\n", "only by: control_id");
}
