#include "parsers/hl7/message.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "cpu_time.h"

using hilum::hl7::Delimiters;
using hilum::hl7::Message;
using hilum::hl7::Path;
using hilum::hl7::Presence;
using hilum::hl7::Tolerance;
using hilum::hl7::Value;
using namespace std::string_literals;

namespace {

std::string const sample =
    "MSH|^~\\&|ADT|HOSP|LAB|HOSP|20240102030405||ADT^A01^ADT_A01|MSG1|P|2.5\r"
    "EVN|A01|20240102\r"
    "PID|1||111^^^H&1.2.3&ISO^MR~222^^^S^SS||Test^One||\"\"|F|||\r"
    "NK1|1|A\r"
    "NK1|2|B\r"
    "OBX|1|ST|a||one|\r"
    "OBX|2|ST|b||two\\T\\half|\r"
    "OBX|3|ST|c|||\r"
    "ZZZ\r";

Path path(std::string_view text) {
    return Path::parse(text).value();
}

Message parsed(std::string bytes) {
    auto message = Message::parse(std::move(bytes));
    REQUIRE(message.has_value());
    return std::move(*message);
}

std::string shown(Value const& value) {
    switch (value.presence) {
        case Presence::absent:
            return "absent";
        case Presence::empty:
            return "empty";
        case Presence::null:
            return "null";
        case Presence::value:
            return "=" + std::string(value.raw);
    }
    return {};
}

}  // namespace

TEST_CASE("read: absent, empty, null and values") {
    auto const message = parsed(sample);
    struct Row {
        char const* path;
        char const* value;
    };
    Row const rows[] = {
        {"MSH-1", "=|"},
        {"MSH-2", "=^~\\&"},
        {"MSH-2.1", "=^~\\&"},
        {"MSH-2.2", "absent"},
        {"MSH-2[2]", "absent"},
        {"MSH-3", "=ADT"},
        {"MSH-9.3", "=ADT_A01"},
        {"MSH-12", "=2.5"},
        {"MSH-13", "absent"},
        {"PID-1", "=1"},
        {"PID-2", "empty"},
        {"PID-2.1", "empty"},
        {"PID-2.2", "absent"},
        {"PID-3", "=111^^^H&1.2.3&ISO^MR"},
        {"PID-3[*]", "=111^^^H&1.2.3&ISO^MR"},
        {"PID-3.1", "=111"},
        {"PID-3.2", "empty"},
        {"PID-3.4.2", "=1.2.3"},
        {"PID-3.4.4", "absent"},
        {"PID-3[2].1", "=222"},
        {"PID-3[2].1.1", "=222"},
        {"PID-3[3]", "absent"},
        {"PID-7", "null"},
        {"PID-7.1", "null"},
        {"PID-7.2", "absent"},
        {"PID-11", "empty"},
        {"PID-12", "absent"},
        {"OBX[2]-5", "=two\\T\\half"},
        {"OBX[3]-5", "empty"},
        {"OBX[4]-5", "absent"},
        {"OBX[*]-5", "=one"},
        {"ZZZ", "=ZZZ"},
        {"ZZZ-1", "absent"},
        {"PV1-1", "absent"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.path);
        CHECK(shown(message.get(path(row.path))) == row.value);
    }
    CHECK(message.text("OBX[2]-5") == "two&half");
    CHECK(message.text("PID-7") == "");
    CHECK(message.text("MSH-2") == "^~\\&");
    CHECK(message.text("no path") == "");
    CHECK(message.repetitions(path("PID-3")) == 2);
    CHECK(message.repetitions(path("PID-2")) == 0);
    CHECK(message.repetitions(path("PID-30")) == 0);
    CHECK(message.repetitions(path("PID-7")) == 1);
    CHECK(message.repetitions(path("MSH-2")) == 1);
    CHECK(message.segment_count() == 9);
    CHECK(message.segment(9) == "ZZZ");
    CHECK(message.segment(0) == "");
    CHECK(message.segment(10) == "");
    CHECK(message.find("OBX", 3) == 8);
    CHECK(message.find("OBX", 4) == 0);
    CHECK(message.count("NK1") == 2);
    CHECK(message.tolerances() == 0);
}

TEST_CASE("read: every value of a path, in order") {
    auto const message = parsed(sample);
    struct Row {
        char const* path;
        std::vector<std::string> values;
    };
    Row const rows[] = {
        {"OBX[*]-5", {"=one", "=two\\T\\half", "empty"}},
        {"PID-3[*].1", {"=111", "=222"}},
        {"PID-3[*].4.2", {"=1.2.3"}},
        {"PID-3[2]", {"=222^^^S^SS"}},
        {"PID-2[*]", {}},
        {"NK1[*]", {"=NK1|1|A", "=NK1|2|B"}},
        {"NK1[2]-2", {"=B"}},
        {"MSH-2[*]", {"=^~\\&"}},
        {"PV1[*]-1", {}},
    };
    for (auto const& row : rows) {
        CAPTURE(row.path);
        std::vector<std::string> values;
        message.for_each(path(row.path), [&](Value const& value) { values.push_back(shown(value)); });
        CHECK(values == row.values);
    }
}

