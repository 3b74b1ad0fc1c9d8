#include "parsers/hl7/escape.h"

#include <doctest/doctest.h>

#include <random>
#include <string>

using hilum::hl7::Delimiters;
using namespace std::string_literals;

namespace {

std::string decoded(std::string_view raw, Delimiters const& delimiters = {}) {
    std::string scratch;
    return std::string(hilum::hl7::unescape(raw, delimiters, scratch));
}

std::string encoded(std::string_view text, Delimiters const& delimiters = {}) {
    std::string out;
    hilum::hl7::escape(text, delimiters, out);
    return out;
}

}  // namespace

TEST_CASE("unescape: the table") {
    struct Row {
        char const* name;
        std::string raw, text;
    };
    Row const rows[] = {
        {"delimiters", R"(\F\\S\\T\\R\\E\)", R"(|^&~\)"},
        {"in a text", R"(a\T\b)", "a&b"},
        {"hex", R"(\X0D0a41\)", "\r\nA"},
        {"hex, odd", R"(\X0D0\)", R"(\X0D0\)"},
        {"hex, empty", R"(\X\)", R"(\X\)"},
        {"hex, no digits", R"(\XGG\)", R"(\XGG\)"},
        {"line break", R"(a\.br\b\.BR\c)", "a\nb\nc"},
        {"centred", R"(a\.ce\b)", "a\nb"},
        {"lines", R"(a\.sp\b\.sp+3\c\.sp 2\d\.sp0\e)", "a\nb\n\n\nc\n\nde"},
        {"blanks", R"(a\.sk3\b\.sk\c\.ti+2\d\.ti-2\e)", "a   b c  de"},
        {"for the printer alone", R"(\.fi\a\.nf\b\.in5\c\.in-5\)", "abc"},
        {"at most 64", R"(\.sk99999999\)", std::string(64, ' ')},
        {"a number too long", R"(\.sk99999999999\)", R"(\.sk99999999999\)"},
        {"other commands stay", R"(\.xy\ \.br2\ \.spx\ \.\)", R"(\.xy\ \.br2\ \.spx\ \.\)"},
        {"highlighting is left out", R"(a\H\b\N\c)", "abc"},
        {"character sets stay", R"(\C2842\ \M242142\)", R"(\C2842\ \M242142\)"},
        {"local stays", R"(\Z01\)", R"(\Z01\)"},
        {"unknown stays, whole", R"(\Q\F\)", R"(\Q\F\)"},
        {"truncation, not declared", R"(\P\)", R"(\P\)"},
        {"not ended", R"(a\F)", R"(a\F)"},
        {"a stray one before a sequence", R"(50\60 \T\ 70)", R"(50\60 & 70)"},
        {"doubled", R"(\\F\)", R"(\|)"},
        {"alone", R"(\)", R"(\)"},
        {"nothing", "", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(decoded(row.raw) == row.text);
    }
    Delimiters const with_truncation{.truncation = '#'};
    CHECK(decoded(R"(\P\)", with_truncation) == "#");
    Delimiters const without_escape{.escape = '\0'};
    CHECK(decoded(R"(a\F\b)", without_escape) == R"(a\F\b)");
    Delimiters const others{'!', '@', '%', '*', '$', '\0'};
    CHECK(decoded(R"(*F**S*\F\)", others) == R"(!@\F\)");
}

TEST_CASE("unescape: nothing escaped, nothing copied") {
    std::string scratch;
    std::string_view const raw = "EVERYWOMAN";
    CHECK(hilum::hl7::unescape(raw, {}, scratch).data() == raw.data());
}

TEST_CASE("escape: the table") {
    struct Row {
        char const* name;
        std::string text, raw;
    };
    Row const rows[] = {
        {"plain", "abc", "abc"},
        {"delimiters", R"(|^&~\)", R"(\F\\S\\T\\R\\E\)"},
        {"control bytes share a sequence", "a\r\nb\tc", R"(a\X0D0A\b\X09\c)"},
        {"NUL", "\0"s, R"(\X00\)"},
        {"above 0x7f", "M\xc3\xbcller", "M\xc3\xbcller"},
        {"a line feed is a line break", "a\nb\n\nc", R"(a\.br\b\.br\\.br\c)"},
        {"formatting and charsets are text", R"(\H\\.br\\C2842\)", R"(\E\H\E\\E\.br\E\\E\C2842\E\)"},
        {"a local one is kept", R"(a\Z01\b)", R"(a\Z01\b)"},
        {"a decodable one is not", R"(\F\)", R"(\E\F\E\)"},
        {"hex is not", R"(\X41\)", R"(\E\X41\E\)"},
        {"a path of files", R"(C:\dir\H)", R"(C:\E\dir\E\H)"},
        {"# needs none when not declared", "#", "#"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(encoded(row.text) == row.raw);
        CHECK(decoded(row.raw) == row.text);
    }
    CHECK(encoded("a#b", Delimiters{.truncation = '#'}) == R"(a\P\b)");
    CHECK(encoded("a|b\r", Delimiters{.escape = '\0'}) == "a?b?");
}

TEST_CASE("escape: decoding gives back any bytes") {
    std::mt19937 random(11);
    std::string const likely = "\\\\\\\\|^~&#.HNXFSTREPCMZbr0123 \r\n";
    Delimiters const sets[] = {
        {}, {.truncation = '#'}, {'!', '@', '%', '*', '$', '\0'}, {'.', '+', '-', '\\', '\0', '\0'}};
    for (int round = 0; round < 40'000; ++round) {
        std::string text;
        for (auto n = random() % 24; n > 0; --n) {
            text += random() % 5 == 0 ? static_cast<char>(random() % 256) : likely[random() % likely.size()];
        }
        Delimiters const& delimiters = sets[static_cast<std::size_t>(round) % 4];
        std::string const raw = encoded(text, delimiters);
        CAPTURE(text);
        CHECK(decoded(raw, delimiters) == text);
        for (char const d :
             {delimiters.field, delimiters.component, delimiters.repetition, delimiters.subcomponent, '\r'}) {
            if (d != '\0') CHECK(raw.find(d) == std::string::npos);
        }
    }
}

TEST_CASE("escape and unescape: a megabyte of escape characters is no work") {
    std::string const text(1u << 20, '\\');
    CHECK(decoded(encoded(text)) == text);
    CHECK(decoded(text) == text);
}
