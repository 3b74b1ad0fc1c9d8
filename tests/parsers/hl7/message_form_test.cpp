// The forms in which a message leaves, and reading them back.
#include "parsers/hl7/message_form.h"

#include <doctest/doctest.h>

#include <string>

#include "parsers/hl7/message_findings.h"
#include "parsers/hl7/message_json.h"

using namespace hilum;
using hl7::Form;

namespace {

constexpr std::string_view sample =
    "MSH|^~\\&|HIS|NORTH|LAB||20260102||ORU^R01^ORU_R01|1|P|2.5\r"
    "PID|1||4711^^^NORTH&1.2&ISO~0815||DOE^JANE||19800203|F||||||\"\"\r"
    "OBR|1|||A\\T\\B\r"
    "OBX|1|TX|X||line\\.br\\two~~three^^four||\r"
    "ZPD|a||b&c\r";

// As bytes, read from the form and written again.
std::string there_and_back(std::string_view er7, Form form) {
    auto const message = hl7::Message::view(er7);
    REQUIRE(message.has_value());
    auto const body = hl7::in_form(*message, form);
    REQUIRE(body.has_value());
    CHECK(hl7::form_of(*body) == form);
    auto const read = hl7::read_body(*body);
    return read ? read->bytes() : read.error().text();
}

}  // namespace

TEST_CASE("a message in each form, and back") {
    CHECK(there_and_back(sample, Form::er7) == sample);
    CHECK(there_and_back(sample, Form::xml) == sample);
    // As JSON trailing delimiters are left out; every value is there.
    std::string without(sample);
    without.erase(without.find("four||") + 4, 2);
    CHECK(there_and_back(sample, Form::json) == without);
    CHECK(hl7::form_named("xml") == Form::xml);
    CHECK(hl7::form_named("json") == Form::json);
    CHECK(hl7::form_named("er7") == Form::er7);
    CHECK(!hl7::form_named("XML"));
    CHECK(!hl7::form_named(""));
    CHECK(hl7::form_of("") == Form::er7);
}

TEST_CASE("other delimiters and charsets come back from JSON") {
    CHECK(there_and_back("MSH:!?*%:A:B\rPID:::X!Y%Z?W\r", Form::json) == "MSH:!?*%:A:B\rPID:::X!Y%Z?W\r");
    CHECK(there_and_back("MSH|^|A\rPID|||x^y\r", Form::json) == "MSH|^|A\rPID|||x^y\r");
    // In Latin 1 it came, as UTF-8 it is read, and says so.
    CHECK(there_and_back("MSH|^~\\&|A|||||||||||||||8859/1\rPID|||||M\xfcller\r", Form::json) ==
          "MSH|^~\\&|A|||||||||||||||UNICODE UTF-8\rPID|||||M\xc3\xbcller\r");
    CHECK(there_and_back("MSH|^~\\&|A\rBHS|^~\\&|x\r", Form::json).starts_with("MSH|^~\\&|A\rBHS|^~\\&|x\r"));
}

TEST_CASE("what is no message in JSON is refused") {
    auto const code = [](std::string const& text) {
        auto const read = hl7::from_json(text);
        return read ? "read: " + *read : read.error().code;
    };
    CHECK(code("{") == "not_json");
    CHECK(code("{}") == "not_a_message");
    CHECK(code("[]") == "not_a_message");
    CHECK(code(R"({"delimiters":"|^~\\&"})") == "not_a_message");
    CHECK(code(R"({"delimiters":"|^~\\&","segments":[]})") == "not_a_message");
    auto const with = [&](std::string const& values) {
        return code(
            R"({"delimiters":"|^~\\&","segments":[{"segment":"MSH","values":[{"path":"MSH-1","value":"|"},)"
            R"({"path":"MSH-2","value":"^~\\&"}]},{"segment":"PID","values":[)" +
            values + "]}]}");
    };
    CHECK(with("") == "read: MSH|^~\\&\rPID\r");
    CHECK(with(R"({"path":"PID-2","value":"a|b"})") == "read: MSH|^~\\&\rPID||a\\F\\b\r");
    CHECK(with(R"({"path":"PID-2","value":"a"},{"path":"PID-1","value":"a"})") == "not_a_message");
    CHECK(with(R"({"path":"PID-2","value":"a"},{"path":"PID-2","value":"a"})") == "not_a_message");
    CHECK(with(R"({"path":"PID-0","value":"a"})") == "not_a_message");
    CHECK(with(R"({"path":"PID-99999999999999999999","value":"a"})") == "not_a_message");
    CHECK(with(R"({"path":"PID-100001","value":"a"})") == "not_a_message");
    CHECK(with(R"({"path":"PID","value":"a"})") == "not_a_message");
    CHECK(with(R"({"path":"","value":"a"})") == "not_a_message");
    CHECK(with(R"({"value":"a"})") == "not_a_message");
    CHECK(with(R"({"path":"PID-2x","value":"a"})") == "not_a_message");
    CHECK(with("7") == "not_a_message");
}

TEST_CASE("JSON has a limit") {
    std::string text(sample);
    for (int i = 0; i < 100; ++i) text += "OBX|" + std::to_string(i) + "|ST|X||some value\r";
    auto const message = hl7::Message::view(text);
    hl7::MessageView const view(*message);
    CHECK(hl7::to_json(view, 1, text.size(), 1000).error().code == "json_too_large");
    CHECK(hl7::to_json(view, 1, text.size()).has_value());
}

TEST_CASE("what is to be said against a message, as JSON has it") {
    auto const findings = [](std::string_view text) {
        auto const message = hl7::Message::view(text);
        std::string out;
        for (auto const& f : hl7::findings_of(hl7::MessageView(*message)))
            out += std::string(f.severity) + " " + f.code + " " + f.place + ": " + f.text + "\n";
        return out;
    };
    CHECK(
        findings("MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|1|P|2.5\rEVN|A01\rPV1|1|I\rPID|1\rPV1|1\r"
                 "ZZZ|1\rABC|x|\xfc\r") ==
        "error out_of_place PID: out of place; it belongs to ADT_A01\n"
        "error too_many PV1[2]: one more than ADT_A01 allows\n"
        "information local ZZZ: a segment of the sender's own\n"
        "error unexpected ABC: the message structure has no such segment\n"
        "warning undeclared_charset MSH[1]-18: no charset beyond ASCII is declared, and the message is more "
        "than that\n");
    CHECK(findings("MSH|^~\\&|A|B|C|D|20260101||ADT^A01^ADT_A01|1|P|2.5\rEVN|A01\rPID|1\r")
              .find("error missing after PID: PV1 is missing in ADT_A01\n") != std::string::npos);
    CHECK(findings("MSH|^~\\&|A|B|C|D|20260101||QQQ^Q99|1|P|2.5\r") ==
          "warning unknown_structure MSH-9: no message structure is known for its type and event (MSH-9)\n");
}
