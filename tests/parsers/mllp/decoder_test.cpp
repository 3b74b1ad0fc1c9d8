#include "parsers/mllp/decoder.h"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using hilum::mllp::Decoder;
using hilum::mllp::Event;
using hilum::mllp::Framing;
using hilum::mllp::Limits;
using Kind = hilum::mllp::Event::Kind;
using namespace std::string_literals;

namespace {

// One line per event; garbage that arrives in pieces is one piece.
struct Log {
    std::vector<std::string> lines;
    std::uint64_t garbage = 0;
    std::uint64_t garbage_at = 0;

    void garbage_ends() {
        if (garbage != 0)
            lines.push_back("garbage " + std::to_string(garbage) + " at " + std::to_string(garbage_at));
        garbage = 0;
    }
    void add(Event const& event) {
        if (event.kind == Kind::garbage) {
            if (garbage == 0) garbage_at = event.offset;
            garbage += event.skipped;
            return;
        }
        garbage_ends();
        if (event.kind == Kind::frame) {
            lines.push_back("frame " + std::string(event.bytes) +
                            (event.missing_trailer ? " untrailed" : ""));
        } else if (event.kind == Kind::restart) {
            lines.push_back("restart " + std::to_string(event.skipped) + " at " +
                            std::to_string(event.offset));
        } else if (event.kind == Kind::too_large) {
            lines.push_back("too large at " + std::to_string(event.offset));
        }
    }
};

void drain(Decoder& decoder, Log& log) {
    for (Event event = decoder.next(); event.kind != Kind::need_more; event = decoder.next()) log.add(event);
}

std::vector<std::string> decode(std::vector<std::string> const& reads, Framing framing = {},
                                Limits limits = {}) {
    Decoder decoder(framing, limits);
    Log log;
    for (auto const& bytes : reads) {
        decoder.feed(bytes);
        drain(decoder, log);
    }
    log.garbage_ends();
    return log.lines;
}

struct Row {
    char const* name;
    std::string bytes;
    std::vector<std::string> events;
};

std::vector<Row> const rows = {
    {"nothing", "", {}},
    {"one frame", "\x0bMSH|\x1c\r", {"frame MSH|"}},
    {"an empty frame", "\x0b\x1c\r", {"frame "}},
    {"two frames in one read",
     "\x0b"
     "A\x1c\r\x0b"
     "B\x1c\r",
     {"frame A", "frame B"}},
    {"garbage before",
     "GET /\x0b"
     "A\x1c\r",
     {"garbage 5 at 0", "frame A"}},
    {"garbage between",
     "\x0b"
     "A\x1c\r\r\n\x0b"
     "B\x1c\r",
     {"frame A", "garbage 2 at 4", "frame B"}},
    {"garbage after",
     "\x0b"
     "A\x1c\rxyz",
     {"frame A", "garbage 3 at 4"}},
    {"only garbage", "hello", {"garbage 5 at 0"}},
    {"an open frame", "\x0bMSH|^~", {}},
    {"the end not yet sure",
     "\x0b"
     "A\x1c",
     {}},
    {"a start byte inside a frame",
     "\x0bMSH|\x0b"
     "B\x1c\r",
     {"restart 5 at 0", "frame B"}},
    {"two start bytes",
     "\x0b\x0b"
     "B\x1c\r",
     {"restart 1 at 0", "frame B"}},
    {"no CR, next frame at once",
     "\x0b"
     "A\x1c\x0b"
     "B\x1c\r",
     {"frame A untrailed", "frame B"}},
    {"LF in place of CR",
     "\x0b"
     "A\x1c\n\x0b"
     "B\x1c\r",
     {"frame A untrailed", "garbage 1 at 3", "frame B"}},
    {"no CR, garbage, next frame",
     "\x0b"
     "A\x1cxy\x0b"
     "B\x1c\r",
     {"frame A untrailed", "garbage 2 at 3", "frame B"}},
    {"an end byte inside the text",
     "\x0b"
     "A\x1c"
     "A\rB\x1c\r",
     {"frame A\x1c"
      "A\rB"}},
    {"an end byte inside the text, cut off",
     "\x0b"
     "A\x1c"
     "A\rB\x0b"
     "C\x1c\r",
     {"restart 6 at 0", "frame C"}},
    {"two end bytes",
     "\x0b"
     "A\x1c\x1c\r",
     {"frame A untrailed", "garbage 2 at 3"}},
    {"NUL in the text",
     "\x0b"
     "A\0B\x1c\r"s,
     {"frame A\0B"s}},
};

}  // namespace

TEST_CASE("frames: the table, in one read, byte by byte, and split at every byte") {
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(decode({row.bytes}) == row.events);
        std::vector<std::string> single;
        for (char const c : row.bytes) single.emplace_back(1, c);
        CHECK(decode(single) == row.events);
        for (std::size_t cut = 0; cut <= row.bytes.size(); ++cut) {
            CAPTURE(cut);
            CHECK(decode({row.bytes.substr(0, cut), row.bytes.substr(cut)}) == row.events);
        }
    }
}

TEST_CASE("frames: other framing bytes") {
    Framing const framing{'<', '>', '!'};
    CHECK(decode({"x<A\x0b\x1c\r>!<B>!"}, framing) ==
          std::vector<std::string>{"garbage 1 at 0", "frame A\x0b\x1c\r", "frame B"});
    CHECK(decode({"<A><B>!"}, framing) == std::vector<std::string>{"frame A untrailed", "frame B"});
    std::string out = "x";
    hilum::mllp::encode("A", out, framing);
    CHECK(out == "x<A>!");
}

