#include "parsers/hl7/group_path.h"

#include <doctest/doctest.h>

#include <string>

using namespace hilum::hl7;

namespace {

constexpr std::string_view oru =
    "MSH|^~\\&|A|B|C|D|1||ORU^R01|1|P|2.5.1\r"  // 1
    "PID|1|first\r"                             // 2
    "OBR|1\rOBX|1||||a\rNTE|1\rOBX|2||||b\r"    // 3 4 5 6
    "OBR|2\rNTE|1\rOBX|1||||c\rOBX|2||||d\r"    // 7 8 9 10
    "PID|2|second\r"                            // 11
    "OBR|1\rOBX|1||||e\rNTE|9\r";               // 12 13 14

// The segment numbers, each with its occurrence in the message: "9/3 10/4".
std::string found(std::string_view path) {
    auto const message = Message::view(oru);
    auto const parsed = GroupPath::parse(path);
    REQUIRE(parsed.has_value());
    std::string out;
    for (auto const& f : parsed->resolve(*message, MessageStructure::of(*message))) {
        out += (out.empty() ? "" : " ") + std::to_string(f.segment) + '/' + std::to_string(f.occurrence);
    }
    return out;
}

}  // namespace

TEST_CASE("group paths: which segments they name") {
    struct Row {
        std::string_view path, segments;
    };
    for (Row const& row : {
             Row{"ORDER_OBSERVATION/OBX-5", "4/1"},
             {"ORDER_OBSERVATION[2]/OBX[1]-5", "9/3"},
             {"ORDER_OBSERVATION[2]/OBX[2]-5", "10/4"},
             {"ORDER_OBSERVATION[2]/OBX[3]-5", ""},
             {"ORDER_OBSERVATION[3]/OBX-5", "13/5"},
             {"ORDER_OBSERVATION[4]/OBX-5", ""},
             {"ORDER_OBSERVATION[*]/OBX-5", "4/1 9/3 13/5"},
             {"ORDER_OBSERVATION[*]/OBX[*]-5", "4/1 6/2 9/3 10/4 13/5"},
             {"ORDER_OBSERVATION[2]/OBX[*]-5", "9/3 10/4"},
             {"PATIENT_RESULT[2]/OBX-5", "13/5"},
             {"PATIENT_RESULT[2]/ORDER_OBSERVATION/OBX-5", "13/5"},
             {"PATIENT_RESULT[1]/ORDER_OBSERVATION[2]/OBSERVATION[2]/OBX-5", "10/4"},
             {"PATIENT_RESULT[1]/OBSERVATION[3]/OBX-5", "9/3"},
             {"PATIENT_RESULT[*]/ORDER_OBSERVATION[1]/OBX-5", "4/1 13/5"},
             {"PATIENT_RESULT[*]/OBSERVATION[2]/OBX-5", "6/2"},
             {"OBSERVATION[4]/OBX-5", "10/4"},
             {"ORDER_OBSERVATION[2]/NTE-1", "8/2"},
             {"OBSERVATION[*]/NTE-1", "5/1 14/3"},
             {"PATIENT[2]/PID-2", "11/2"},
             {"ORDER_OBSERVATION/PID-2", ""},
             {"SPECIMEN/OBX-5", ""},
             {"ORDER_OBSERVATION[2]/OBX", "9/3"},
             {"PID[2]-2", "11/2"},
         }) {
        CAPTURE(row.path);
        CHECK(found(row.path) == row.segments);
    }
}

TEST_CASE("group paths: written and read back") {
    for (std::string_view const text :
         {"PID-3.1", "ORDER_OBSERVATION[2]/OBX-5", "ORDER_OBSERVATION[*]/OBX[*]-5[*].1.2",
          "PATIENT_RESULT[3]/ORDER_OBSERVATION[2]/OBSERVATION/OBX[4]", "MF_CDM/CDM-1"}) {
        auto const path = GroupPath::parse(text);
        REQUIRE(path.has_value());
        CHECK(path->text() == text);
        CHECK(GroupPath::parse(path->text()).value() == *path);
    }
    CHECK(GroupPath::parse("ORDER[1]/OBX[1]-5")->text() == "ORDER/OBX-5");
    CHECK(GroupPath::parse("PID-3")->plain());
    CHECK(GroupPath::parse("ORDER[*]/OBX-5")->many());
    CHECK(GroupPath::parse("ORDER/OBX-5[*]")->many());
    CHECK_FALSE(GroupPath::parse("ORDER[2]/OBX[2]-5")->many());
}

TEST_CASE("group paths: what is none, and where it goes wrong") {
    struct Row {
        std::string text, place;
    };
    std::string deep;
    for (int i = 0; i < 17; ++i) deep += "GROUP/";
    for (Row const& row : {
             Row{"", "column 1"},
             {"/OBX-5", "column 1"},
             {"ORDER//OBX-5", "column 7"},
             {"order/OBX-5", "column 1"},
             {"ORDER[0]/OBX-5", "column 1"},
             {"ORDER[x]/OBX-5", "column 1"},
             {"ORDER[2/OBX-5", "column 1"},
             {"ORDER[99999999999]/OBX-5", "column 1"},
             {"ORDER/", "column 7"},
             {"ORDER/obx-5", "column 7"},
             {"ORDER/OBX-0", "column 10"},
             {"ORDER/OBX-5-1", "column 12"},
             {deep + "OBX-5", "column 97"},
         }) {
        CAPTURE(row.text);
        auto const path = GroupPath::parse(row.text);
        REQUIRE_FALSE(path.has_value());
        CHECK(path.error().code == "bad_path");
        CHECK(path.error().place == row.place);
    }
}

TEST_CASE("group paths: a prefix of a longer text") {
    CHECK(GroupPath::parse_prefix("ORDER[2]/OBX-5.1.upper()").length == 16);
    CHECK(GroupPath::parse_prefix("PID-5").length == 0);
    CHECK(GroupPath::parse_prefix("ORDER/upper()").length == 0);
    CHECK(GroupPath::parse_prefix("ORDER[2] / OBX-5").length == 0);
}

TEST_CASE("group paths: reads and edits by segment number") {
    auto message = Message::parse(std::string(oru));
    auto const path = Path::parse("OBX-5").value();
    CHECK(message->get_in(9, path).raw == "c");
    CHECK(message->get_in(0, path).presence == Presence::absent);
    CHECK(message->get_in(99, path).presence == Presence::absent);
    REQUIRE(message->set_in(9, path, "x|y~z").has_value());
    CHECK(message->get_in(9, path).raw == "x\\F\\y\\R\\z");
    CHECK(message->set_in(99, path, "x").error().code == "no_such_segment");
    CHECK(message->set_in(1, Path::parse("MSH-2").value(), "x").error().code == "delimiters_fixed");
    CHECK(message->erase_in(10, path) == 1);
    CHECK(message->get_in(10, path).presence == Presence::empty);
    CHECK(message->erase_in(99, path) == 0);
    std::size_t const doomed[] = {1, 4, 6, 14};
    CHECK(message->erase_segments(doomed) == 3);
    CHECK(message->segment_count() == 11);
    CHECK(message->segment(1).starts_with("MSH"));
    CHECK(message->segment(4) == "NTE|1");
}
