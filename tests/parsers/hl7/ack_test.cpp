#include "parsers/hl7/ack.h"

#include <doctest/doctest.h>

#include <string>

using hilum::hl7::AckCode;
using hilum::hl7::AckError;
using hilum::hl7::AckOptions;
using hilum::hl7::Message;

namespace {

AckOptions const options{.control_id = "N1", .timestamp = "20240102030405+0000"};

std::string answer(std::string const& bytes, AckCode code, AckError const* error = nullptr) {
    auto const message = Message::view(bytes);
    REQUIRE(message.has_value());
    std::string out;
    hilum::hl7::build_ack(*message, code, options, error, out);
    return out;
}

}  // namespace

TEST_CASE("ack: built for the message's version and delimiters") {
    AckError const missing{.location = "PID^1^3", .code = "101", .text = "PID-3 is empty"};
    AckError const plain{.location = "", .code = "207", .text = "", .severity = 'W'};
    AckError const several{.location = "PID^1^3",
                           .code = "101",
                           .text = "two",
                           .further = {{.location = "PID^1^5", .code = "102"}}};
    struct Row {
        char const* name;
        std::string message;
        AckCode code;
        AckError const* error;
        std::string answer;
    };
    Row const rows[] = {
        {"2.5", "MSH|^~\\&|A|B|C|D|1||ADT^A01^ADT_A01|M1|P|2.5\r", AckCode::AA, nullptr,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.5\rMSA|AA|M1\r"},
        {"2.5, error", "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|T|2.5.1^USA\r", AckCode::AE, &missing,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|T|2.5.1^USA\rMSA|AE|M1|PID-3 is empty\r"
         "ERR||PID^1^3|101^Required field missing^HL70357|E||||PID-3 is empty\r"},
        {"2.7, no MSA-3", "MSH|^~\\&#|A|B|C|D|1||ADT^A01|M1|P|2.7\r", AckCode::AR, &missing,
         "MSH|^~\\&#|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.7\rMSA|AR|M1\r"
         "ERR||PID^1^3|101^Required field missing^HL70357|E||||PID-3 is empty\r"},
        {"2.4, ERR-1", "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.4\r", AckCode::AE, &missing,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.4\rMSA|AE|M1|PID-3 is empty\r"
         "ERR|PID^1^3^101&Required field missing&HL70357\r"},
        {"2.4, several", "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.4\r", AckCode::AE, &several,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.4\rMSA|AE|M1|two\r"
         "ERR|PID^1^3^101&Required field missing&HL70357~PID^1^5^102&Data type error&HL70357\r"},
        {"2.4, several where nothing can repeat", "MSH|^|A|B|C|D|1||ADT^A01|M1|P|2.4\r", AckCode::AE,
         &several,
         "MSH|^|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.4\rMSA|AE|M1|two\rERR|PID^1^3^101\r"},
        {"2.5, several", "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.5\r", AckCode::AE, &several,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.5\rMSA|AE|M1|two\r"
         "ERR||PID^1^3|101^Required field missing^HL70357|E||||two\r"
         "ERR||PID^1^5|102^Data type error^HL70357|E||||\r"},
        {"2.3.1, no place", "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.3.1\r", AckCode::AE, &plain,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.3.1\rMSA|AE|M1\r"
         "ERR|^^^207&Application internal error&HL70357\r"},
        {"2.3", "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.3\r", AckCode::AA, nullptr,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01|N1|P|2.3\rMSA|AA|M1\r"},
        {"2.1", "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.1\r", AckCode::AA, nullptr,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK|N1|P|2.1\rMSA|AA|M1\r"},
        {"unknown version, warning", "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|X\r", AckCode::AE, &plain,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|X\rMSA|AE|M1\r"
         "ERR|||207^Application internal error^HL70357|W||||\r"},
        {"character set", "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.5|||||DEU|UNICODE UTF-8\r", AckCode::CA,
         nullptr,
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.5||||||UNICODE UTF-8\rMSA|CA|M1\r"},
        {"other delimiters, escaped raw", "MSH#!@%*#A!1#B%F%#C#D#1##ADT!A01#M!1#P#2.5\r", AckCode::AE,
         &missing,
         "MSH#!@%*#C#D#A!1#B%F%#20240102030405+0000##ACK!A01!ACK#N1#P#2.5\rMSA#AE#M!1#PID-3 is empty\r"
         "ERR##PID!1!3#101!Required field missing!HL70357#E####PID-3 is empty\r"},
        {"short MSH-2", "MSH|^~|A|B|C|D|1||ADT^A01|M1|P|2.4\r", AckCode::AE, &missing,
         "MSH|^~|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.4\rMSA|AE|M1|PID-3 is empty\r"
         "ERR|PID^1^3^101\r"},
        {"nearly nothing", "MSH|^", AckCode::AR, nullptr,
         "MSH|^|||||20240102030405+0000||ACK|N1||\rMSA|AR|\r"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(answer(row.message, row.code, row.error) == row.answer);
        CHECK(Message::view(row.answer).has_value());
    }
}

TEST_CASE("ack: MSH-15, MSH-16 and MSA-4 in every version") {
    AckOptions const enhanced{
        .control_id = "N1", .timestamp = "1", .accept = "AL", .application = "NE", .expected_sequence = 7};
    AckError const missing{.location = "", .code = "101", .text = "why"};
    struct Row {
        char const* version;
        char const* header;  // from MSH-12 on
        char const* msa;     // of a CE with the text
    };
    Row const rows[] = {
        {"2.1", "|2.1||||||8859/1\r", "MSA|CE|M1|why|7\r"},
        {"2.2", "|2.2|||AL|NE||8859/1\r", "MSA|CE|M1|why|7\r"},
        {"2.3", "|2.3|||AL|NE||8859/1\r", "MSA|CE|M1|why|7\r"},
        {"2.3.1", "|2.3.1|||AL|NE||8859/1\r", "MSA|CE|M1|why|7\r"},
        {"2.4", "|2.4|||AL|NE||8859/1\r", "MSA|CE|M1|why|7\r"},
        {"2.5", "|2.5|||AL|NE||8859/1\r", "MSA|CE|M1|why|7\r"},
        {"2.5.1", "|2.5.1|||AL|NE||8859/1\r", "MSA|CE|M1|why|7\r"},
        {"2.6", "|2.6|||AL|NE||8859/1\r", "MSA|CE|M1|why|7\r"},
        {"2.7", "|2.7|||AL|NE||8859/1\r", "MSA|CE|M1||7\r"},
        {"2.7.1", "|2.7.1|||AL|NE||8859/1\r", "MSA|CE|M1||7\r"},
        {"2.8", "|2.8|||AL|NE||8859/1\r", "MSA|CE|M1||7\r"},
        {"2.8.1", "|2.8.1|||AL|NE||8859/1\r", "MSA|CE|M1||7\r"},
        {"2.8.2", "|2.8.2|||AL|NE||8859/1\r", "MSA|CE|M1||7\r"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.version);
        auto const bytes = "MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|" + std::string(row.version) + "||||||8859/1\r";
        auto const message = Message::view(bytes);
        REQUIRE(message.has_value());
        std::string out;
        hilum::hl7::build_ack(*message, AckCode::CE, enhanced, &missing, out);
        CAPTURE(out);
        CHECK(out.find(row.header) != std::string::npos);
        CHECK(out.find(row.msa) != std::string::npos);
        auto const answer = Message::view(out);
        REQUIRE(answer.has_value());
        CHECK(answer->text("MSH-18") == "8859/1");
        CHECK(answer->text("MSA-4") == "7");
        CHECK(answer->text("MSH-10") == "N1");
    }
}

TEST_CASE("ack: the error's text can't break the answer") {
    AckError const error{.location = "P|D^1", .code = "1|1", .text = "a|b\rMSA|AA|x"};
    auto const bytes = answer("MSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.5\r", AckCode::AE, &error);
    auto const message = Message::view(bytes);
    REQUIRE(message.has_value());
    CHECK(message->segment_count() == 3);
    CHECK(message->text("ERR-8") == "a|b\rMSA|AA|x");
    CHECK(message->text("ERR-2.1") == "P|D");
}

TEST_CASE("ack: the error's text is in the charset of the answer, and no byte of it is a delimiter") {
    struct Row {
        std::string charset, text, raw;
    };
    Row const rows[] = {
        {"UNICODE UTF-8", "n\xc3\xa4 | \xff", "n\xc3\xa4 \\F\\ ?"},
        {"", "\xc3", "?"},
        {"8859/1", "n\xc3\xa4 \xe6\xbc\xa2", "n\xe4 ?"},
        // Shift_JIS: 83 7c is one character with the byte of a delimiter in it; ff 8d is none.
        {"SJIS", "\xe3\x83\x9d|\xff\x8d", "\x83|\\F\\??"},
        {"~ISO IR87", "\xe5\xb1\xb1", "\x1b$B;3\x1b(B"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.charset);
        auto const message =
            Message::parse("MSH|^~\\&|A|B|C|D|2024||ADT^A01|M1|P|2.5||||||" + row.charset + "\rPID|1\r");
        REQUIRE(message.has_value());
        AckError const error{.location = "PID^1^3", .code = "101", .text = row.text};
        std::string out;
        hilum::hl7::build_ack(*message, AckCode::AE, {.control_id = "1", .timestamp = "2"}, &error, out);
        CAPTURE(out);
        CHECK(out.find("MSA|AE|M1|" + row.raw + "\rERR|") != std::string::npos);
        CHECK(out.ends_with("||||" + row.raw + "\r"));
        auto const answer = Message::view(out);
        REQUIRE(answer.has_value());
        CHECK(answer->segment_count() == 3);
        // It declares what it is written in, all of it.
        CHECK(answer->charset() == message->charset());
    }
}

TEST_CASE("nak for a fragment: from what can be read of MSH") {
    AckError const error{.code = "207", .text = "unreadable"};
    struct Row {
        char const* name;
        std::string bytes;
        std::string answer;
    };
    Row const rows[] = {
        {"no MSH", "PID|1\r", ""},
        {"part of a word", "xMSH|^~\\&|A\r", ""},
        {"garbage before", "xx\rMSH|^~\\&|A|B|C|D|1||ADT^A01|M1|P|2.5\r",
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK^A01^ACK|N1|P|2.5\rMSA|AR|M1|unreadable\r"
         "ERR|||207^Application internal error^HL70357|E||||unreadable\r"},
        {"bad encoding characters", "MSH|0000|A|B|C|D|1||ADT^A01|M^1|T|2.4\rPID|1\r",
         "MSH|^~\\&|C|D|A|B|20240102030405+0000||ACK|N1|T|2.4\rMSA|AR|M\\S\\1|unreadable\r"
         "ERR|^^^207&Application internal error&HL70357\r"},
        {"cut off", "MSH|",
         "MSH|^~\\&|||||20240102030405+0000||ACK|N1|P|2.5.1\rMSA|AR||unreadable\r"
         "ERR|||207^Application internal error^HL70357|E||||unreadable\r"},
        {"a name", "MSH",
         "MSH|^~\\&|||||20240102030405+0000||ACK|N1|P|2.5.1\rMSA|AR||unreadable\r"
         "ERR|||207^Application internal error^HL70357|E||||unreadable\r"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(hilum::hl7::build_nak_for_fragment(row.bytes, options, error) == row.answer);
    }
}

TEST_CASE("read_ack: the table") {
    struct Row {
        char const* name;
        std::string bytes;
        char const* failure;
        AckCode code;
        char const* control_id;
        char const* error_code;
        char const* text;
    };
    std::string const msh = "MSH|^~\\&|C|D|A|B|1||ACK^A01^ACK|N1|P|2.5\r";
    Row const rows[] = {
        {"accepted", msh + "MSA|AA|M1\r", "", AckCode::AA, "M1", "", ""},
        {"short", "MSH|^~\\&|\rMSA|CA|M1", "", AckCode::CA, "M1", "", ""},
        {"no control id", msh + "MSA|AA\r", "", AckCode::AA, "", "", ""},
        {"lower case and blanks", msh + "MSA| ae |M\\T\\1\r", "", AckCode::AE, "M&1", "", ""},
        {"LF and further segments", "MSH|^~\\&|\nSFT|x\nMSA|AR|M1|no\nQAK|1\n", "", AckCode::AR, "M1", "",
         "no"},
        {"ERR of 2.5", msh + "MSA|AE|M1|old\rERR||PID^1^3|101^Required field missing|E|||diag|user\r", "",
         AckCode::AE, "M1", "101", "user"},
        {"ERR-7", msh + "MSA|AE|M1\rERR||PID^1^3|101|E|||diag\r", "", AckCode::AE, "M1", "101", "diag"},
        {"ERR of 2.4", msh + "MSA|AE|M1\rERR|PID^1^3^102&Data type error&HL70357\r", "", AckCode::AE, "M1",
         "102", "Data type error"},
        {"MSA-6", msh + "MSA|AE|M1||||204\r", "", AckCode::AE, "M1", "204", ""},
        {"no MSA", msh, "no_msa", AckCode::AA, "", "", ""},
        {"bad MSA-1", msh + "MSA|OK|M1\r", "bad_msa_1", AckCode::AA, "", "", ""},
        {"empty MSA-1", msh + "MSA||M1\r", "bad_msa_1", AckCode::AA, "", "", ""},
        {"no HL7", "HTTP/1.1 200 OK", "no_msh", AckCode::AA, "", "", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const reading = hilum::hl7::read_ack(row.bytes);
        std::string const failure = reading ? "" : reading.error().code;
        CHECK(failure == row.failure);
        if (!reading) continue;
        CHECK(reading->code == row.code);
        CHECK(reading->control_id == row.control_id);
        CHECK(reading->error_code == row.error_code);
        CHECK(reading->text == row.text);
    }
}

TEST_CASE("ack codes: names and back") {
    for (auto const text : {"AA", "AE", "AR", "CA", "CE", "CR"}) {
        auto const code = hilum::hl7::ack_code(text);
        REQUIRE(code.has_value());
        CHECK(hilum::hl7::name(*code) == text);
    }
    CHECK_FALSE(hilum::hl7::ack_code("aa").has_value());
    CHECK_FALSE(hilum::hl7::ack_code("").has_value());
}
