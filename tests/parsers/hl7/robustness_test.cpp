// No bytes crash the parsers: every prefix and every single-byte change of messages that use all they know.
#include <doctest/doctest.h>

#include <string>

#include "parsers/hl7/ack.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/message.h"

using hilum::hl7::Message;
using hilum::hl7::Path;
using namespace std::string_literals;

namespace {

std::string const seeds[] = {
    "MSH|^~\\&#|A|B|C|D|1||ADT^A01^ADT_A01|M1|P|2.7\rPID|1||1^^^H&1&ISO~2||A^B||\"\"|\\T\\\\X0D\\\\."
    "br\\\rNK1\r",
    "\xef\xbb\xbf\nMSH|^~\\&|A|B|C|D|1||ORU^R01|M1|P|2.3\n\nOBX|1|TX|||a\r\nb|\r\nMSA|AE|M1||||207\nERR|PID^"
    "1^3^101&x",
    "MSH#!@%*#A###1##ACK!A01#M1#P#2.5\rMSA#AA#M1\rERR##PID!1#101!x#E\r",
    "FHS|^~\\&\rBHS|^~\\&\r\x0bMSH|^|\rZZ1|\x1c\rBTS|1\rFTS\r",
};

// Uses everything once; whatever comes out must hold together.
void use(std::string const& bytes) {
    for (auto const part : hilum::hl7::split_messages(bytes).messages) CHECK(part.size() <= bytes.size());
    (void)hilum::hl7::read_ack(bytes);
    hilum::hl7::AckError const error{.location = "PID^1^3", .text = "x|y"};
    auto const nak = hilum::hl7::build_nak_for_fragment(bytes, {.control_id = "1"}, error);
    if (!nak.empty()) CHECK(hilum::hl7::read_ack(nak).has_value());

    auto message = Message::view(bytes);
    if (!message) return;
    CHECK(message->bytes() == bytes);
    for (auto const text : {"MSH-9.2", "PID-3[2].4.2", "OBX[*]-5", "NK1-1", "ZZ1[2]-9", "ERR-1.4.1"}) {
        auto const path = Path::parse(text);
        std::string scratch;
        (void)message->text(*path, scratch);
        std::size_t values = 0;
        message->for_each(*path, [&](hilum::hl7::Value const&) { ++values; });
        auto const before = message->bytes();
        if (message->set(*path, "a|b")) {
            auto const get_back = message->text(*path, scratch);
            if (!path->many()) CHECK(get_back == "a|b");
        } else {
            CHECK(message->bytes() == before);
        }
        (void)message->erase(*path);
        (void)message->copy(*path, Path::parse("PID-5").value());
    }
    CHECK(Message::view(message->bytes()).has_value());
}

}  // namespace

TEST_CASE("robustness: every prefix") {
    for (auto const& seed : seeds) {
        for (std::size_t length = 0; length <= seed.size(); ++length) use(seed.substr(0, length));
    }
}

TEST_CASE("robustness: every single-byte change and loss") {
    std::string const bytes_tried = "\0\x01\n\x0b\r\x1c |^~\\&#\"AM1\x7f\x80\xc3\xff"s;
    for (auto const& seed : seeds) {
        for (std::size_t at = 0; at < seed.size(); ++at) {
            std::string changed = seed;
            for (char const c : bytes_tried) {
                changed[at] = c;
                use(changed);
            }
            use(std::string(seed).erase(at, 1));
        }
    }
}
