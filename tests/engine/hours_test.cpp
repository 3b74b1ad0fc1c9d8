// The hours in which a destination may be tried, by the clocks of a place.
#include "engine/delivery/hours.h"

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "parsers/time_text.h"

using namespace hilum;
using delivery::Hours;

namespace {

// A TZif file without a transition, but with a rule.
std::shared_ptr<routes::TimeZone const> zone(std::string const& rule) {
    auto const head = "TZif2" + std::string(15, '\0') + std::string(16, '\0') + std::string(3, '\0') + '\1' +
                      std::string(3, '\0') + '\4';
    auto const block = head + std::string(6, '\0') + "AAA" + '\0';
    auto parsed = routes::TimeZone::parse(block + block + "\n" + rule + "\n");
    REQUIRE(parsed.has_value());
    return std::make_shared<routes::TimeZone const>(std::move(*parsed));
}

std::int64_t at(std::string const& utc) {
    auto const time = parse_rfc3339(utc + "Z");
    REQUIRE(time.has_value());
    return *time;
}

constexpr auto berlin = "CET-1CEST,M3.5.0,M10.5.0/3";

Hours hours(std::initializer_list<std::string_view> lines, std::string const& rule = berlin) {
    std::vector<Hours::Window> windows;
    for (auto const line : lines) REQUIRE(Hours::read(line, windows).has_value());
    return {std::move(windows), zone(rule)};
}

}  // namespace

TEST_CASE("hours: open and from when on, over midnight, weeks and changes of the clocks") {
    struct Row {
        std::string_view line;
        std::string utc;
        std::string opens;  // in UTC; empty: it is open
    };
    // In January Berlin is one hour ahead, in July two. 2026-01-05 is a Monday.
    Row const rows[] = {
        {"08:00-18:00", "2026-01-05T06:59:59", "2026-01-05T07:00:00"},
        {"08:00-18:00", "2026-01-05T07:00:00", ""},
        {"08:00-18:00", "2026-01-05T16:59:59", ""},
        {"08:00-18:00", "2026-01-05T17:00:00", "2026-01-06T07:00:00"},
        {"08:00-18:00", "2026-07-06T06:00:00", ""},
        {"8:00-18:00", "2026-07-06T16:00:00", "2026-07-07T06:00:00"},
        // Over midnight: of the day it begins on.
        {"22:00-05:00", "2026-01-05T20:59:59", "2026-01-05T21:00:00"},
        {"22:00-05:00", "2026-01-05T23:30:00", ""},
        {"22:00-05:00", "2026-01-06T03:59:59", ""},
        {"22:00-05:00", "2026-01-06T04:00:00", "2026-01-06T21:00:00"},
        {"fri 22:00-05:00", "2026-01-10T03:59:59", ""},                     // Saturday morning
        {"fri 22:00-05:00", "2026-01-10T21:30:00", "2026-01-16T21:00:00"},  // Saturday evening
        // Over the end of the week.
        {"sun 22:00-05:00", "2026-01-05T03:59:59", ""},
        {"sun 22:00-05:00", "2026-01-05T04:00:00", "2026-01-11T21:00:00"},
        {"sat-mon", "2026-01-04T12:00:00", ""},
        {"sat-mon", "2026-01-05T22:59:59", ""},
        {"sat-mon", "2026-01-05T23:00:00", "2026-01-09T23:00:00"},
        {"sat,tue 12:00-24:00", "2026-01-06T22:59:59", ""},
        {"sat,tue 12:00-24:00", "2026-01-06T23:00:00", "2026-01-10T11:00:00"},
        {"mon-fri 00:00-24:00", "2026-01-09T23:00:00", "2026-01-11T23:00:00"},
        // Clocks go from 02:00 to 03:00 on 2026-03-29: what they leave out is left out.
        {"02:30-05:00", "2026-03-29T00:59:59", "2026-03-29T01:00:00"},
        {"02:30-05:00", "2026-03-29T01:00:00", ""},
        {"02:30-05:00", "2026-03-29T02:59:59", ""},
        {"02:30-05:00", "2026-03-29T03:00:00", "2026-03-30T00:30:00"},
        {"02:15-02:45", "2026-03-29T00:59:59", "2026-03-30T00:15:00"},
        {"sun 02:15-02:45", "2026-03-29T00:59:59", "2026-04-05T00:15:00"},
        // From 03:00 back to 02:00 on 2026-10-25: what they show twice comes twice.
        {"02:15-02:45", "2026-10-25T00:15:00", ""},
        {"02:15-02:45", "2026-10-25T00:50:00", "2026-10-25T01:15:00"},
        {"02:15-02:45", "2026-10-25T01:30:00", ""},
        {"02:15-02:45", "2026-10-25T01:45:00", "2026-10-26T01:15:00"},
        {"01:00-02:30", "2026-10-25T00:40:00", "2026-10-25T01:00:00"},
        // Before 1970.
        {"08:00-18:00", "1969-12-31T06:30:00", "1969-12-31T07:00:00"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.line);
        CAPTURE(row.utc);
        auto const h = hours({row.line});
        CHECK(h.open(at(row.utc)) == row.opens.empty());
        auto const from = h.open_from(at(row.utc));
        CHECK(rfc3339(from) == rfc3339(at(row.opens.empty() ? row.utc : row.opens)));
        CHECK(h.open(from));
    }
}

