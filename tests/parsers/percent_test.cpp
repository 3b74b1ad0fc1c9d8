#include "parsers/percent.h"

#include <doctest/doctest.h>

#include <string>

using namespace hilum;

TEST_CASE("all but the unreserved characters are encoded") {
    struct Row {
        std::string_view text, encoded;
    };
    constexpr Row rows[] = {
        {"", ""},
        {"azAZ09-._~", "azAZ09-._~"},                          // RFC 3986 §2.3
        {":/?#[]@", "%3A%2F%3F%23%5B%5D%40"},                  // gen-delims
        {"!$&'()*+,;=", "%21%24%26%27%28%29%2A%2B%2C%3B%3D"},  // sub-delims
        {" %\r\n\x7f", "%20%25%0D%0A%7F"},
        {"M\xc3\xbcller", "M%C3%BCller"},
        {"\xff", "%FF"},
        {{"\0", 1}, "%00"},
        {"urn:mrn|4711", "urn%3Amrn%7C4711"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.encoded);
        CHECK(percent_encoded(row.text) == row.encoded);
        CHECK(percent_decoded(row.encoded) == row.text);
    }
}

TEST_CASE("what is no escape stays") {
    struct Row {
        std::string_view text, decoded;
    };
    constexpr Row rows[] = {
        {"%", "%"},
        {"%4", "%4"},
        {"%4g", "%4g"},
        {"%g4", "%g4"},
        {"%%41", "%A"},
        {"%2541", "%41"},  // once
        {"%c3%BC", "\xc3\xbc"},
        {"a+b", "a+b"},
        {"%41%", "A%"},
        {"%-1", "%-1"},
        {"% 1", "% 1"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        CHECK(percent_decoded(row.text) == row.decoded);
    }
}

TEST_CASE("every byte comes back") {
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    auto const encoded = percent_encoded(all);
    for (char const c : encoded) CHECK((c > 0x20 && c < 0x7f));
    CHECK(percent_decoded(encoded) == all);
}
