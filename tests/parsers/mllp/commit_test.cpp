#include "parsers/mllp/commit.h"

#include <doctest/doctest.h>

#include <string>

using namespace hilum::mllp;

TEST_CASE("commit blocks: written, framed and read") {
    std::string bytes;
    encode(Commit::ack, bytes);
    encode(Commit::nak, bytes);
    CHECK(bytes == "\x0b\x06\x1c\r\x0b\x15\x1c\r");
    // Whatever the reads, and between messages.
    bytes += "\x0bMSH|x\x1c\r";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        CAPTURE(cut);
        Decoder decoder;
        std::string read;
        for (auto const part :
             {std::string_view(bytes).substr(0, cut), std::string_view(bytes).substr(cut)}) {
            decoder.feed(part);
            for (auto event = decoder.next(); event.kind != Event::Kind::need_more; event = decoder.next()) {
                REQUIRE(event.kind == Event::Kind::frame);
                auto const commit = commit_of(event.bytes);
                read += !commit ? "message " : *commit == Commit::ack ? "ack " : "nak ";
            }
        }
        CHECK(read == "ack nak message ");
    }
}

TEST_CASE("commit blocks: anything else is content") {
    CHECK_FALSE(commit_of(""));
    CHECK_FALSE(commit_of("\x07"));
    CHECK_FALSE(commit_of("\x06\x06"));
    CHECK_FALSE(commit_of("\x06\r"));
}