TEST_CASE("hours: the first of several windows counts, in other zones too") {
    auto const h = hours({"mon-fri 22:00-05:00", "sat-sun", "wed 12:00-13:00"}, "EST5EDT,M3.2.0,M11.1.0");
    CHECK(h.open(at("2026-01-10T17:00:00")));  // Saturday noon
    CHECK(rfc3339(h.open_from(at("2026-01-07T15:00:00"))) == rfc3339(at("2026-01-07T17:00:00")));
    CHECK(rfc3339(h.open_from(at("2026-01-07T18:00:00"))) == rfc3339(at("2026-01-08T03:00:00")));
}

TEST_CASE("hours: open_from is the first open minute of a year, whatever the windows") {
    for (auto const lines : {std::initializer_list<std::string_view>{"02:00-02:59"},
                             {"fri 23:30-00:30", "sun 01:59-03:01"},
                             {"mon 12:00-11:59"}}) {
        auto const h = hours(lines);
        std::optional<std::int64_t> next;
        std::int64_t const minute = 60'000'000;
        std::int64_t const from = at("2026-03-20T00:00:00");
        for (auto t = at("2026-11-05T00:00:00"); t >= from; t -= minute) {
            if (h.open(t)) next = t;
            if (!next || t % (7 * minute) != 0) continue;
            REQUIRE_MESSAGE(h.open_from(t) == *next, rfc3339(t));
        }
    }
}

TEST_CASE("hours: what can't be read is named") {
    struct Row {
        std::string_view line, what;
    };
    constexpr Row rows[] = {
        {"", "no hours are given"},
        {"  ", "no hours are given"},
        {"mo 08:00-18:00", "\"mo\" is no day of the week"},
        {"mon-frj", "\"frj\" is no day of the week"},
        {"MON", "\"MON\" is no day of the week"},
        {"mon-", "\"\" is no day of the week"},
        {"mon,,tue", "\"\" is no day of the week"},
        {"22-5", "\"22-5\" are no hours"},
        {"22:00", "\"22:00\" are no hours"},
        {"22:00-", "\"22:00-\" are no hours"},
        {"22:60-23:00", "\"22:60-23:00\" are no hours"},
        {"22:00-24:01", "\"22:00-24:01\" are no hours"},
        {"24:00-05:00", "\"24:00-05:00\" are no hours"},
        {"-1:00-05:00", "\"\" is no day of the week"},
        {"022:00-05:00", "\"022:00-05:00\" are no hours"},
        {"mon 08:00-08:00", "\"08:00-08:00\" is no time at all"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.line);
        std::vector<Hours::Window> windows;
        auto const r = Hours::read(row.line, windows);
        REQUIRE_FALSE(r.has_value());
        CHECK(r.error().what == row.what);
        CHECK_FALSE(r.error().next.empty());
        CHECK(windows.empty());
    }
}
