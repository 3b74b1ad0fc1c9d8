#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "parsers/hl7/message.h"

using hilum::hl7::Message;
using hilum::hl7::Path;
using hilum::hl7::Presence;

namespace {

Path path(std::string_view text) {
    return Path::parse(text).value();
}

Message parsed(std::string bytes) {
    auto message = Message::parse(std::move(bytes));
    REQUIRE(message.has_value());
    return std::move(*message);
}

std::string const msh = "MSH|^~\\&|A|B\r";

}  // namespace

TEST_CASE("set: the table") {
    struct Row {
        char const* name;
        char const* before;
        char const* path;
        char const* text;
        char const* after;
    };
    Row const rows[] = {
        {"a field", "PID|1|2|3\r", "PID-2", "x", "PID|1|x|3\r"},
        {"the last field", "PID|1|2\r", "PID-2", "x", "PID|1|x\r"},
        {"a missing field", "PID|1\r", "PID-4", "x", "PID|1|||x\r"},
        {"in a bare segment", "PID\r", "PID-1", "x", "PID|x\r"},
        {"an empty text", "PID|1|2\r", "PID-1", "", "PID||2\r"},
        {"null", "PID|1|2\r", "PID-1", "\"\"", "PID|\"\"|2\r"},
        {"the first repetition", "PID|a~b\r", "PID-1", "x", "PID|x~b\r"},
        {"a repetition", "PID|a~b\r", "PID-1[2]", "x", "PID|a~x\r"},
        {"a missing repetition", "PID|a\r", "PID-1[3]", "x", "PID|a~~x\r"},
        {"every repetition", "PID|a~b^c~\r", "PID-1[*]", "x", "PID|x~x~x\r"},
        {"every repetition of nothing", "PID||z\r", "PID-1[*]", "x", "PID||z\r"},
        {"a component", "PID|a^b^c\r", "PID-1.2", "x", "PID|a^x^c\r"},
        {"a missing component", "PID|a|z\r", "PID-1.3", "x", "PID|a^^x|z\r"},
        {"a component of every repetition", "PID|a~b^c|z\r", "PID-1[*].2", "x", "PID|a^x~b^x|z\r"},
        {"component 1 of a plain field", "PID|a\r", "PID-1.1", "x", "PID|x\r"},
        {"a subcomponent", "PID|a^b&c\r", "PID-1.2.1", "x", "PID|a^x&c\r"},
        {"a missing subcomponent", "PID|a\r", "PID-1.2.2", "x", "PID|a^&x\r"},
        {"all that is missing", "PID\r", "PID-2[2].2.2", "x", "PID||~^&x\r"},
        {"escaped", "PID|a\r", "PID-1", "a|b^c\r", "PID|a\\F\\b\\S\\c\\X0D\\\r"},
        {"the second segment", "NK1|1\rNK1|2\r", "NK1[2]-1", "x", "NK1|1\rNK1|x\r"},
        {"every segment", "NK1|1\rPID|1\rNK1|2\r", "NK1[*]-1", "x", "NK1|x\rPID|1\rNK1|x\r"},
        {"every repetition in a missing segment", "PV1|1\r", "PID-3[*].1", "x", "PV1|1\r"},
        {"every segment of none", "PID|1\r", "NK1[*]-1", "x", "PID|1\r"},
        {"a new segment of a kind", "NK1|1\rPID|1\r", "NK1[2]-2", "x", "NK1|1\rNK1||x\rPID|1\r"},
        {"a new segment", "PID|1\r", "ZZ1-1", "x", "PID|1\rZZ1|x\r"},
        {"a new segment, no last terminator", "PID|1", "ZZ1-1", "x", "PID|1\rZZ1|x"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto message = parsed(msh + row.before);
        REQUIRE(message.set(path(row.path), row.text).has_value());
        CHECK(message.bytes() == msh + row.after);
        // What was written reads back, and parses to the same.
        auto const again = parsed(message.bytes());
        CHECK(again.bytes() == message.bytes());
        CHECK(again.segment_count() == message.segment_count());
    }
}

TEST_CASE("set: the header, tolerances and new segments keep the message's own ways") {
    auto message = parsed("\xef\xbb\xbfMSH|^~\\&|A|B\n\nPID|1\r\nPV1|1");
    REQUIRE(message.set(path("MSH-3"), "X").has_value());
    REQUIRE(message.set(path("MSH-5"), "Y").has_value());
    REQUIRE(message.set(path("PID[2]-1"), "2").has_value());
    CHECK(message.bytes() == "\xef\xbb\xbfMSH|^~\\&|X|B|Y\n\nPID|1\r\nPID|2\nPV1|1");
}

TEST_CASE("set: what is refused, and that nothing changed") {
    struct Row {
        char const* name;
        std::string bytes;
        char const* path;
        char const* text;
        char const* code;
    };
    Row const rows[] = {
        {"MSH-1", msh, "MSH-1", "!", "delimiters_fixed"},
        {"MSH-2", msh, "MSH-2", "!@#$", "delimiters_fixed"},
        {"a component of MSH-2", msh, "MSH-2.1", "!", "delimiters_fixed"},
        {"a whole segment", msh + "PID|1\r", "PID", "x", "whole_segment"},
        {"a segment too far", msh + "NK1|1\r", "NK1[3]-1", "x", "no_such_segment"},
        {"another MSH", msh, "MSH[2]-3", "x", "no_such_segment"},
        {"no component delimiter", "MSH||x\rPID|1\r", "PID-1.2", "x", ""},
        {"no subcomponent delimiter", "MSH|^~\\|\rPID|1\r", "PID-1.1.2", "x", "no_such_delimiter"},
        {"no repetition delimiter", "MSH|^|\rPID|1\r", "PID-1[2]", "x", "no_such_delimiter"},
        {"no delimiter in a new segment", "MSH|^|\rPID|1\r", "ZZ1-1[2]", "x", "no_such_delimiter"},
        {"no escape character", "MSH|^~|\rPID|1\r", "PID-1", "a|b", "no_such_delimiter"},
        {"no escape character needed", "MSH|^~|\rPID|1\r", "PID-1", "a&b", ""},
        {"too far", msh + "PID|1\r", "PID-70000", "x", "position_too_large"},
        {"too far in sum", msh + "PID|1\r", "PID-40000.40000", "x", "position_too_large"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto message = parsed(row.bytes);
        auto const done = message.set(path(row.path), row.text);
        std::string const code = done ? "" : done.error().code;
        CHECK(code == row.code);
        if (!done) {
            CHECK(message.bytes() == row.bytes);
            CHECK_FALSE(message.edited());
        }
    }
}

TEST_CASE("set_raw: as it is, but no new segments") {
    auto message = parsed(msh + "PID|1|2\r");
    REQUIRE(message.set_raw(path("PID-2"), "a^b~c").has_value());
    CHECK(message.text("PID-2[2]") == "c");
    REQUIRE(message.set_raw(path("PID"), "PID|9").has_value());
    CHECK(message.bytes() == msh + "PID|9\r");
    REQUIRE(message.set_raw(path("ZZ1"), "ZZ1|1|2").has_value());
    CHECK(message.bytes() == msh + "PID|9\rZZ1|1|2\r");
    CHECK(message.set_raw(path("PID"), "PV1|9").error().code == "whole_segment");
    CHECK(message.set_raw(path("PID"), "PIDX|9").error().code == "whole_segment");
    CHECK(message.set_raw(path("MSH"), "MSH|^~\\&|").error().code == "delimiters_fixed");
    CHECK(message.set_raw(path("PID-1"), "a\rPV1|1").error().code == "segment_break");
    CHECK(message.set_raw(path("PID-1"), "a\nPV1|1").error().code == "segment_break");
    CHECK(message.bytes() == msh + "PID|9\rZZ1|1|2\r");
}

TEST_CASE("set_raw: the raw text may be a view into the message itself, edited or not") {
    auto message = parsed(msh + "NK1|abc|\rNK1|d|\rNK1|e|\r");
    REQUIRE(message.set_raw(path("NK1[*]-2"), message.get(path("NK1[2]-1")).raw).has_value());
    REQUIRE(message.set_raw(path("NK1[*]-1"), message.get(path("NK1[1]-2")).raw).has_value());
    REQUIRE(message.set_raw(path("NK1[1]-4"), message.get(path("NK1[1]-1")).raw).has_value());
    CHECK(message.bytes() == msh + "NK1|d|d||d\rNK1|d|d\rNK1|d|d\r");
}

TEST_CASE("erase: the table") {
    struct Row {
        char const* name;
        char const* before;
        char const* path;
        std::size_t erased;
        char const* after;
    };
    Row const rows[] = {
        {"a field", "PID|1|a~b|3\r", "PID-2", 1, "PID|1||3\r"},
        {"an empty field", "PID|1||3\r", "PID-2", 0, "PID|1||3\r"},
        {"a missing field", "PID|1\r", "PID-2", 0, "PID|1\r"},
        {"null", "PID|\"\"\r", "PID-1", 1, "PID|\r"},
        {"the first repetition", "PID|a~b~c\r", "PID-1[1]", 1, "PID|b~c\r"},
        {"a middle repetition", "PID|a~b~c\r", "PID-1[2]", 1, "PID|a~c\r"},
        {"the last repetition", "PID|a~b~c|z\r", "PID-1[3]", 1, "PID|a~b|z\r"},
        {"the only repetition", "PID|a|z\r", "PID-1[1]", 1, "PID||z\r"},
        {"a missing repetition", "PID|a\r", "PID-1[2]", 0, "PID|a\r"},
        {"every repetition", "PID|a~b\r", "PID-1[*]", 2, "PID|\r"},
        {"a component", "PID|a^b^c~d^e\r", "PID-1.2", 1, "PID|a^^c~d^e\r"},
        {"a component of a repetition", "PID|a^b~d^e\r", "PID-1[2].2", 1, "PID|a^b~d^\r"},
        {"a component of every repetition", "PID|a^b~c~d^e\r", "PID-1[*].2", 2, "PID|a^~c~d^\r"},
        {"a subcomponent", "PID|a&b\r", "PID-1.1.2", 1, "PID|a&\r"},
        {"a segment", "NK1|1\rNK1|2\rPID|1\r", "NK1", 1, "NK1|2\rPID|1\r"},
        {"the second segment", "NK1|1\rNK1|2\rPID|1\r", "NK1[2]", 1, "NK1|1\rPID|1\r"},
        {"every segment", "NK1|1\rPID|1\rNK1|2\r", "NK1[*]", 2, "PID|1\r"},
        {"a field of every segment", "NK1|1\rNK1|\rNK1|2\r", "NK1[*]-1", 2, "NK1|\rNK1|\rNK1|\r"},
        {"no segment", "PID|1\r", "NK1[*]", 0, "PID|1\r"},
        {"MSH stays", "PID|1\r", "MSH[*]", 0, "PID|1\r"},
        {"MSH stays by number", "PID|1\r", "MSH", 0, "PID|1\r"},
        {"MSH-2 stays", "PID|1\r", "MSH-2", 0, "PID|1\r"},
        {"a second MSH may go", "MSH|^~\\&|Z\r", "MSH[2]", 1, ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto message = parsed(msh + row.before);
        CHECK(message.erase(path(row.path)) == row.erased);
        CHECK(message.bytes() == msh + row.after);
        CHECK(message.edited() == (row.erased != 0));
    }
}

TEST_CASE("copy: raw values with all their components") {
    struct Row {
        char const* name;
        char const* before;
        char const* from;
        char const* to;
        char const* after;
    };
    Row const rows[] = {
        {"a field", "PID|a^b&c|z\r", "PID-1", "PID-2", "PID|a^b&c|a^b&c\r"},
        {"escapes stay", "PID|a\\T\\b|\r", "PID-1", "PID-2", "PID|a\\T\\b|a\\T\\b\r"},
        {"null", "PID|\"\"|z\r", "PID-1", "PID-2", "PID|\"\"|\"\"\r"},
        {"empty", "PID||z\r", "PID-1", "PID-2", "PID||\r"},
        {"absent", "PID|1|z\r", "PID-9", "PID-2", "PID|1|\r"},
        {"absent to absent", "PID|1\r", "PID-9", "PID-20", "PID|1\r"},
        {"to a new segment", "PID|1\r", "PID-1", "ZZ1-2", "PID|1\rZZ1||1\r"},
        {"delimiters as text", "PID|1\r", "MSH-2", "PID-1", "PID|\\S\\\\R\\\\E\\\\T\\\r"},
        {"a line break kept as text", "NTE|a\nb\r", "NTE-1", "NTE-2", "NTE|a\nb|a\\X0A\\b\r"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto message = parsed(msh + row.before);
        REQUIRE(message.copy(path(row.from), path(row.to)).has_value());
        CHECK(message.bytes() == msh + row.after);
    }
    auto message = parsed(msh + "PID|1\r");
    CHECK(message.copy(path("PID"), path("PID-1")).error().code == "whole_segment");
    CHECK(message.copy(path("PID-1"), path("PID")).error().code == "whole_segment");
    CHECK(message.copy(path("PID-1"), path("MSH-2")).error().code == "delimiters_fixed");
    // A line feed that is text here might end the segment there; without an escape character it can't be
    // told.
    auto unescaped = Message::view("MSH|^|A\rNTE|1||one\ntwo\r");
    REQUIRE(unescaped.has_value());
    CHECK(unescaped->copy(path("NTE-3"), path("NTE-2")).error().code == "no_such_delimiter");
    CHECK(unescaped->bytes() == "MSH|^|A\rNTE|1||one\ntwo\r");
}

TEST_CASE("an edit of one value changes that value and no other") {
    std::string const bytes = msh + "PID|1|a^b&c^d~e^f||\"\"|x\rNK1|1|p\rNK1|2|q~r\r";
    std::vector<std::string> const paths = {
        "PID-1",      "PID-2[1].1",  "PID-2[1].2.1", "PID-2[1].2.2", "PID-2[1].3", "PID-2[2].1",
        "PID-2[2].2", "PID-3",       "PID-4",        "PID-5",        "NK1[1]-1",   "NK1[1]-2",
        "NK1[2]-1",   "NK1[2]-2[1]", "NK1[2]-2[2]",  "MSH-3",
    };
    auto const original = parsed(bytes);
    for (auto const& edited : paths) {
        auto message = parsed(bytes);
        REQUIRE(message.set(path(edited), "new|value").has_value());
        auto const again = parsed(message.bytes());
        for (auto const& other : paths) {
            CAPTURE(edited);
            CAPTURE(other);
            CHECK(again.text(other) == (other == edited ? "new|value" : original.text(other)));
        }
    }
}

TEST_CASE("an edit does not make a segment of what stands behind a line feed in a text") {
    // Segments end with CR; the LF in PID-3 is text as long as no name and field delimiter follow it.
    auto const edited = [](std::string_view pid, auto&& edit) {
        auto message = Message::parse("MSH|^~\\&|A|||||||1|P|2.5.1\r" + std::string(pid) + "\rPV1|1\r");
        REQUIRE(message.has_value());
        REQUIRE(message->segment_count() == 3);
        edit(*message);
        auto const again = Message::parse(message->bytes());
        REQUIRE(again.has_value());
        CHECK(again->segment_count() == 3);
        return std::string(again->segment(2));
    };
    CHECK(edited("PID|1||a\nZZ1", [](Message& m) {
              REQUIRE(m.set(*Path::parse("PID-5.1"), "x").has_value());
          }) == "PID|1||a\\X0A\\ZZ1||x");
    CHECK(edited("PID|1||a\nZZ1~b|", [](Message& m) { m.erase(*Path::parse("PID-3[2]")); }) ==
          "PID|1||a\\X0A\\ZZ1|");
    CHECK(edited("PID|1||a\n~b", [](Message& m) { m.erase(*Path::parse("PID-3[2]")); }) == "PID|1||a\\X0A\\");
    CHECK(edited("PID|1||a\nb", [](Message& m) {
              REQUIRE(m.set(*Path::parse("PID-5.1"), "x").has_value());
          }) == "PID|1||a\nb||x");
}
