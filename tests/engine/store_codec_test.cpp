// The format, as docs/journal.md says it.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <random>
#include <sstream>
#include <string>

#include "engine/store/codec.h"
#include "engine/store/ledger.h"
#include "engine/store/segment.h"
#include "tests/engine/support/store_harness.h"

using namespace hilum;
using namespace hilum::store;
using namespace hilum::testing;

namespace {

// The hex block below "A worked example": lines of "offset  bytes  comment", bytes separated by single
// blanks.
std::string example_of_the_document() {
    std::ifstream file(std::string(HILUM_SOURCE) + "/docs/journal.md");
    std::string const all((std::istreambuf_iterator<char>(file)), {});
    auto const from = all.find("```", all.find("## A worked example"));
    REQUIRE(from != std::string::npos);
    std::istringstream lines(all.substr(from + 4, all.find("```", from + 3) - from - 4));
    std::string bytes;
    for (std::string line; std::getline(lines, line);) {
        CHECK(std::stoul(line.substr(0, 3)) == bytes.size());
        std::istringstream hex(line.substr(5, 16 * 3 - 1));
        for (std::string b; hex >> b;) bytes.push_back(static_cast<char>(std::stoul(b, nullptr, 16)));
    }
    return bytes;
}

std::string example_by_the_code() {
    constexpr std::uint64_t id = 0x1122334455667788;
    constexpr std::int64_t time = 1'700'000'000'000'000;
    Checksum const checksum(id);
    std::string s = encode_segment_header({format_version, 1, id, 1, time});
    std::string front;
    Ledger().encode(front);
    append_record(s, Kind::checkpoint, 1, front, {}, checksum);
    Position const durable = Position::at(1, static_cast<std::uint32_t>(s.size()));
    append_name(s, 1, "adt_in", checksum);
    append_name(s, 2, "lab", checksum);
    append_name(s, 3, "to-lab", checksum);
    append_mark(s, Kind::sync_mark, 0, durable, checksum);
    MessageRecord m;
    m.received_us = time;
    m.listener = 1;
    m.received = "MSH|^~\\&|A\r";
    m.answer_code = "AA";
    std::string_view const changed = "MSH|^~\\&|B\r";
    m.bodies = {changed};
    m.deliveries = {{2, 3, 1}};
    m.verdicts = {{3, 0, ""}};
    Position const at = Position::at(1, static_cast<std::uint32_t>(s.size()));
    append_message(s, m, 1, message_body_crc(m, checksum), checksum);
    ResultRecord r;
    r.sequence = 1;
    r.key = {at, 0};
    r.settled_up_to = {at, 1};
    r.destination = 2;
    r.time_us = time + 500;
    r.duration_us = 300;
    r.code = "AA";
    append_result(s, r, checksum);
    append_mark(s, Kind::clean_end, 1, Position::at(1, static_cast<std::uint32_t>(s.size())), checksum);
    return s;
}

std::string printed(std::string const& bytes) {
    std::string out;
    char piece[32];
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i % 16 == 0) {
            std::snprintf(piece, sizeof piece, "%s%03zu ", i == 0 ? "" : "\n", i);
            out += piece;
        }
        std::snprintf(piece, sizeof piece, " %02x", static_cast<unsigned char>(bytes[i]));
        out += piece;
    }
    return out;
}

}  // namespace

TEST_CASE("store codec: the worked example of docs/journal.md is what the code writes and reads") {
    std::string const bytes = example_of_the_document();
    CHECK_MESSAGE(bytes == example_by_the_code(), "the document should say:\n"
                                                      << printed(example_by_the_code()));
    auto disk = std::make_shared<MemoryFileSystem>();
    disk->put(segment_path("data", 1), bytes);
    auto const report = verify("data", disk);
    REQUIRE(report.has_value());
    CHECK(report->clean);
    CHECK(report->damage.empty());
    Opened o(disk);
    auto const m = o.store->read(o.store->find(1).value());
    REQUIRE(m.has_value());
    CHECK(o.store->name(m->record.listener) == "adt_in");
    CHECK(m->body(0) == "MSH|^~\\&|B\r");
    CHECK(lane(*o.store, 2).queued == 0);
    CHECK(lane(*o.store, 2).cursor == LaneKey{o.store->find(1).value(), 1});
}

TEST_CASE("store codec: CRC-32C") {
    // RFC 3720, appendix B.4.
    CHECK(crc32c(0, std::string(32, '\0')) == 0x8A9136AA);
    CHECK(crc32c(0, std::string(32, '\xff')) == 0x62A8AB43);
    CHECK(crc32c(0, "123456789") == 0xE3069283);
    std::mt19937 random(7);
    std::string s(5000, '\0');
    for (auto& c : s) c = static_cast<char>(random());
    for (std::size_t from = 0; from < 20; ++from) {
        for (std::size_t n = 0; n < 300; n += 1 + from) {
            std::string_view const piece = std::string_view(s).substr(from, n);
            CHECK(crc32c(0, piece) == crc32c_portable(0, piece));
            CHECK(crc32c(crc32c(0, piece.substr(0, n / 3)), piece.substr(n / 3)) ==
                  crc32c_portable(0, piece));
        }
    }
    CHECK(crc32c(1, s) == crc32c_portable(1, s));
}

