#include "parsers/hl7/path.h"

#include <doctest/doctest.h>

using hilum::hl7::Path;

TEST_CASE("path: what parses, and how it is written back") {
    struct Row {
        char const* text;
        char const* written;
        std::uint32_t occurrence, field, repetition, component, subcomponent;
    };
    constexpr auto all = Path::all;
    Row const rows[] = {
        {"PID", "PID", 1, 0, 1, 0, 0},
        {"PID-3", "PID-3", 1, 3, 1, 0, 0},
        {"PID-3.1", "PID-3.1", 1, 3, 1, 1, 0},
        {"PID-3[2].4.2", "PID-3[2].4.2", 1, 3, 2, 4, 2},
        {"OBX[2]-5", "OBX[2]-5", 2, 5, 1, 0, 0},
        {"OBX[1]-5[1]", "OBX-5[1]", 1, 5, 1, 0, 0},
        {"OBX[*]-5[*].1", "OBX[*]-5[*].1", all, 5, all, 1, 0},
        {"NK1[*]", "NK1[*]", all, 0, 1, 0, 0},
        {"Z01-12", "Z01-12", 1, 12, 1, 0, 0},
        {"PID-99999999", "PID-99999999", 1, 99999999, 1, 0, 0},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        auto const path = Path::parse(row.text);
        REQUIRE(path.has_value());
        CHECK(path->occurrence == row.occurrence);
        CHECK(path->field == row.field);
        CHECK(path->repetition == row.repetition);
        CHECK(path->component == row.component);
        CHECK(path->subcomponent == row.subcomponent);
        CHECK(path->text() == row.written);
        auto const again = Path::parse(path->text());
        REQUIRE(again.has_value());
        CHECK(*again == *path);
    }
}

TEST_CASE("path: what does not parse, and at which column") {
    struct Row {
        char const* text;
        char const* place;
    };
    Row const rows[] = {
        {"", "column 1"},
        {"pid-3", "column 1"},
        {"PI", "column 1"},
        {"Pid-3", "column 1"},
        {"P_D-3", "column 1"},
        {"1ID-3", "column 1"},
        {"PID-0", "column 4"},
        {"PID-", "column 4"},
        {"PID-3.0", "column 6"},
        {"PID-3[0]", "column 6"},
        {"PID-3[x]", "column 6"},
        {"PID-3[2", "column 6"},
        {"PID[0]-3", "column 4"},
        {"PID-3.1.2.3", "column 10"},
        {"PID-3 ", "column 6"},
        {"PID.3", "column 1"},
        {"PID-100000000", "column 4"},
        {"PIDX-3", "column 1"},
        {"PID-3.1[2]", "column 8"},
        {"PID-99999999999999999999", "column 4"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        auto const path = Path::parse(row.text);
        REQUIRE_FALSE(path.has_value());
        CHECK(path.error().code == "bad_path");
        CHECK(path.error().place == row.place);
        CHECK_FALSE(path.error().next.empty());
    }
}

TEST_CASE("path: the longest one an expression begins with") {
    struct Row {
        char const* text;
        std::size_t length;
        char const* path;
    };
    Row const rows[] = {
        {"PID-5.1.upper()", 7, "PID-5.1"},
        {"PID-3 = 'x'", 5, "PID-3"},
        {"PID-3.exists()", 5, "PID-3"},
        {"PID = 1", 3, "PID"},
        {"PID)", 3, "PID"},
        {"PID-x", 3, "PID"},
        {"PID.3", 0, ""},
        {"PIDX", 0, ""},
        {"PID_", 0, ""},
        {"PID(", 0, ""},
        {"ORDER_OBSERVATION", 0, ""},
        {"name", 0, ""},
        {"OBX[2].count()", 6, "OBX[2]"},
        {"OBX[*]-5[*]|x", 11, "OBX[*]-5[*]"},
        {"PID-3[", 5, "PID-3"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        auto const found = Path::parse_prefix(row.text);
        CHECK(found.length == row.length);
        if (row.length != 0) CHECK(found.path.text() == row.path);
    }
}
