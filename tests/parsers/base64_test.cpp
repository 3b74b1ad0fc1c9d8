#include "parsers/base64.h"

#include <doctest/doctest.h>

#include <random>

using namespace hilum;

TEST_CASE("base64: the vectors of RFC 4648 §10, both ways") {
    constexpr std::pair<std::string_view, std::string_view> rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe", "//4="},
    };
    for (auto const& [bytes, text] : rows) {
        CAPTURE(bytes);
        CHECK(to_base64(bytes) == text);
        CHECK(from_base64(text) == bytes);
    }
    CHECK(to_base64("\xff\xfe", Base64::url) == "__4=");
    CHECK(from_base64("__4=", Base64::url) == "\xff\xfe");
    CHECK(!from_base64("__4="));
}

TEST_CASE("base64: lines, lacking padding, and what is none") {
    CHECK(from_base64("Zm9v\r\nYmFy\r\n") == "foobar");
    CHECK(from_base64("Zg") == "f");
    CHECK(from_base64("Zm8") == "fo");
    for (auto const* wrong : {"Z", "Zm9vY", "Zm9*", "Zg==Zg==", "Z\xc3\xa9"}) CHECK(!from_base64(wrong));
}

TEST_CASE("base64: any bytes come back") {
    std::mt19937 random(4648);
    for (int size = 0; size < 300; ++size) {
        std::string bytes;
        for (int i = 0; i < size; ++i) bytes += static_cast<char>(random());
        CHECK(from_base64(to_base64(bytes)) == bytes);
        CHECK(from_base64(to_base64(bytes, Base64::url), Base64::url) == bytes);
    }
}
