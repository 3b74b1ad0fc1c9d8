#include "engine/flow/sequence.h"

#include <doctest/doctest.h>

using hilum::flow::SequenceTable;
using Verdict = SequenceTable::Verdict;

TEST_CASE("sequence numbers: the protocol, row by row (HL7 v2.8.2 §2.10.1)") {
    SequenceTable table;
    struct Row {
        char const* name;
        char const* number;
        char const* control_id;
        Verdict verdict;
        std::int64_t expected;
    };
    Row const rows[] = {
        {"not numbered", "", "A", Verdict::unnumbered, 0},
        {"null", "\"\"", "A", Verdict::unnumbered, 0},
        {"the link starts, nothing is known", "0", "A", Verdict::link, -1},
        {"the first one counts as it is", "17", "B", Verdict::in_order, 17},
        {"the next one", " 18 ", "C", Verdict::in_order, 18},
        {"the same again: its answer was lost", "18", "C", Verdict::repeated, 19},
        {"the same number for another message", "18", "D", Verdict::gap, 19},
        {"one left out", "20", "D", Verdict::gap, 19},
        {"an old one", "3", "D", Verdict::gap, 19},
        {"the link starts again: what is expected", "0", "E", Verdict::link, 19},
        {"what was expected", "19", "F", Verdict::in_order, 19},
        {"resynchronisation", "-1", "G", Verdict::link, -1},
        {"which takes any number", "5", "H", Verdict::in_order, 5},
        {"and goes on from it", "+6", "I", Verdict::in_order, 6},
        {"no number", "x", "J", Verdict::unreadable, 0},
        {"half a number", "7x", "J", Verdict::unreadable, 0},
        {"below -1", "-2", "J", Verdict::unreadable, 0},
        {"too large", "99999999999999999999", "J", Verdict::unreadable, 0},
        {"none of which changed anything", "7", "J", Verdict::in_order, 7},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const check = table.arrive("LAB|WEST", row.number, row.control_id);
        CHECK(check.verdict == row.verdict);
        CHECK(check.expected == row.expected);
        if (check.verdict == Verdict::in_order) table.settled("LAB|WEST", check.number, true);
    }
}

TEST_CASE("sequence numbers: what could not be stored is expected again") {
    SequenceTable table;
    CHECK(table.arrive("A", "1", "M1").verdict == Verdict::in_order);
    CHECK(table.arrive("A", "1", "M1").verdict == Verdict::unsettled);  // not on disk yet
    table.settled("A", 1, true);
    CHECK(table.arrive("A", "2", "M2").verdict == Verdict::in_order);
    table.settled("A", 2, false);
    CHECK(table.arrive("A", "3", "M3").verdict == Verdict::gap);
    CHECK(table.arrive("A", "2", "M2").verdict == Verdict::in_order);
}

TEST_CASE("sequence numbers: senders are counted apart, the latest are kept") {
    SequenceTable table(2);
    for (auto const* sender : {"A", "B"}) {
        CHECK(table.arrive(sender, "1", "M").verdict == Verdict::in_order);
        table.settled(sender, 1, true);
    }
    CHECK(table.arrive("A", "3", "M").verdict == Verdict::gap);
    CHECK(table.arrive("C", "9", "M").verdict == Verdict::in_order);  // forgets B
    CHECK(table.arrive("A", "2", "M").verdict == Verdict::in_order);
    CHECK(table.arrive("B", "7", "M").verdict == Verdict::in_order);
}
