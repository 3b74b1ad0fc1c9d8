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
        {"date: { field: PID-7, from: hl7, to: iso, zone: Europe/Berlim, otherwise: hold }",
         "there is no time zone \"Europe/Berlim\"; did you mean \"Europe/Berlin\"?"},
        {"date: { field: PID-7, from: hl7, to: iso, to_zone: ../../etc/passwd, otherwise: hold }",
         "there is no time zone \"../../etc/passwd\"; name one of the tz database"},
        {"date: { field: PID-7, from: hl7, to: iso, zone: UTC, offset: Z, otherwise: hold }",
         "an offset and a time zone are given for the same times; keep one of the two"},
        {"date: { field: PID-7, from: hl7, to: iso, to_zone: UTC, to_offset: Z, otherwise: hold }",
         "an offset and a time zone are given for the same times; keep one of the two"},
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
        {"202602282330-0500", 3600, "202603010530+0100"},
        {"2026010203+0000", 330 * 60, "202601020830+0530"},
        {"20251231235959.5Z", 3600, "20260101005959.5+0100"},
        {"20260102", 3600, "20260102"},
        {"00000101000000+0000", -3600, "none"},
        {"99991231235959+0000", 3600, "none"},
        {"19000101000000+0000", 1172, "none"},  // Amsterdam's 00:19:32, which HL7 can't write
    };
    auto const hl7 = DateFormat::compile("hl7");
    for (auto const& row : rows) {
        CAPTURE(row.text);
        auto const time = hl7->read(row.text);
        REQUIRE(time);
        auto const shifted = time->at(row.offset);
        CHECK((shifted ? hl7->write(*shifted) : std::nullopt).value_or("none") == row.result);
    }
}

TEST_CASE("date: time zones") {
    // The value is put there, then changed: "summer" and "winter" are Berlin's.
    struct Zoned {
        std::string_view value;
        std::string_view options;
        std::string_view result;
    };
    constexpr Zoned rows[] = {
        {"202607010200", "zone: Europe/Berlin, to_offset: Z", "202607010000+0000"},
        {"202601010200", "zone: Europe/Berlin, to_offset: Z", "202601010100+0000"},
        {"202607010200", "zone: Europe/Berlin", "202607010200+0200"},
        {"20260701020000.1234", "zone: Europe/Berlin, to_zone: America/New_York", "20260630200000.1234-0400"},
        {"202607010200+0000", "zone: Europe/Berlin, to_zone: America/New_York", "202606302200-0400"},
        {"202607010000Z", "to_zone: Europe/Berlin", "202607010200+0200"},
        {"202607010000", "offset: Z, to_zone: Asia/Kolkata", "202607010530+0530"},
        {"202603290230", "zone: Europe/Berlin, to_offset: Z", "202603290130+0000"},  // left out
        {"202603290230", "zone: Europe/Berlin, to_zone: Europe/Berlin", "202603290330+0200"},
        {"202610250230", "zone: Europe/Berlin, to_offset: Z", "202610250030+0000"},  // twice
        {"202610250130Z", "to_zone: Europe/Berlin", "202610250230+0100"},
        {"20260701", "zone: Europe/Berlin, to_zone: America/New_York", "20260701"},  // a day stays
        {"202607", "zone: Europe/Berlin, to_offset: Z", "202607"},
        {"202607010000", "to_zone: Europe/Berlin", "hold: OBX-14 is no such date"},
        {"193001011200Z", "to_zone: Europe/Amsterdam", "hold: OBX-14 is no such date"},
        {"190001011200", "zone: Europe/Berlin, to_offset: Z", "190001011100+0000"},
        {"212607011200", "zone: Europe/Berlin, to_offset: Z", "212607011000+0000"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.value);
        CAPTURE(row.options);
        auto const result = run("{ when: PID-8 = 'F', then: [ set: { OBX-14: '" + std::string(row.value) +
                                "' }, date: { field: OBX-14, from: hl7, to: hl7, " +
                                std::string(row.options) + ", otherwise: hold } ] }");
        auto const expected = row.result.starts_with("hold: ")
                                  ? "hold: step 2 (date): " + std::string(row.result.substr(6))
                                  : "OBX|1|ST|A||x|||||||||" + std::string(row.result);
        CHECK(result == expected);
    }
}
