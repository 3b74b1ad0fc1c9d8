#include "parsers/hl7/version_conversion.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "parsers/hl7/batch.h"

using namespace hilum;
using namespace hilum::hl7;

namespace {

std::string with_lf(std::string text) {
    for (char& c : text)
        if (c == '\r') c = '\n';
    return text;
}

std::string notes_of(Conversion const& conversion) {
    std::string out;
    for (auto const& note : conversion.notes) {
        if (!out.empty()) out += ", ";
        out += std::string(name(note.kind)) + " " + note.path;
        CHECK(!note.reason.empty());
    }
    return out;
}

std::string header(std::string_view version, std::string_view type) {
    return "MSH|^~\\&|A|B|C|D|20260102||" + std::string(type) + "|1|P|" + std::string(version) + "\r";
}

}  // namespace

TEST_CASE("one segment from version to version") {
    struct Row {
        char const* name;
        char const* from;
        char const* to;
        char const* before;
        char const* after;
        char const* notes;
        bool drop = false;
    };
    Row const rows[] = {
        {"nothing to change", "2.3", "2.5.1", "PID|1||4711^^^A||DOE^JOHN||19700101|M|||1 MAIN^^TOWN",
         "PID|1||4711^^^A||DOE^JOHN||19700101|M|||1 MAIN^^TOWN", ""},
        {"PID-2 and PID-4 to PID-3", "2.3", "2.5.1", "PID|1|X1^^^EXT|4711^^^A|ALT1~ALT2|DOE",
         "PID|1||4711^^^A~X1^^^EXT~ALT1~ALT2||DOE", "moved PID-2, moved PID-4"},
        {"an identifier that is there already", "2.3", "2.5.1", "PID|1|4711^^^A|4711^^^A^MR||DOE",
         "PID|1||4711^^^A^MR||DOE", "moved PID-2"},
        {"SSN and licence with their types", "2.3", "2.5.1",
         "PID|1||4711||DOE||||||||||||||123-45-6789|L1^ST^20300101",
         "PID|1||4711~123-45-6789^^^^SS~L1^^^ST^DL^^^20300101||DOE||||||||||||||"
         "|",
         "moved PID-19, moved PID-20"},
        {"alias, county and nationality", "2.3", "2.5.1",
         "PID|1||4711||DOE||||ROE^JANE||1 MAIN^^TOWN|CTY||||||||||||||||USA",
         "PID|1||4711||DOE~ROE^JANE^^^^^A||||||1 MAIN^^TOWN^^^^^^CTY|||||||||||||||USA||",
         "moved PID-9, moved PID-12, moved PID-28"},
        {"county, with several addresses", "2.3", "2.5.1", "PID|1||4711||DOE||||||1 MAIN~2 MAIN|CTY",
         "PID|1||4711||DOE||||||1 MAIN~2 MAIN|CTY", "kept PID-12"},
        {"null does not move", "2.3", "2.5.1", "PID|1|\"\"|4711||DOE", "PID|1|\"\"|4711||DOE", ""},
        {"TS to DTM", "2.5.1", "2.6", "PID|1||4711||DOE||19700101^D|M", "PID|1||4711||DOE||19700101|M",
         "dropped PID-7"},
        {"TS in a component", "2.5.1", "2.6", "PID|1||4711||DOE^J^^^^^^^^^^20200101&D",
         "PID|1||4711||DOE^J^^^^^^^^^^20200101", "dropped PID-5.12"},
        {"TS to DT", "2.3", "2.1", "PID|1||4711||DOE||197001011230|M", "PID|1||4711||DOE||19700101|M",
         "dropped PID-7"},
        {"telephone to its new component", "2.5.1", "2.7", "PID|1||4711||DOE||||||||555-0100^PRN",
         "PID|1||4711||DOE||||||||^PRN^^^^^^^^^^555-0100", "moved PID-13.1"},
        {"a field that came later", "2.5.1", "2.3", "PID|1||4711||DOE||||||||||||||||||||||||||||||||||TRIBE",
         "PID|1||4711||DOE||||||||||||||||||||||||||||||||||TRIBE", "kept PID-39"},
        {"a field that came later, dropped", "2.5.1", "2.3",
         "PID|1||4711||DOE||||||||||||||||||||||||||||||||||TRIBE",
         "PID|1||4711||DOE||||||||||||||||||||||||||||||||||", "dropped PID-39", true},
        {"a component that came later", "2.5.1", "2.3", "PID|1||4711^^^^MR^^20200101||DOE",
         "PID|1||4711^^^^MR^^20200101||DOE", "kept PID-3.7"},
        {"a component that came later, dropped", "2.5.1", "2.3", "PID|1||4711^^^^MR^^20200101||DOE",
         "PID|1||4711^^^^MR^^||DOE", "dropped PID-3.7", true},
        {"a repetition that came later", "2.5.1", "2.3", "PID|1||4711||DOE~ROE", "PID|1||4711||DOE~ROE",
         "kept PID-5"},
        {"a repetition that came later, dropped", "2.5.1", "2.3", "PID|1||4711||DOE~ROE", "PID|1||4711||DOE",
         "dropped PID-5", true},
        {"a value that is too long there", "2.7", "2.3", "PID|1||4711||DOE|||MALE", "PID|1||4711||DOE|||MALE",
         "kept PID-8"},
        {"components that came later", "2.5.1", "2.1", "PID|1||4711||DOE|||||W^White",
         "PID|1||4711||DOE|||||W^White", "kept PID-10, kept PID-10"},
        {"a datatype that came later", "2.5.1", "2.1", "OBX|1|SN|c||>^1", "OBX|1|SN|c||>^1", "kept OBX-2"},
        {"CE as OBX-2", "2.5.1", "2.7", "OBX|1|CE|c||1^A^L", "OBX|1|CWE|c||1^A^L", "changed OBX-2"},
        {"TS as OBX-2", "2.5.1", "2.7", "OBX|1|TS|c||20200101^D", "OBX|1|DTM|c||20200101",
         "changed OBX-2, dropped OBX-5"},
        {"CWE as OBX-2", "2.7", "2.2", "OBX|1|CWE|c||1^A^L", "OBX|1|CE|c||1^A^L", "changed OBX-2"},
        {"a segment that came later", "2.5.1", "2.3", "SPM|1|S1", "SPM|1|S1", "kept SPM"},
        {"a segment that came later, dropped", "2.5.1", "2.3", "SPM|1|S1", nullptr, "dropped SPM", true},
        {"Z-segments stay", "2.5.1", "2.3", "ZPI|a^b", "ZPI|a^b", "", true},
        {"diagnosis", "2.5.1", "2.7", "DG1|1|I9|486||Pneumonia", "DG1|1||486^^I9||Pneumonia", "moved DG1-2"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        std::string const msh = "MSH|^~\\&|A|B|C|D|20260102||ZZZ|1|P|";
        auto const message =
            Message::parse(msh + row.from + "\n" + row.before + "\nNTE|1||as it came\\X0D\\\n");
        REQUIRE(message.has_value());
        auto const converted =
            convert(*message, *version_named(row.to), Dictionary::standard(), {.from = {}, .drop = row.drop});
        REQUIRE(converted.has_value());
        std::string const middle = row.after == nullptr ? "" : std::string(row.after) + "\n";
        CHECK(converted->bytes == msh + row.to + "\n" + middle + "NTE|1||as it came\\X0D\\\n");
        CHECK(notes_of(*converted) == row.notes);
        CHECK(converted->note_count == converted->notes.size());
    }
}

TEST_CASE("the header says what the message then is") {
    struct Row {
        char const* name;
        std::string before;
        char const* to;
        std::string after;
        char const* notes;
    };
    Row const rows[] = {
        {"structure added", header("2.3", "ADT^A04"), "2.5.1", header("2.5.1", "ADT^A04^ADT_A01"),
         "changed MSH-9.3"},
        {"structure removed", header("2.5.1^USA", "ADT^A04^ADT_A01"), "2.3", header("2.3", "ADT^A04"),
         "changed MSH-9.3, dropped MSH-12.2"},
        {"version with country", header("2.4^DEU", "ORU^R01^ORU_R01"), "2.5.1",
         header("2.5.1^DEU", "ORU^R01^ORU_R01"), ""},
        {"a message that the target lacks", header("2.5.1", "OML^O33^OML_O33"), "2.3.1",
         header("2.3.1", "OML^O33^OML_O33"), "kept MSH-9"},
        {"an event of one's own", header("2.3", "ZXX^Z01"), "2.5.1", header("2.5.1", "ZXX^Z01"),
         "kept MSH-9"},
        {"truncation", "MSH|^~\\&#|A|||||||1|P|2.7\rNTE|||50\\P\\ \\E\\P\\E\\ #\r", "2.5.1",
         "MSH|^~\\&|A|||||||1|P|2.5.1\rNTE|||50# \\E\\P\\E\\ #\r", "changed MSH-2"},
        {"no MSH-12", "MSH|^~\\&|A|||||||1\r", "2.3", "MSH|^~\\&|A|||||||1||2.3\r", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const message = Message::parse(row.before);
        REQUIRE(message.has_value());
        auto const converted = convert(*message, *version_named(row.to));
        REQUIRE(converted.has_value());
        CHECK(with_lf(converted->bytes) == with_lf(row.after));
        CHECK(notes_of(*converted) == row.notes);
    }
    auto const message = Message::parse(header("2.5.1", "ADT^A01"));
    CHECK(convert(*message, Version::v2_5_1).error().code == "same_version");
}

TEST_CASE("what holds for every message of the shared collection and every version") {
    if (!std::filesystem::exists(HILUM_SHARED "/messages")) {
        MESSAGE("skipped: no shared messages");
        return;
    }
    std::size_t conversions = 0, moved = 0, not_carried = 0;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(HILUM_SHARED "/messages")) {
        if (!entry.is_regular_file() || entry.path().extension() == ".csv") continue;
        std::ifstream file(entry.path(), std::ios::binary);
        std::string const bytes{std::istreambuf_iterator<char>(file), {}};
        if (bytes.size() > 100'000) continue;
        for (auto const one : split_messages(bytes).messages) {
            auto const message = Message::view(one);
            if (!message) continue;
            for (Version const to : {Version::v2_1, Version::v2_3, Version::v2_5_1, Version::v2_8_2}) {
                CAPTURE(entry.path().string());
                auto const converted = convert(*message, to);
                if (!converted) {
                    CHECK(converted.error().code == "same_version");
                    continue;
                }
                ++conversions;
                auto const again = Message::view(converted->bytes);
                REQUIRE(again.has_value());
                CHECK(again->segment_count() == message->segment_count());
                CHECK(again->text("MSH-12.1") == name(to));
                CHECK(again->text("MSH-10") == message->text("MSH-10"));
                CHECK(convert(*again, to).error().code == "same_version");
                for (auto const& note : converted->notes) {
                    moved += note.kind == ConversionNote::Kind::moved ? 1 : 0;
                    not_carried += note.kind == ConversionNote::Kind::kept ? 1 : 0;
                }
            }
        }
    }
    MESSAGE(conversions, " conversions, ", moved, " values moved, ", not_carried, " not carried");
    CHECK(conversions > 4000);
}