TEST_CASE("delimiters: what MSH-1 and MSH-2 declare") {
    struct Row {
        char const* name;
        std::string msh;
        Delimiters delimiters;
        std::vector<Tolerance> tolerances;
    };
    Row const rows[] = {
        {"the usual", "MSH|^~\\&|", {}, {}},
        {"2.7", "MSH|^~\\&#|", {'|', '^', '~', '\\', '&', '#'}, {}},
        {"others", "MSH#!@%*#", {'#', '!', '@', '%', '*', '\0'}, {}},
        {"three", "MSH|^~\\|", {'|', '^', '~', '\\', '\0', '\0'}, {Tolerance::short_msh2}},
        {"two", "MSH|^~|", {'|', '^', '~', '\0', '\0', '\0'}, {Tolerance::short_msh2}},
        {"one", "MSH|^|", {'|', '^', '\0', '\0', '\0', '\0'}, {Tolerance::short_msh2}},
        {"one, and no more", "MSH|^", {'|', '^', '\0', '\0', '\0', '\0'}, {Tolerance::short_msh2}},
        {"none", "MSH||X", {}, {Tolerance::short_msh2}},
        {"escaped twice", "MSH|^~\\\\&|", {}, {Tolerance::odd_msh2}},
        {"repeated", "MSH|????|", {'|', '?', '\0', '\0', '\0', '\0'}, {Tolerance::odd_msh2}},
        {"repeated, truncation", "MSH|^&&^##|", {'|', '^', '&', '\0', '\0', '#'}, {Tolerance::odd_msh2}},
        {"UTF-8", "MSH|^\xef\xbf\xbd\\&|", {'|', '^', '\0', '\\', '&', '\0'}, {Tolerance::odd_msh2}},
        {"Latin-1", "MSH|^\xfd\xa0&|", {'|', '^', '\0', '\0', '&', '\0'}, {Tolerance::odd_msh2}},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const message = Message::view(row.msh);
        REQUIRE(message.has_value());
        CHECK(message->delimiters() == row.delimiters);
        std::uint16_t expected = static_cast<std::uint16_t>(Tolerance::no_final_terminator);
        for (auto const t : row.tolerances) expected |= static_cast<std::uint16_t>(t);
        CHECK(message->tolerances() == expected);
    }
    auto const shortened = parsed("MSH|^|A\rPID|a~b&c^d\r");
    CHECK(shown(shortened.get(path("PID-1.1"))) == "=a~b&c");
    CHECK(shown(shortened.get(path("PID-1[2]"))) == "absent");
    CHECK(shown(shortened.get(path("PID-1.1.1"))) == "=a~b&c");
    CHECK(shown(shortened.get(path("PID-1.1.2"))) == "absent");
}

