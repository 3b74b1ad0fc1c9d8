#include "routes/steps/date_format.h"
#include "tests/routes/steps_support.h"

using namespace hilum;
using namespace hilum::steps_test;
using routes::DateFormat;

TEST_CASE("date formats: what is read, and what is written of it") {
    struct Format {
        std::string_view from;
        std::string_view text;
        std::string_view to;
        std::string_view result;
    };
    constexpr Format rows[] = {
        {"hl7", "2026", "iso", "2026"},
        {"hl7", "202601", "iso", "2026-01"},
        {"hl7", "20260102", "iso", "2026-01-02"},
        {"hl7", "2026010203", "iso", "2026-01-02T03:00"},
        {"hl7", "202601020304", "iso", "2026-01-02T03:04"},
        {"hl7", "20260102030405", "iso", "2026-01-02T03:04:05"},
        {"hl7", "20260102030405.1234+0100", "iso", "2026-01-02T03:04:05.1234+01:00"},
        {"hl7", "20260102030405-0000", "iso", "2026-01-02T03:04:05Z"},
        {"iso", "2026-01-02T03:04:05.123456Z", "hl7", "20260102030405.1234+0000"},
        {"iso", "2026-01", "hl7", "202601"},
        {"iso", "2026-01-02 03:04", "hl7", "202601020304"},
        {"%d.%m.%Y", "02.01.2026", "hl7", "20260102"},
        {"%d-%b-%Y %H:%M", "02-jan-2026 03:04", "hl7", "202601020304"},
        {"hl7", "20260102", "%d.%m.%Y", "02.01.2026"},
        {"hl7", "20260102", "100%% %Y", "100% 2026"},
        {"hl7", "202601", "%d.%m.%Y", "none"},
        {"hl7", "20260102", "%Y%z", "none"},
        {"hl7", "20260230", "iso", "none"},
        {"hl7", "2026010224", "iso", "none"},
        {"hl7", "20261", "iso", "none"},
        {"hl7", "20260102x", "iso", "none"},
        {"hl7", "", "iso", "none"},
        {"iso", "2026-01-02T03", "hl7", "none"},
        {"iso", "20260102", "hl7", "none"},
        {"%d.%m.%Y", "02.01.26", "hl7", "none"},
        {"%d.%m.%Y", "02.01.2026 ", "hl7", "none"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.from);
        CAPTURE(row.text);
        auto const time = DateFormat::compile(row.from)->read(row.text);
        auto const text = time ? DateFormat::compile(row.to)->write(*time) : std::nullopt;
        CHECK(text.value_or("none") == row.result);
    }
}

TEST_CASE("date: steps") {
    constexpr Row rows[] = {
        {"date: { field: PID-7, from: hl7, to: '%d.%m.%Y', otherwise: hold }",
         "PID|1|OLD|4711^^^NORTH~0815||DOE^JANE||03.02.1980|F||||||\"\""},
        {"date: { field: PID-7, from: [iso, hl7], to: iso, otherwise: hold }",
         "PID|1|OLD|4711^^^NORTH~0815||DOE^JANE||1980-02-03|F||||||\"\""},
        {"date: { field: PID-7, from: iso, to: hl7, otherwise: hold }", "hold: PID-7 is no such date"},
        {"date: { field: PID-7, from: iso, to: hl7, otherwise: pass }", ""},
        {"date: { field: NK1-2, from: iso, to: hl7, otherwise: default, default: '1900' }", "NK1|1|1900"},
        {"date: { field: PID-14, from: hl7, to: iso, otherwise: hold }", ""},
        {"date: { field: PID-7, from: hl7, to: hl7, offset: '+01:00', to_offset: Z, otherwise: hold }", ""},
    };
    check(rows);
    constexpr Wrong wrong[] = {
        {"date: { field: PID-7, from: hl7, to: iso }",
         "date does not say what becomes of a value that is no such date"},
        {"date: { field: PID-7, from: '%q', to: iso, otherwise: hold }",
         "a % is followed by none of Y m b d H"},
        {"date: { field: PID-7, from: '%d.%m', to: iso, otherwise: hold }", "the format has no year"},
        {"date: { field: PID-7, from: hl7, to: iso, offset: Europe/Berlin, otherwise: hold }",
         "\"Europe/Berlin\" is no offset from UTC"},
        {"date: { field: PID-7, from: [], to: iso, otherwise: hold }", "\"from\" names no format"},
    };
    check_wrong(wrong);
}

TEST_CASE("date: another offset is the same moment") {
    struct Shift {
        std::string_view text;
        int offset;
        std::string_view result;
    };
    constexpr Shift rows[] = {
        {"202601020030+0100", 0, "202601012330+0000"},
        {"202602282330-0500", 60, "202603010530+0100"},
        {"2026010203+0000", 330, "202601020830+0530"},
        {"20251231235959.5Z", 60, "20260101005959.5+0100"},
        {"20260102", 60, "20260102"},
    };
    auto const hl7 = DateFormat::compile("hl7");
    for (auto const& row : rows) {
        CAPTURE(row.text);
        auto const time = hl7->read(row.text);
        REQUIRE(time);
        CHECK(hl7->write(time->at(row.offset)) == row.result);
    }
}
