#include "parsers/gzip.h"

#include <doctest/doctest.h>

#include <string>

using namespace hilum;

namespace {

std::string code_of(std::string_view bytes, std::size_t limit = 1 << 20) {
    auto const plain = gunzip(bytes, limit);
    return plain ? "" : plain.error().code;
}

std::string noise(std::size_t size) {
    std::string out;
    std::uint32_t state = 1;
    while (out.size() < size) out += static_cast<char>((state = state * 1664525U + 1013904223U) >> 24U);
    return out;
}

}  // namespace

TEST_CASE("what is packed is unpacked, at every size around the buffer's") {
    for (std::size_t const size : {0, 1, 2, 1000, 65535, 65536, 65537, 131072, 300000}) {
        for (auto const& text : {std::string(size, 'a'), noise(size)}) {
            CAPTURE(size);
            auto const packed = gzip(text);
            CHECK(packed.substr(0, 3) == "\x1f\x8b\x08");  // RFC 1952 §2.3.1
            auto const plain = gunzip(packed, size);
            REQUIRE(plain.has_value());
            CHECK(*plain == text);
            if (size > 0) CHECK(code_of(packed, size - 1) == "too_large");
        }
    }
}

TEST_CASE("gzip of others is read: its header may have a name, a comment and more") {
    // "hi": the fields FEXTRA, FNAME, FCOMMENT and FHCRC left out and put in by hand.
    constexpr std::string_view body("\xcb\xc8\x04\x00\xac\x2a\x93\xd8\x02\x00\x00\x00", 12);
    constexpr std::string_view plain("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", 10);
    constexpr std::string_view named(
        "\x1f\x8b\x08\x1c\x00\x00\x00\x00\x00\x03\x02\x00xx"
        "a.json\0comment\0",
        29);
    for (auto const head : {plain, named}) {
        std::string packed(head);
        packed += body;
        auto const read = gunzip(packed, 10);
        REQUIRE(read.has_value());
        CHECK(*read == "hi");
    }
}

TEST_CASE("what is cut off, changed or followed by more is refused") {
    std::string const text = "a resource, a resource, another resource";
    auto const packed = gzip(text);
    for (std::size_t i = 0; i < packed.size(); ++i) {
        CAPTURE(i);
        CHECK(code_of(packed.substr(0, i)) == "not_gzip");
        auto changed = packed;
        changed[i] = static_cast<char>(changed[i] ^ 0x55);
        // What a change of the header's time, level or system means nobody asks; the rest is under a
        // checksum.
        auto const read = gunzip(changed, 1 << 20);
        CHECK((!read.has_value() || (i >= 4 && i < 10)));
        if (read) CHECK(*read == text);
    }
    CHECK(code_of(packed + "x") == "not_gzip");
    CHECK(code_of(packed + std::string(1, '\0')) == "not_gzip");
    CHECK(code_of(packed + packed) == "not_gzip");  // several members: no sender of one resource makes them
    CHECK(code_of("") == "not_gzip");
    CHECK(code_of(text) == "not_gzip");
    CHECK(code_of("\x78\x9c\x4b\x04\x00\x00\x62\x00\x62") == "not_gzip");  // zlib, RFC 1950
}

TEST_CASE("a bomb goes off at the limit") {
    auto const bomb = gzip(std::string(50'000'000, '0'));
    CHECK(bomb.size() < 100'000);
    CHECK(code_of(bomb, 1000) == "too_large");
    CHECK(code_of(bomb, 0) == "too_large");
    CHECK(code_of(bomb, 49'999'999) == "too_large");
    CHECK(code_of(bomb, 50'000'000) == "");
    CHECK(code_of(bomb.substr(0, bomb.size() / 2), 1000) == "too_large");  // before it is seen to be cut off
}
