// No bytes crash the parsers: every prefix and every single-byte change of messages that use all they know.
#include <doctest/doctest.h>

#include <random>
#include <string>

#include "parsers/hl7/ack.h"
#include "parsers/hl7/batch.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/structure.h"
#include "parsers/hl7/validate.h"
#include "parsers/hl7/xml.h"

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
    // A lone surrogate in UTF-8, NULs, and a charset whose characters have delimiters in them.
    "MSH|^~\\&|A|B|C|D|1||ORU^R01|M1|P|2.5.1||||||UNICODE UTF-8\rPID|1||\xed\xa0\x80^\xed\xb0\x80\rOBX|1|ST|\0|\0\r"s,
    "MSH|^~\\&|A|B|C|D|1||ORU^R01|M1|P|2.5.1||||||BIG-5\rPID|1||\xa5\x5c\xa5|\xa5\r",
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

// As XML and back, and held against the dictionary: more work, so for fewer bytes.
void use_more(std::string const& bytes) {
    static hilum::hl7::Rules const rules = hilum::hl7::Rules::of(hilum::hl7::Dictionary::standard());
    auto const message = Message::view(bytes);
    if (!message) return;
    auto const report = hilum::hl7::validate(*message, rules);
    for (auto const& finding : report.findings) CHECK(finding.segment <= message->segment_count() + 1);
    auto const xml = hilum::hl7::to_xml(*message);
    REQUIRE(xml.has_value());
    auto const back = hilum::hl7::from_xml(*xml);
    // Read in the charset that MSH-18 names, a damaged character may have moved MSH-18 itself: XML then has
    // no place that says the charset.
    auto const declared = hilum::hl7::Charset::declared(message->get(Path::parse("MSH-18").value()).raw,
                                                        message->delimiters().repetition);
    if (message->charset().masks() && !(declared == message->charset())) return;
    CAPTURE(*xml);
    if (!back) FAIL(back.error().text());
    // The segments as they came, each ended by CR; a line feed before one is part of that end.
    std::string expected;
    for (std::size_t n = 1; n <= message->segment_count(); ++n) {
        std::string_view segment = message->segment(n);
        segment.remove_prefix(std::min(segment.find_first_not_of('\n'), segment.size()));
        if (segment.empty()) continue;
        message->append_bytes(segment, expected);
        expected += '\r';
    }
    CHECK(*back == expected);
}

// Seed and mutation of text that may be XML: a message or an error with its place.
void use_xml(std::string const& xml) {
    auto const message = hilum::hl7::from_xml(xml);
    if (message) {
        CHECK(Message::view(*message).has_value());
    } else {
        CHECK_FALSE(message.error().place.empty());
    }
}

std::string const xml_seed =
    "<?xml version='1.0'?><ACK xmlns='urn:hl7-org:v2xml'><MSH><MSH.1>|</MSH.1><MSH.2>^~\\&amp;</MSH.2>"
    "<MSH.9><MSG.1>ACK</MSG.1></MSH.9></MSH><!-- c --><G.1><NTE><NTE.3>a<escape V='.br'/>&#233;"
    "<![CDATA[<]]></NTE.3><NTE.3/></NTE></G.1></ACK>";

}  // namespace

TEST_CASE("robustness: every prefix") {
    for (auto const& seed : seeds) {
        for (std::size_t length = 0; length <= seed.size(); ++length) {
            use(seed.substr(0, length));
            use_more(seed.substr(0, length));
        }
    }
    for (std::size_t length = 0; length <= xml_seed.size(); ++length) use_xml(xml_seed.substr(0, length));
}

TEST_CASE("robustness: every single-byte change and loss") {
    std::string const telling = "\0\x01\n\x0b\r\x1c |^~\\&#\"AM1\x7f\x80\xc3\xff"s;
    for (auto const& seed : seeds) {
        for (std::size_t at = 0; at < seed.size(); ++at) {
            std::string changed = seed;
            for (int byte = 0; byte < 256; ++byte) {
                changed[at] = static_cast<char>(byte);
                use(changed);
                if (telling.find(changed[at]) != std::string::npos) use_more(changed);
            }
            use(std::string(seed).erase(at, 1));
        }
    }
    for (std::size_t at = 0; at < xml_seed.size(); ++at) {
        std::string changed = xml_seed;
        for (int byte = 0; byte < 256; ++byte) {
            changed[at] = static_cast<char>(byte);
            use_xml(changed);
        }
        use_xml(std::string(xml_seed).erase(at, 1));
    }
}

TEST_CASE("robustness: random bytes") {
    std::mt19937 random(3);
    std::string const likely = "|^~\\&\r\nMSHPIDOBX123\x0b\x1c\xc3\xa9";
    char const* const starts[] = {"", "MSH|^~\\&|", "MSH|^~\\&|A|B|C|D|1||ORU^R01|1|P|2.5.1\r", "<ACK><MSH>"};
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes = starts[random() % 4];
        for (auto n = random() % 200; n > 0; --n)
            bytes += random() % 3 == 0 ? static_cast<char>(random() % 256) : likely[random() % likely.size()];
        CAPTURE(bytes);
        use(bytes);
        if (round % 4 == 0) use_more(bytes);
        use_xml(bytes);
    }
}