TEST_CASE("frames: the limit is exact and refuses once, however the bytes arrive") {
    struct LimitRow {
        std::string bytes;
        std::vector<std::string> events;
    };
    std::vector<LimitRow> const limit_rows = {
        {"\x0b"
         "12345\x1c\r",
         {"frame 12345"}},
        {"\x0b"
         "123456\x1c\r\x0b"
         "A\x1c\r",
         {"too large at 0"}},
        {"\x0b"
         "123456",
         {"too large at 0"}},
        {"zz\x0b"
         "A\x1c\r\x0b"
         "1234567890",
         {"garbage 2 at 0", "frame A", "too large at 6"}},
        {"\x0b"
         "12345\x0b"
         "A\x1c\r",
         {"restart 6 at 0", "frame A"}},
        {"\x0b"
         "123456\x0b"
         "A\x1c\r",
         {"too large at 0"}},
        {"\x0b"
         "12345\x1c\x0b"
         "A\x1c\r",
         {"frame 12345 untrailed", "frame A"}},
        {"\x0b"
         "12345\x1cx\x0b"
         "A\x1c\r",
         {"too large at 0"}},
    };
    for (auto const& row : limit_rows) {
        CAPTURE(row.bytes);
        for (std::size_t cut = 0; cut <= row.bytes.size(); ++cut) {
            CHECK(decode({row.bytes.substr(0, cut), row.bytes.substr(cut)}, {}, {.max_frame = 5}) ==
                  row.events);
        }
        std::vector<std::string> single;
        for (char const c : row.bytes) single.emplace_back(1, c);
        CHECK(decode(single, {}, {.max_frame = 5}) == row.events);
    }
}

TEST_CASE("frames: an endless frame is refused before it is buffered, and leaves no memory behind") {
    constexpr std::size_t limit = 1u << 20;
    Decoder decoder({}, {.max_frame = limit});
    decoder.feed("\x0b");
    std::string const read(8192, 'x');
    bool refused = false;
    std::size_t most = 0;
    for (std::size_t fed = 0; fed < 4 * limit; fed += read.size()) {
        decoder.feed(read);
        most = std::max(most, decoder.capacity());
        Event const event = decoder.next();
        if (event.kind == Kind::too_large) {
            CHECK_FALSE(refused);
            refused = true;
            CHECK(decoder.capacity() == 0);
        } else {
            CHECK(event.kind == Kind::need_more);
        }
    }
    CHECK(refused);
    CHECK(most <= limit + (64u << 10) + read.size());
    CHECK(decoder.buffered() == 0);
    CHECK_FALSE(decoder.inside_frame());
}

TEST_CASE("frames: flush ends a frame whose trailer never comes") {
    Decoder decoder;
    decoder.feed(
        "\x0b"
        "A\x1c");
    CHECK(decoder.next().kind == Kind::need_more);
    CHECK(decoder.awaiting_trailer());
    Event const event = decoder.flush();
    CHECK(event.kind == Kind::frame);
    CHECK(event.bytes == "A");
    CHECK(event.missing_trailer);
    CHECK_FALSE(decoder.awaiting_trailer());
    CHECK(decoder.flush().kind == Kind::need_more);
    decoder.feed(
        "\x0b"
        "B");
    CHECK(decoder.flush().kind == Kind::need_more);
    CHECK(decoder.inside_frame());
    decoder.feed("\x1c\r");
    CHECK(decoder.next().bytes == "B");
}

TEST_CASE("frames: memory follows what is held") {
    Decoder decoder;
    CHECK(decoder.capacity() == 0);
    std::string frame;
    hilum::mllp::encode(std::string(3u << 20, 'x'), frame);
    for (std::size_t at = 0; at < frame.size(); at += 4096) decoder.feed(frame.substr(at, 4096));
    CHECK(decoder.capacity() < 7u << 20);
    decoder.release();  // something is held: nothing happens
    CHECK(decoder.next().bytes.size() == 3u << 20);
    CHECK(decoder.buffered() == 0);
    (void)decoder.prepare(4096);
    CHECK(decoder.capacity() == 4096);
    decoder.release();
    CHECK(decoder.capacity() == 0);
    decoder.feed(
        "\x0b"
        "A\x1c\r");
    CHECK(decoder.next().bytes == "A");
    CHECK(decoder.next().kind == Kind::need_more);
}

TEST_CASE("frames: pipelined frames taken one per read cost no more than their bytes") {
    // 200,000 frames held at once, then one taken and one added at a time: moving all that is held each time
    // would be some 10^11 bytes.
    Decoder decoder;
    std::string all;
    for (int i = 0; i < 200'000; ++i) hilum::mllp::encode("0123456789", all);
    decoder.feed(all);
    std::size_t frames = 0;
    for (int i = 0; i < 200'000; ++i) {
        frames += decoder.next().kind == Kind::frame ? 1 : 0;
        decoder.feed(
            "\x0b"
            "0123456789\x1c\r");
    }
    while (decoder.next().kind == Kind::frame) ++frames;
    CHECK(frames == 400'000);
    CHECK(decoder.capacity() < 3 * all.size());
}

TEST_CASE("frames: any bytes in any splits give the same events") {
    std::mt19937 random(7);
    std::string const alphabet = "\x0b\x1c\r\n"s + "AB\0"s;
    for (int round = 0; round < 3000; ++round) {
        std::string bytes;
        for (auto n = random() % 40; n > 0; --n) bytes += alphabet[random() % alphabet.size()];
        std::vector<std::string> reads;
        for (std::size_t at = 0; at < bytes.size();) {
            std::size_t const length = 1 + random() % 5;
            reads.push_back(bytes.substr(at, length));
            at += length;
        }
        Limits const limits{.max_frame = 4 + random() % 10};
        CHECK(decode({bytes}, {}, limits) == decode(reads, {}, limits));
    }
}
