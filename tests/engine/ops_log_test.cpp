#include <doctest/doctest.h>

#include "engine/ops/log.h"
#include "engine/ops/utf8.h"

using hilum::ops::Level;
using hilum::ops::Log;

TEST_CASE("a log line shows what is there and stays one line") {
    struct Row {
        char const* name;
        std::string value;
        std::string expected;
    };
    Row const rows[] = {
        {"bare word", "adt_in", "adt_in"},
        {"address", "10.0.0.7:51234", "10.0.0.7:51234"},
        {"empty", "", R"("")"},
        {"blank", "a b", R"("a b")"},
        {"equals sign", "a=b", R"("a=b")"},
        {"quote", "a\"b", R"("a\"b")"},
        {"backslash", "a\\n", R"("a\\n")"},
        {"line feed", "a\ninfo ready", R"("a\ninfo ready")"},
        {"carriage return", "a\rb", R"("a\rb")"},
        {"tab", "a\tb", R"("a\tb")"},
        {"NUL", std::string("a\0b", 3), R"("a\x00b")"},
        {"MLLP start", "\x0b", R"("\x0b")"},
        {"escape sequence of a terminal", "\x1b[2J", R"("\x1b[2J")"},
        {"delete", "\x7f", R"("\x7f")"},
        {"UTF-8 stays", "Zürich", "\"Zürich\""},
        {"Latin-1 byte", "Z\xfcrich", R"("Z\xfcrich")"},
        {"C1 control", "\xc2\x85", R"("\u0085")"},
        {"U+2028", "a\xe2\x80\xa8g", R"("a\u2028g")"},
        {"U+2029", "\xe2\x80\xa9", R"("\u2029")"},
        {"direction override", "\xe2\x80\xae", R"("\u202e")"},
        {"byte order mark", "\xef\xbb\xbf", R"("\ufeff")"},
        {"overlong slash", "\xc0\xaf", R"("\xc0\xaf")"},
        {"surrogate", "\xed\xa0\x80", R"("\xed\xa0\x80")"},
        {"past U+10FFFF", "\xf4\x90\x80\x80", R"("\xf4\x90\x80\x80")"},
        {"cut off character", "a\xe2\x80", R"("a\xe2\x80")"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        CHECK(Log::format(Level::warn, "event", {{"key", row.value}}) == "warn event key=" + row.expected);
    }
}

TEST_CASE("levels, several fields and numbers") {
    CHECK(Log::format(Level::debug, "x", {}) == "debug x");
    CHECK(Log::format(Level::error, "frame_refused",
                      {{"listener", "adt_in"}, {"bytes", 17000000}, {"n", std::uint64_t{0}}}) ==
          "error frame_refused listener=adt_in bytes=17000000 n=0");
}

static std::string times_a(std::size_t count) {
    std::string text;
    while (text.size() < count) text += 'a';
    return text;
}

TEST_CASE("a long value is cut with a mark that says how much is missing") {
    CHECK(Log::format(Level::info, "x", {{"k", times_a(512)}}) == "info x k=" + times_a(512));
    CHECK(Log::format(Level::info, "x", {{"k", times_a(513)}}) ==
          "info x k=\"" + times_a(512) + "...(+1 bytes)\"");
    // Not through a character.
    std::string const text = times_a(511) + "\xc3\xa9" + "b";
    CHECK(Log::format(Level::info, "x", {{"k", text}}) == "info x k=\"" + times_a(511) + "...(+3 bytes)\"");
}

TEST_CASE("every byte pair gives printable UTF-8") {
    for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
            std::string const value{static_cast<char>(a), static_cast<char>(b)};
            std::string const line = Log::format(Level::info, "x", {{"k", value}});
            REQUIRE(hilum::ops::is_utf8(line));
            REQUIRE(line.find_first_of(std::string("\n\r\t\0\x1b\x7f", 6)) == std::string::npos);
        }
    }
}

TEST_CASE("to_utf8 replaces only what is none") {
    CHECK(hilum::ops::to_utf8("Zürich") == "Zürich");
    CHECK(hilum::ops::to_utf8("Z\xfcrich") == "Z\xef\xbf\xbdrich");
    CHECK(hilum::ops::to_utf8("") == "");
}