TEST_CASE("store codec: integers") {
    std::uint64_t const values[] = {
        0, 1, 127, 128, 16383, 16384, 0xffffffff, 0x100000000, 0x7fffffffffffffff, 0xffffffffffffffff};
    for (auto const v : values) {
        CAPTURE(v);
        std::string s;
        Writer w(s);
        w.varint(v);
        w.zigzag(static_cast<std::int64_t>(v));
        Reader in(s);
        CHECK(in.varint() == v);
        CHECK(in.zigzag() == static_cast<std::int64_t>(v));
        CHECK_FALSE(in.failed());
        CHECK(in.left() == 0);
        Reader cut(std::string_view(s).substr(0, s.size() - 1));
        cut.varint();
        cut.zigzag();
        CHECK(cut.failed());
    }
    for (auto const& bad : {std::string(11, '\x80'), std::string(9, '\xff') + "\x02", std::string()}) {
        Reader in(bad);
        CHECK(in.varint() == 0);
        CHECK(in.failed());
    }
    Reader too_many("\x20xxx");
    CHECK(too_many.count(1) == 0);
    CHECK(too_many.failed());
}

TEST_CASE("store ledger: a checkpoint gives back what went in") {
    Ledger a;
    a.names = {{1, "lab"}, {2, "ehr"}};
    a.previous_end = Position::at(4, 777);
    auto const at = [](std::uint32_t segment, std::uint32_t offset) { return Position::at(segment, offset); };
    for (std::uint32_t i = 0; i < 100; ++i) {
        a.delivery(1, {at(5, 200 + i * 10), 0});
        a.delivery(2, {at(5, 200 + i * 10), 1});
        a.message(at(5, 200 + i * 10), i + 1, i % 10 == 0 ? MessageState::held : MessageState::accepted);
    }
    for (std::uint32_t i = 10; i < 100; i += 3) {
        a.result(outcome({at(5, 200 + i * 10), 0}, {}, 1, i + 1,
                         i % 2 == 0 ? DeliveryOutcome::held : DeliveryOutcome::skipped));
    }
    auto in_flight = outcome({at(5, 200), 0}, {}, 1, 1, DeliveryOutcome::in_flight);
    a.result(in_flight);
    auto cut_off = outcome({at(5, 210), 0}, {}, 1, 2, DeliveryOutcome::ambiguous);
    a.result(cut_off);
    ResendRecord r;
    r.position = at(2, 300);
    r.destination = 2;
    a.resend(at(6, 900), r);
    std::string front;
    a.encode(front);
    Ledger b;
    RecordHeader header;
    header.layout = layout_now;
    REQUIRE(b.decode(header, front));
    std::string again;
    b.encode(again);
    CHECK(again == front);
    CHECK(b.states().at(0).uncertain == std::vector<LaneKey>{{at(5, 200), 0}, {at(5, 210), 0}});
    auto known = outcome({at(5, 200), 0}, {}, 1, 1, DeliveryOutcome::failed);
    b.result(known);  // not sent for sure
    CHECK(b.states().at(0).uncertain == std::vector<LaneKey>{{at(5, 210), 0}});
    known.key = {at(5, 210), 0};
    known.possible_duplicate = true;  // an attempt before this one may have come through
    b.result(known);
    CHECK(b.states().at(0).uncertain == std::vector<LaneKey>{{at(5, 210), 0}});
    b.result(outcome({at(5, 210), 0}, {}, 1, 2, DeliveryOutcome::delivered));
    CHECK(b.states().at(0).uncertain.empty());
    CHECK(b.first_needed() == 2);  // the message that waits to be sent again
    // It is held in its turn; a person who deals with it names the message's own delivery.
    b.result(outcome({at(6, 900), 0}, {}, 2, 1, DeliveryOutcome::held));
    CHECK(b.first_needed() == 2);
    CHECK(b.lanes().at(2).held.size() == 1);
    b.result(outcome({at(2, 300), 0}, {}, 2, 1, DeliveryOutcome::released));
    CHECK(b.lanes().at(2).held.size() == 0);
    CHECK(b.first_needed() == 5);
    CHECK(b.lanes().at(1).queued == 69);
    CHECK(b.lanes().at(1).held.size() == 15);
    for (std::size_t n = 0; n < front.size(); ++n) {
        Ledger cut;
        CHECK_FALSE(cut.decode(header, std::string_view(front).substr(0, n)));
    }
}