TEST_CASE("no message: the error names the place and the fix") {
    struct Row {
        char const* name;
        std::string bytes;
        char const* code;
        char const* place;
    };
    Row const rows[] = {
        {"nothing", "", "no_msh", "byte 0"},
        {"white space", "\r\n  ", "no_msh", "byte 4"},
        {"JSON", "{\"resourceType\":1}", "no_msh", "byte 0"},
        {"another segment", "PID|1\rMSH|^~\\&|\r", "no_msh", "byte 0"},
        {"lower case", "msh|^~\\&|", "no_msh", "byte 0"},
        {"cut short", "MS", "no_msh", "byte 0"},
        {"a name alone", "MSH", "short_msh", "MSH[1]"},
        {"no MSH-2", "MSH|", "short_msh", "MSH[1]"},
        {"no MSH-2, more segments", "MSH|\rPID|1\r", "short_msh", "MSH[1]"},
        {"a letter divides", "MSHX^~\\&X", "bad_delimiters", "MSH[1]-1"},
        {"a blank divides", "MSH ^~\\& ", "bad_delimiters", "MSH[1]-1"},
        {"a NUL divides", "MSH\0^~\\&\0"s, "bad_delimiters", "MSH[1]-1"},
        {"a high byte divides", "MSH\xa6^~\\&\xa6", "bad_delimiters", "MSH[1]-1"},
        {"digits in MSH-2", "MSH|^~00|", "bad_delimiters", "MSH[1]-2"},
        {"a control byte in MSH-2", "MSH|^\x01\\&|", "bad_delimiters", "MSH[1]-2"},
        {"MSH-2 without end", "MSH|^~\\&^~\\&^", "bad_delimiters", "MSH[1]-2"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const message = Message::view(row.bytes);
        REQUIRE(message.has_error());
        CHECK(message.error().code == row.code);
        CHECK(message.error().place == row.place);
        CHECK_FALSE(message.error().next.empty());
    }
}

TEST_CASE("tolerances: read anyway, named, and written back as they came") {
    struct Row {
        char const* name;
        std::string bytes;
        std::vector<std::string> segments;
        std::vector<Tolerance> tolerances;
    };
    std::string const msh = "MSH|^~\\&|A";
    Row const rows[] = {
        {"CR", msh + "\rPID|1\r", {msh, "PID|1"}, {}},
        {"LF", msh + "\nPID|1\n", {msh, "PID|1"}, {Tolerance::lf_terminator}},
        {"CR LF", msh + "\r\nPID|1\r\n", {msh, "PID|1"}, {Tolerance::crlf_terminator}},
        {"no last one", msh + "\rPID|1", {msh, "PID|1"}, {Tolerance::no_final_terminator}},
        {"mixed",
         msh + "\rPID|1\nPV1|1\r\nZZ1|1",
         {msh, "PID|1", "PV1|1", "ZZ1|1"},
         {Tolerance::lf_terminator, Tolerance::crlf_terminator, Tolerance::no_final_terminator}},
        {"blank lines", msh + "\r\r\rPID|1\r\r", {msh, "PID|1"}, {Tolerance::blank_lines}},
        {"a BOM", "\xef\xbb\xbf" + msh + "\r", {msh}, {Tolerance::leading_bytes}},
        {"white space before", " \r\n\t" + msh + "\r", {msh}, {Tolerance::leading_bytes}},
        {"odd names",
         msh + "\rpid|1\rX\rPIDX|2\rPID\r",
         {msh, "pid|1", "X", "PIDX|2", "PID"},
         {Tolerance::bad_segment_name}},
        {"NUL", msh + "\rPID|\0|\r\0\r"s, {msh, "PID|\0|"s, "\0"s}, {Tolerance::bad_segment_name}},
        {"a line break in a note",
         msh + "\rNTE|1||a\nb\rPID|1\r",
         {msh, "NTE|1||a\nb", "PID|1"},
         {Tolerance::lf_in_text}},
        {"an LF before a segment ends one",
         msh + "\rNTE|1||a\nPID|1\r",
         {msh, "NTE|1||a", "PID|1"},
         {Tolerance::lf_terminator}},
        {"MSH alone", msh, {msh}, {Tolerance::no_final_terminator}},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const message = Message::view(row.bytes);
        REQUIRE(message.has_value());
        std::vector<std::string> segments;
        for (std::size_t i = 1; i <= message->segment_count(); ++i)
            segments.emplace_back(message->segment(i));
        CHECK(segments == row.segments);
        std::uint16_t expected = 0;
        for (auto const t : row.tolerances) expected |= static_cast<std::uint16_t>(t);
        CHECK(message->tolerances() == expected);
        CHECK(message->bytes() == row.bytes);
    }
    CHECK(parsed(msh + "\rPIDX|2\rPID|1\r").text("PID-1") == "1");
}

TEST_CASE("a message may be moved, short or long, edited or not") {
    std::vector<Message> messages;
    std::string const shortest = "MSH|^";
    for (auto const& bytes : {shortest, sample}) {
        Message first = parsed(bytes);
        Message second = std::move(first);
        messages.push_back(std::move(second));
        CHECK(messages.back().bytes() == bytes);
        CHECK(messages.back().segment(1).substr(0, 4) == "MSH|");
        REQUIRE(messages.back().set(path("MSH-3"), "NEW").has_value());
    }
    messages[0] = std::move(messages[1]);
    CHECK(messages[0].text("MSH-3") == "NEW");
    CHECK(messages[0].text("NK1[2]-2") == "B");
}

TEST_CASE("size: 1,000,000 segments and 100,000 components are read in linear time") {
    auto const began = cpu_seconds();
    std::string bytes = "MSH|^~\\&|A\r";
    for (int i = 0; i < 1'000'000; ++i) bytes += "OBX|1|v\r";
    bytes += "ZZZ|" + std::string(100'000, '^') + "x~" + std::string(100'000, '~') + "\r";
    auto message = parsed(bytes);
    CHECK(message.segment_count() == 1'000'002);
    CHECK(message.text("ZZZ-1.100001") == "x");
    CHECK(message.repetitions(path("ZZZ-1")) == 100'002);
    std::size_t values = 0;
    message.for_each(path("OBX[*]-2"), [&](Value const&) { ++values; });
    CHECK(values == 1'000'000);
    message.for_each(path("ZZZ-1[*]"), [&](Value const&) { ++values; });
    CHECK(values == 1'100'002);
    CHECK(message.bytes() == bytes);
    REQUIRE(message.set(path("OBX[*]-2"), "w").has_value());
    REQUIRE(message.set(path("ZZZ-1[*].2"), "y").has_value());
    CHECK(message.erase(path("ZZZ-1[*].2")) == 100'002);
    CHECK(message.text("OBX[1000000]-2") == "w");
    CHECK(message.erase(path("OBX[*]")) == 1'000'000);
    CHECK(message.segment_count() == 2);
    // Quadratic work would take minutes; the bound leaves room for sanitizers.
    CHECK(cpu_seconds() - began < 20);
}
