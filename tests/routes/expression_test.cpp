#include "routes/expression/expression.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

using namespace hilum;
using expression::Context;
using expression::Expression;

namespace {

constexpr std::string_view sample =
    "MSH|^~\\&|HIS|NORTH|LAB|SOUTH|20260102030405||ADT^A01^ADT_A01|MSG1|P|2.5\r"
    "PID|1||4711^^^NORTH&1.2.3&ISO~0815^^^SOUTH||DOE^JANE^M\\T\\N||19800203|F|||M\xc3\xbchlweg 7^^Bonn||+49 "
    "228 1~+49 228 2|\"\"|||||007\r"
    "NK1|1|DOE^JOHN\rNK1|2|ROE^RICHARD\r"
    "PV1|1|I|W1^101^A\r"
    "OBX|1|NM|718-7^Hb||13.50|g/dL|||||F\r"
    "OBX|2|NM|789-8^RBC||4.7|10*12/L|||||F\r"
    "OBX|3|ST|X^Note||negative||||||P\r"
    "OBX|4|NM|Y||-.5||||||F\r"
    "ZPD|A\\F\\B\\E\\\\X0D\\C|\r";

hl7::Message message() {
    auto parsed = hl7::Message::view(sample);
    REQUIRE(parsed.has_value());
    return std::move(*parsed);
}

// "a, b" of the items, or "! code at column N" of the error.
std::string evaluated(std::string_view text) {
    auto const m = message();
    auto const compiled = Expression::compile(text);
    if (!compiled) return "! " + compiled.error().code + " at " + compiled.error().place;
    auto const items = compiled->items({&m, 0});
    if (!items) return "! " + items.error().code + " at " + items.error().place;
    std::string out;
    for (auto const& item : *items) out += (out.empty() ? "" : ", ") + item;
    return out.empty() && !items->empty() ? "''" : items->empty() ? "{}" : out;
}

struct Row {
    std::string_view text;
    std::string_view result;
};

template <std::size_t N>
void check(Row const (&rows)[N]) {
    for (auto const& row : rows) {
        CAPTURE(row.text);
        CHECK(evaluated(row.text) == row.result);
    }
}

}  // namespace

TEST_CASE("paths are primaries and their values are unescaped text") {
    constexpr Row rows[] = {
        {"MSH-9.1", "ADT"},
        {"MSH-1", "|"},
        {"MSH-2", "^~\\&"},
        {"PID-3", "4711^^^NORTH&1.2.3&ISO"},
        {"PID-3.1", "4711"},
        {"PID-3[2].4.1", "SOUTH"},
        {"PID-3[*].1", "4711, 0815"},
        {"PID-3.4.2", "1.2.3"},
        {"PID-5.3", "M&N"},
        {"OBX[2]-5", "4.7"},
        {"OBX[*]-5", "13.50, 4.7, negative, -.5"},
        {"OBX[*]-3.1", "718-7, 789-8, X, Y"},
        {"NK1[*]-2.2", "JOHN, RICHARD"},
        {"NK1-2.2", "JOHN"},
        {"ZPD-1", "A|B\\\rC"},
        {"PID-99", "{}"},
        {"PID-4", "{}"},
        {"ZZZ-1", "{}"},
        {"NK1[3]-2", "{}"},
        {"ZPD-2", "{}"},
        {"PV1", "PV1|1|I|W1^101^A"},
        {"OBX[*].count()", "4"},
        {"OBX.exists()", "true"},
        {"ZZZ.exists()", "false"},
        {"PID-5.1.lower()", "doe"},
        {"PID-5.1.lower().upper()", "DOE"},
        {"(PID-3[*].1)[1]", "0815"},
        {"(PID-3[*].1)[2]", "{}"},
        {"PID-3[*].1.last()", "0815"},
    };
    check(rows);
}

TEST_CASE("the explicit null is there, has no characters and says so") {
    constexpr Row rows[] = {
        {"PID-14.isNull()", "true"},
        {"PID-14.exists()", "true"},
        {"PID-14 = ''", "true"},
        {"PID-14", "''"},
        {"PID-4.isNull()", "false"},
        {"PID-5.isNull()", "false"},
        {"PID-14.length()", "0"},
        {"ZZZ-1.isNull()", "false"},
        {"PID-14[*].where($this.isNull()).count()", "1"},
        {"PID-14.upper().isNull()", "false"},
    };
    check(rows);
}

TEST_CASE("literals") {
    constexpr Row rows[] = {
        {"'ADT'", "ADT"},
        {"''", "''"},
        {"{}", "{}"},
        {"true", "true"},
        {"false", "false"},
        {"42", "42"},
        {"4.20", "4.20"},
        {"-7", "-7"},
        {"+7", "7"},
        {"- -7", "7"},
        {"9223372036854775807", "9223372036854775807"},
        {R"('it\'s')", "it's"},
        {R"('\\ \/ \" \`')", "\\ / \" `"},
        {R"('a\tb\nc\rd\fe')", "a\tb\nc\rd\fe"},
        {R"('\u00e4')", "\xc3\xa4"},
        {R"('\ud83d\ude00')", "\xf0\x9f\x98\x80"},
        {"1 // one\n + 1", "2"},
        {"1 /* one */ + /* and */ 1", "2"},
    };
    check(rows);
}

TEST_CASE("equality, order and membership") {
    constexpr Row rows[] = {
        {"MSH-9.1 = 'ADT'", "true"},
        {"MSH-9.1 = 'adt'", "false"},
        {"MSH-9.1 != 'ADT'", "false"},
        {"MSH-9.1 ~ 'adt'", "true"},
        {"MSH-9.1 !~ 'ORU'", "true"},
        {"'A  b' ~ ' a B'", "true"},
        {"'M\xc3\x9cLL' ~ 'm\xc3\xbcll'", "true"},
        {"PID-4 = 'x'", "{}"},
        {"PID-4 != 'x'", "{}"},
        {"PID-4 ~ 'x'", "false"},
        {"PID-4 ~ {}", "true"},
        {"{} = {}", "{}"},
        {"1 = 1.0", "true"},
        {"1.10 = 1.1", "true"},
        {"0.1 + 0.2 = 0.3", "true"},
        {"1.11 ~ 1.1", "true"},
        {"1.11 ~ 1", "false"},
        {"'1' = 1", "false"},
        {"true = 'true'", "false"},
        {"true = true", "true"},
        // HL7 values are text that counts as a number beside a number.
        {"PID-1 = 1", "true"},
        {"OBX-5 = 13.5", "true"},
        {"OBX-5 > 13", "true"},
        {"OBX-5 < 13.51", "true"},
        {"OBX[3]-5 = 1", "false"},
        {"OBX[3]-5 > 1", "{}"},
        {"OBX[4]-5 < 0", "true"},
        {"OBX-5.trim() > 13", "true"},
        {"PID-19 = 7", "true"},
        {"PID-19 = '7'", "false"},
        {"PID-7 < '19900101'", "true"},
        {"'b' > 'a'", "true"},
        {"2 >= 2.0", "true"},
        {"2 <= 1", "false"},
        {"{} < 1", "{}"},
        {"MSH-9.2 in ('A01' | 'A04' | 'A08')", "true"},
        {"MSH-9.2 in ('A02' | 'A03')", "false"},
        {"MSH-9.2 in {}", "false"},
        {"PID-4 in ('A' | 'B')", "{}"},
        {"PID-1 in (1 | 2)", "true"},
        {"PID-3[*].1 contains '0815'", "true"},
        {"PID-3[*].1 contains 815", "true"},
        {"('a' | 'b') = ('a' | 'b')", "true"},
        {"('a' | 'b') = ('b' | 'a')", "false"},
        {"('a' | 'b') ~ ('b' | 'a')", "true"},
        {"('a' | 'b') = 'a'", "false"},
        {"PID-3[*].1 < '5'", "! not_singleton at column 1"},
        {"PID-3[*].1 in ('4711')", "! not_singleton at column 1"},
        {"'1' < 1", "! bad_type at column 5"},
        {"true < false", "! bad_type at column 6"},
    };
    check(rows);
}

TEST_CASE("logic is three-valued") {
    struct Logic {
        char a;
        char b;
        std::string_view conjunction, disjunction, exclusive, implication;
    };
    constexpr Logic table[] = {
        {'t', 't', "true", "true", "false", "true"},
        {'t', 'f', "false", "true", "true", "false"},
        {'t', 'e', "{}", "true", "{}", "{}"},
        {'f', 't', "false", "true", "true", "true"},
        {'f', 'f', "false", "false", "false", "true"},
        {'f', 'e', "false", "{}", "{}", "true"},
        {'e', 't', "{}", "true", "{}", "true"},
        {'e', 'f', "false", "{}", "{}", "{}"},
        {'e', 'e', "{}", "{}", "{}", "{}"},
    };
    // Once as constants, which are computed while compiling, once read from the message.
    auto const operand = [](char c, bool constant) -> std::string {
        if (constant) return c == 't' ? "true" : c == 'f' ? "false" : "{}";
        return c == 't' ? "(PID-8 = 'F')" : c == 'f' ? "(PID-8 = 'M')" : "(PID-4 = 'x')";
    };
    for (auto const& row : table) {
        for (bool const constant : {true, false}) {
            auto const a = operand(row.a, constant);
            auto const b = operand(row.b, constant);
            CAPTURE(a);
            CAPTURE(b);
            CHECK(evaluated(a + " and " + b) == row.conjunction);
            CHECK(evaluated(a + " or " + b) == row.disjunction);
            CHECK(evaluated(a + " xor " + b) == row.exclusive);
            CHECK(evaluated(a + " implies " + b) == row.implication);
            CHECK(evaluated("(" + a + ").not()") == (row.a == 't' ? "false" : row.a == 'f' ? "true" : "{}"));
        }
    }
    constexpr Row rows[] = {
        {"PID-5.1 and true", "true"},  // a single item counts as true
        {"PID-4 or false", "{}"},           {"PID-5.1.not()", "false"},
        {"true or PID-3[*].1", "true"},     {"PID-3[*].1 or true", "! not_singleton at column 1"},
        {"false and PID-3[*].1", "false"},  {"false and true and {} and true", "false"},
        {"true and {} and false", "false"}, {"false or {} or true", "true"},
    };
    check(rows);
}

TEST_CASE("operators bind as FHIRPath says") {
    constexpr Row rows[] = {
        {"1 + 2 * 3", "7"},
        {"(1 + 2) * 3", "9"},
        {"2 - 1 - 1", "0"},
        {"7 div 2", "3"},
        {"7 mod 2", "1"},
        {"-7 div 2", "-3"},
        {"-7 mod 2", "-1"},
        {"5.5 div 0.7", "7"},
        {"2.1 mod 2", "0.1"},
        {"7 / 2", "3.5"},
        {"6 / 2", "3"},
        {"1 / 3", "0.3333333333333333"},
        {"2 / 3", "0.6666666666666667"},
        {"1 / 0", "{}"},
        {"1 div 0", "{}"},
        {"1.5 mod 0", "{}"},
        {"9223372036854775807 + 1", "{}"},
        {"123456789012345678901234567890.0 * 123456789012345678901234567890.0", "{}"},
        {"'a' + 'b'", "ab"},
        {"'a' & 'b' & 1", "ab1"},
        {"'a' & {} & 'b'", "ab"},
        {"'a' + {}", "{}"},
        {"PID-5.1 & ' ' & PID-5.2", "DOE JANE"},
        {"PID-1 + 1", "2"},
        {"OBX-5 * 2", "27.00"},
        {"OBX[3]-5 * 2", "{}"},
        {"OBX[4]-5 - 1", "-1.5"},
        {"-PID-1", "-1"},
        {"-OBX[3]-5", "{}"},
        {"PID-1 - 1", "0"},
        {"1 | 2 | 1", "1, 2"},
        {"true or false and false", "true"},
        {"1 < 2 = true", "true"},
        {"1 = 1 and 2 = 2 or 1 = 2", "true"},
        {"1 + 1 in (2 | 3)", "true"},
        {"false implies false or true", "true"},
        {"'a' & 'b' = 'ab'", "true"},
        {"'x' - 1", "! bad_type at column 5"},
        {"1 + 'x'", "! bad_type at column 3"},
        {"-'x'", "! bad_type at column 1"},
        {"(1 | 2) + 1", "! not_singleton at column 4"},
        {"(1 | 2)[PID-1]", "! bad_type at column 9"},
        {"(1 | 2)[0]", "1"},
        {"(1 | 2)[-1]", "{}"},
        {"(1 | 2)[{}]", "{}"},
    };
    check(rows);
}

TEST_CASE("text functions") {
    constexpr Row rows[] = {
        {"'straße'.upper()", "STRAßE"},
        {"PID-11.1.upper()", "M\xc3\x9cHLWEG 7"},
        {"'\xc3\x84\xd0\x96'.lower()", "\xc3\xa4\xd0\xb6"},
        {"'\xff'.upper()", "\xff"},
        {"'  x '.trim()", "x"},
        {"'   '.trim()", "''"},
        {"{}.upper()", "{}"},
        {"PID-4.upper()", "{}"},
        {"PID-7.substring(0, 4)", "1980"},
        {"PID-7.substring(4)", "0203"},
        {"PID-11.1.substring(1, 1)", "\xc3\xbc"},
        {"'abc'.substring(3)", "{}"},
        {"'abc'.substring(-1)", "{}"},
        {"'abc'.substring(1, 9)", "bc"},
        {"'abc'.substring(1, 0)", "''"},
        {"'abc'.substring(1, -1)", "''"},
        {"'abc'.substring({})", "{}"},
        {"'abc'.substring(PID-1)", "bc"},
        {"'a-b-c'.replace('-', '')", "abc"},
        {"'abc'.replace('b', 'bb')", "abbc"},
        {"'abc'.replace('', 'x')", "xaxbxcx"},
        {"'abc'.replace('x', {})", "{}"},
        {"PID-3.1.matches('^[0-9]+$')", "true"},
        {"PID-3.1.matches('71')", "true"},
        {"PID-3.1.matches('^71')", "false"},
        {"'a\\nb'.matches('a.b')", "true"},
        {"PID-4.matches('x')", "{}"},
        {"'4711'.matches({})", "{}"},
        {"'x4711'.matches(PID-3.1)", "true"},
        {"PID-13.replaceMatches('[^0-9+]', '')", "+492281"},
        {"'2026-01-02'.replaceMatches('(?<y>\\\\d+)-(\\\\d+)-(\\\\d+)', '$3.$2.${y}')", "02.01.2026"},
        {"'abc'.replaceMatches('', '-')", "abc"},
        {"'a1'.replaceMatches('[0-9]', '$$$9')", "a$$9"},
        {"'\xc3\xbc\xc3\xa4'.length()", "2"},
        {"PID-5.1.length()", "3"},
        {"PV1-3.1.startsWith('W')", "true"},
        {"PV1-3.1.endsWith('W')", "false"},
        {"PV1-3.1.startsWith('')", "true"},
        {"OBX[3]-5.contains('gat')", "true"},
        {"OBX[3]-5.contains('')", "true"},
        {"'abcb'.indexOf('b')", "1"},
        {"'\xc3\xbc"
         "b'.indexOf('b')",
         "1"},
        {"'abc'.indexOf('x')", "-1"},
        {"'abc'.indexOf('')", "0"},
        {"'a,b,,c'.split(',').count()", "4"},
        {"'a,b'.split(',')", "a, b"},
        {"'a;b'.split(',')", "a;b"},
        {"'ab'.split('')", "a, b"},
        {"'a\xc3\xbc'.toChars().count()", "2"},
        {"PID-3[*].1.join('/')", "4711/0815"},
        {"PID-3[*].1.join()", "47110815"},
        {"{}.join(',')", "{}"},
        {"12.upper()", "! bad_type at column 4"},
        {"'a'.startsWith(1)", "! bad_type at column 16"},
        {"PID-3[*].1.upper()", "! not_singleton at column 12"},
        {"'a'.matches(PID-3[*].1)", "! not_singleton at column 13"},
        {"'('.matches('a' & PID-4 & PID-99 & 'b' & '(')", "! bad_regex at column 5"},
        {"'abc'.substring('x')", "! bad_type at column 17"},
    };
    check(rows);
}

TEST_CASE("conversions and numbers") {
    constexpr Row rows[] = {
        {"'12'.toInteger()", "12"},
        {"'+12'.toInteger()", "12"},
        {"'-12'.toInteger()", "-12"},
        {"'+-12'.toInteger()", "{}"},
        {"'12.0'.toInteger()", "{}"},
        {"'x'.toInteger()", "{}"},
        {"''.toInteger()", "{}"},
        {"'99999999999999999999'.toInteger()", "{}"},
        {"true.toInteger()", "1"},
        {"OBX-5.toInteger()", "{}"},
        {"PID-19.toInteger()", "7"},
        {"OBX-5.toDecimal()", "13.50"},
        {"'1.50'.toDecimal() + 1", "2.50"},
        {"'1.5x'.toDecimal()", "{}"},
        {"false.toDecimal()", "0"},
        {"12.5.toString()", "12.5"},
        {"PID-14.toString()", "''"},
        {"(1 = 1).toString()", "true"},
        {"'Y'.toBoolean()", "true"},
        {"'no'.toBoolean()", "false"},
        {"'maybe'.toBoolean()", "{}"},
        {"1.0.toBoolean()", "true"},
        {"2.toBoolean()", "{}"},
        {"OBX[3]-5.convertsToDecimal()", "false"},
        {"OBX-5.convertsToDecimal()", "true"},
        {"'1'.convertsToInteger()", "true"},
        {"1.convertsToString()", "true"},
        {"'J'.convertsToBoolean()", "false"},
        {"(-3).abs()", "3"},
        {"(-3.5).abs()", "3.5"},
        {"1.1.ceiling()", "2"},
        {"(-1.1).ceiling()", "-1"},
        {"1.9.floor()", "1"},
        {"(-1.1).floor()", "-2"},
        {"(-1.9).truncate()", "-1"},
        {"2.5.round()", "3"},
        {"(-2.5).round()", "-3"},
        {"3.14159.round(2)", "3.14"},
        {"OBX-5.round(0)", "14"},
        {"OBX[3]-5.abs()", "{}"},
        {"'x'.abs()", "! bad_type at column 5"},
        {"1.5.round(-1)", "! bad_argument at column 5"},
    };
    check(rows);
}

TEST_CASE("dates, times and quantities") {
    constexpr Row rows[] = {
        // HL7 values beside dates are dates.
        {"PID-7 < @1990-01-01", "true"},
        {"PID-7 = @1980-02-03", "true"},
        {"PID-7 = @1980", "{}"},
        {"MSH-7 > @2026-01-02T03:00", "true"},
        {"PID-5.1 > @1980", "{}"},
        {"PID-7.toDate()", "1980-02-03"},
        {"MSH-7.toDateTime()", "2026-01-02T03:04:05"},
        {"'2026'.toDate()", "2026"},
        {"'20260102'.toDate()", "{}"},
        {"PID-7.toDate() + 30 years", "2010-02-03"},
        {"'20260102030405.5+0100'.toDateTime()", "{}"},
        // As far as they go.
        {"@2014 = @2014", "true"},
        {"@2014 = @2014-05", "{}"},
        {"@2014 < @2015-05", "true"},
        {"@2014-05-01T10:00+02:00 = @2014-05-01T08:00Z", "true"},
        {"@2014-05-01T10:00Z < @2014-05-01T23:00", "{}"},
        {"@2014-05-01T10:00Z < @2014-05-03T01:00", "true"},
        {"@2014 ~ @2014-05", "false"},
        {"@T10:30 < @T10:31", "true"},
        {"@2014-02-29", "! bad_token at column 1"},
        // Moved.
        {"@2014-01-31 + 1 month", "2014-02-28"},
        {"@2016-02-29 + 1 year", "2017-02-28"},
        {"@2014-03-01 - 1 day", "2014-02-28"},
        {"@2014 + 24 months", "2016"},
        {"@2014-01 + 59 days", "2014-02"},
        {"@2014-01-01 + 36 hours", "2014-01-02"},
        {"@2014-01-01T10:00:00 + 1.5 seconds", "2014-01-01T10:00:01.500"},
        {"@T23:30 + 1 hour", "00:30"},
        {"@T10 + 1 year", "! bad_unit at column 6"},
        {"@9999-12-31 + 1 day", "{}"},
        {"@0001-01-01 - 1 day", "{}"},
        {"@2014-01-01 + 9223372036854775807 days", "{}"},
        {"@2014-01-01 * 2 days", "! bad_type at column 13"},
        {"now()", "1970-01-01T00:00:00.000Z"},
        {"today()", "1970-01-01"},
        {"timeOfDay()", "00:00:00.000"},
        {"@2014-02.highBoundary()", "2014-02-28"},
        // Quantities.
        {"1 'g' = 1000 'mg'", "true"},
        {"1 'g' < 1 'kg'", "true"},
        {"1 'g' = 1 'm'", "{}"},
        {"1 'g' > 1 'm'", "{}"},
        {"98.6 '[degF]' = 37 'Cel'", "{}"},
        {"1 year = 12 months", "true"},
        {"1 year = 1 'a'", "{}"},
        {"1 year ~ 1 'a'", "true"},
        {"5 'mmol/L' = 5 'mol/m3'", "true"},
        {"1 'U/L' > 1 'nmol/s/L'", "true"},
        {"10 '{tablets}' = 10 '1'", "true"},
        {"1 'furlong' = 1 'furlong'", "true"},
        {"1 'furlong' = 201.168 'm'", "{}"},
        {"1 'm' + 50 'cm'", "150 'cm'"},
        {"3 days - 1 day", "2 days"},
        {"1 'm' + 1", "! bad_type at column 7"},
        {"6 'm' / 2 's'", "3 'm/s'"},
        {"6 'm' / 2", "3 'm'"},
        {"-4 'g'", "-4 'g'"},
        {"'4 \\'g\\''.toQuantity('mg')", "4000 'mg'"},
        {"'4 g'.toQuantity()", "{}"},
        {"1 '[in_i]' ~ 2.5 'cm'", "true"},
        {"1 '((((((((((m))))))))))' = 1 'm'", "{}"},
    };
    check(rows);
}

TEST_CASE("types") {
    constexpr Row rows[] = {
        {"1 is Integer", "true"},
        {"1 is System.Integer", "true"},
        {"1 is integer", "false"},
        {"PID-5.1 is String", "true"},
        {"PID-4 is String", "{}"},
        {"(1 as Integer) + 1", "2"},
        {"1 as String", "{}"},
        {"1.type().name", "Integer"},
        {"PID-3.type().namespace", "System"},
        {"PID-3[*].is(String)", "! not_singleton at column 10"},
        {"(1 | 'a').ofType(Integer)", "1"},
        {"1 > 2 is Boolean", "! bad_type at column 3"},
    };
    check(rows);
}

TEST_CASE("functions on collections") {
    constexpr Row rows[] = {
        {"OBX[*]-5.where($this = 'negative')", "negative"},
        {"OBX[*]-5.where($this > 4)", "13.50, 4.7"},
        {"OBX[*]-5.where($index = 1)", "4.7"},
        {"OBX[*]-5.where($this.startsWith('n')).count()", "1"},
        {"OBX[*]-5.where(startsWith('n')).count()", "1"},
        {"OBX[*]-5.select($this & '!')", "13.50!, 4.7!, negative!, -.5!"},
        {"OBX[*]-5.select($index)", "0, 1, 2, 3"},
        {"OBX[*]-11.all($this = 'F')", "false"},
        {"OBX[*]-11.exists($this = 'P')", "true"},
        {"{}.all($this = 1)", "true"},
        {"{}.exists()", "false"},
        {"{}.empty()", "true"},
        {"PID-4.empty()", "true"},
        {"OBX[*]-5.first()", "13.50"},
        {"OBX[*]-5.last()", "-.5"},
        {"OBX[*]-5.tail().count()", "3"},
        {"OBX[*]-5.skip(2)", "negative, -.5"},
        {"OBX[*]-5.skip(9)", "{}"},
        {"OBX[*]-5.skip(-1).count()", "4"},
        {"OBX[*]-5.take(2)", "13.50, 4.7"},
        {"OBX[*]-5.take(0)", "{}"},
        {"{}.first()", "{}"},
        {"{}.last()", "{}"},
        {"PID-8.single()", "F"},
        {"PID-3[*].single()", "! not_singleton at column 10"},
        {"OBX[*]-11.distinct()", "F, P"},
        {"OBX[*]-11.isDistinct()", "false"},
        {"OBX[*]-3.1.isDistinct()", "true"},
        {"(1 | 2).combine(2 | 3)", "1, 2, 2, 3"},
        {"(1 | 2).union(2 | 3)", "1, 2, 3"},
        {"(1 | 2).intersect(2 | 3)", "2"},
        {"(1 | 2).exclude(2 | 3)", "1"},
        {"OBX[*]-11.select($this = 'F').allTrue()", "false"},
        {"OBX[*]-11.select($this = 'F').anyTrue()", "true"},
        {"OBX[*]-11.select($this = 'F').allFalse()", "false"},
        {"OBX[*]-11.select($this = 'F').anyFalse()", "true"},
        {"PID-3[*].allTrue()", "! bad_type at column 10"},
        {"iif(PID-8 = 'F', 'female', 'other')", "female"},
        {"iif(PID-8 = 'M', 'male')", "{}"},
        {"iif(PID-4 = 'x', 1, 2)", "2"},
        {"iif(true, 1, PID-3[*].1 + 1)", "1"},
        {"PID-3[*].1.select(iif($this = '4711', 'a', 'b'))", "a, b"},
        {"PID-3[*].1.where($this in OBX[*]-5.select('4711'))", "4711"},
        {"(1|2).select((10|20).where($this > 10).select($this))", "20, 20"},
        {"(1|2).where($this = (2|3).first())", "2"},
        {"(3|1|2).sort()", "1, 2, 3"},
        {"(3|1|2).sort(-$this)", "3, 2, 1"},
        {"(1|'a').sort()", "! bad_type at column 9"},
        {"(1|2|3).aggregate($total + $this, 0)", "6"},
        {"(1|2).aggregate((1|2).where($this = $total).count() + $this)", "3"},
        {"'abc'.repeat(substring(1))", "bc, c"},
        {"1.repeat($this + 1).count()", "! too_much_work at column 3"},
        {"(1|2).subsetOf(1|2|3)", "true"},
        {"(1|4).subsetOf(1|2|3)", "false"},
        {"(1|2|3).supersetOf(1|2)", "true"},
        {"('a'|'b').iif(true, 1)", "! not_singleton at column 11"},
        {"iif('a', 1)", "! bad_type at column 5"},
    };
    check(rows);
}

TEST_CASE("many items are made distinct in their order") {
    std::string bytes = "MSH|^~\\&\r";
    for (int i = 0; i < 40000; ++i)
        bytes += "OBX|" + std::to_string(i) + "|" + std::to_string(i % 20000) + "\r";
    auto const m = hl7::Message::view(bytes);
    REQUIRE(m.has_value());
    auto const e = Expression::compile("OBX[*]-2.distinct()");
    auto const items = e->items({&*m, 0});
    REQUIRE(items.has_value());
    CHECK(items->size() == 20000);
    CHECK(items->front() == "0");
    CHECK(items->back() == "19999");
    // What can only be done in the square of the size ends with an error in bounded time.
    auto const slow = Expression::compile("OBX[*]-2.where($this in OBX[*]-1.select($this & 'x')).count()");
    auto const start = std::chrono::steady_clock::now();
    auto const refused = slow->items({&*m, 0});
    REQUIRE(refused.has_error());
    CHECK(refused.error().code == "too_much_work");
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
}

TEST_CASE("text that doubles again and again is refused") {
    std::string text = "PID-3.1";
    for (int i = 0; i < 60; ++i) text += ".select($this & $this)";
    CHECK(evaluated(text) == "! too_much_text at column 528");
    std::string many = "PID-3[*].1";
    for (int i = 0; i < 60; ++i) many += ".select($this.combine($this))";
    CHECK(evaluated(many) == "! too_much_work at column 592");
}

namespace {

struct Wrong {
    std::string_view text;
    std::string_view place;
    std::string_view what;  // part of it
    std::string_view next;  // part of it
};

}  // namespace

TEST_CASE("a mistake is found while compiling, with its column and what was probably meant") {
    constexpr Wrong rows[] = {
        {"", "column 1", "no expression", "MSH-9.1"},
        {"   ", "column 1", "no expression", ""},
        {"PID-5.uper()", "column 7", "unknown function \"uper\"", "did you mean \"upper\"?"},
        {"PID-5.exists", "column 7", "parentheses", "exists()"},
        {"PID-5.any()", "column 7", "unknown function \"any\"", "exists(criteria)"},
        {"upper(PID-5)", "column 1", "upper() has nothing to work on", "PID-5.1.upper()"},
        {"PID-5.upper(1)", "column 7", "upper() takes no arguments, not 1", "PID-5.1.upper()"},
        {"PID-5.substring()", "column 7", "substring() takes 1 to 2 arguments, not 0",
         "PID-7.substring(0, 4)"},
        {"PID-5.startsWith()", "column 7", "startsWith() takes 1 argument, not 0", "startsWith('IC')"},
        {"iif(true)", "column 1", "iif() takes 2 to 3 arguments, not 1", "iif("},
        {"PID-0", "column", "PID-0", ""},
        {"PID-3 = 'x' and PI-3 = 'y'", "column 17", "PI-3", "path"},
        {"pid-3", "column 1", "pid-3", "did you mean PID-3?"},
        {"PID.3", "column", "PID.3", "did you mean PID-3?"},
        {"PID-3.1.2.3", "column", "PID-3.1.2.3", ""},
        {"OBX[0]-5", "column", "OBX[0]-5", ""},
        {"OBX[x]-5", "column", "OBX[x]-5", ""},
        {"PID-3[0]", "column", "PID-3[0]", ""},
        {"OBX[-5", "column", "OBX[-5", ""},
        {"(PID-3 = 'x'", "column 1", "never closed", "close it with )"},
        {"PID-3 = 'x')", "column 12", "can't stand here", "no bracket was opened"},
        {"(PID-3)[1", "column 8", "never closed", "close it with ]"},
        {"PID-3.startsWith('x'", "column 17", "never closed", "close it with )"},
        {"PID-3 == 'x'", "column 7", "==", "did you mean =?"},
        {"PID-3 <> 'x'", "column 7", "<>", "did you mean !=?"},
        {"PID-3 => 1", "column 7", "=>", "did you mean >=?"},
        {"PID-3 && PID-4", "column 7", "&&", "did you mean and?"},
        {"PID-3 || PID-4", "column 7", "||", "did you mean or?"},
        {"PID-3 = \"x\"", "column 9", "double quote", "single quotes"},
        {"PID-3 = 'x", "column 9", "never ends", "single quote"},
        {"PID-3 = 'a\\qb'", "column 11", "escape sequence", "\\uXXXX"},
        {"'\\u12g4'", "column 2", "four hexadecimal", ""},
        {"'\\ud800'", "column 2", "surrogate", ""},
        {"not PID-3.exists()", "column 1", "not is no prefix", ".not()"},
        {"not (PID-8 = 'F')", "column 1", "not is no prefix", ".not()"},
        {"not(PID-8 = 'F')", "column 1", "not is no prefix", ".not()"},
        {"NOT PID-3.exists()", "column 1", "not is no prefix", ".not()"},
        {"!PID-3.exists()", "column 1", "operator !", ".not()"},
        {"PID-3 = 'x' AND PID-4 = 'y'", "column 13", "\"AND\" can't stand here", "written small: and"},
        {"PID-3 = 'x' Or PID-4 = 'y'", "column 13", "\"Or\" can't stand here", "written small: or"},
        {"PID-3 = 'x' nad PID-4 = 'y'", "column 13", "\"nad\" can't stand here", "did you mean \"and\"?"},
        {"PID-3 PID-4", "column 7", "can't stand here", "an operator"},
        {"PID-3 =", "column 8", "ends too early", ""},
        {"PID-3 = and", "column 9", "\"and\" can't stand here", ""},
        {"PID-3 = ADT", "", "", ""},  // a segment called ADT: allowed
        {"PID-3 = adt", "column 9", "neither a path nor a function", "single quotes"},
        {"PID-3 = TRUE", "column 9", "neither", "did you mean true?"},
        {"PID-3 = null", "column 9", "neither", "isNull()"},
        {"PID-3 in {'a'}", "column 10", "braces", "('A' | 'B')"},
        {"PID-3 in ('a', 'b')", "column 14", "can't stand here", ""},
        {"$this = 1", "column 1", "$this means nothing here", "where()"},
        {"$that = 1", "column 1", "$that", "$this and $index"},
        {"PID-3.matches('[')", "column 15", "regular expression", ""},
        {"PID-3.matches('a(?=b)')", "column 15", "regular expression", "look-ahead"},
        {"PID-7 > @2020-01-01", "", "", ""},
        {"PID-7 > @2020-13-01", "column 9", "no date", "@2014-01-25"},
        {"@T14:30Z", "column 1", "no date or time", "@T14:30"},
        {"PID-3 % 2", "column 7", "%", "mod"},
        {"PID-3 is String", "", "", ""},
        {"PID-3 is Strin", "column 10", "no type called", "did you mean string?"},
        {"PID-3.ofType(Patint)", "column 14", "no type called", "did you mean Patient?"},
        {"PID-3.is(1)", "column 10", "name of a type is missing", "String"},
        {"%rsource", "column 1", "no constant", "%resource"},
        {"$total", "column 1", "$total means nothing here", "aggregate()"},
        {"'a' < 1", "column 5", "no order", "convert"},
        {"99999999999999999999", "column 1", "too many digits", ""},
        {"1 /* open", "column 3", "comment", "*/"},
        {"PID-3 = \xe2\x80\x98x\xe2\x80\x99", "column 9", "means nothing", "typographic"},
        {"PID-3.", "column 7", "missing", ".exists()"},
        {"PID-3 #", "column 7", "#", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        auto const compiled = Expression::compile(row.text);
        if (row.place.empty()) {
            CHECK(compiled.has_value());
            continue;
        }
        REQUIRE(compiled.has_error());
        auto const& e = compiled.error();
        CAPTURE(e.text());
        CHECK(std::string_view(e.place).starts_with(row.place));
        CHECK(e.what.find(row.what) != std::string::npos);
        CHECK(e.next.find(row.next) != std::string::npos);
    }
}

TEST_CASE("nesting, chains and length are bounded") {
    auto const repeated = [](std::string_view text, int n) {
        std::string out;
        for (int i = 0; i < n; ++i) out += text;
        return out;
    };
    auto const code = [](std::string const& text) {
        auto const e = Expression::compile(text);
        return e ? std::string() : e.error().code;
    };
    CHECK(code(repeated("(", 10000) + "1" + repeated(")", 10000)) == "too_deep");
    CHECK(code(repeated("(", 150) + "1" + repeated(")", 150)).empty());
    CHECK(code(repeated("-", 10000) + "1") == "too_deep");
    CHECK(code("PID-3" + repeated(".where($this", 5000)) == "too_deep");
    CHECK(code("(PID-3)" + repeated("[(PID-3)", 5000)) == "too_deep");
    CHECK(code("PID-3" + repeated(".upper()", 1000)) == "too_deep");
    CHECK(code("PID-3" + repeated(" = PID-3", 1000)) == "too_deep");
    CHECK(code("PID-3" + repeated(" or PID-3", 5000)).empty());
    CHECK(code("PID-3 in ('a'" + repeated(" | 'b'", 5000) + ")").empty());
    CHECK(code("1" + repeated(" + 1", 5000)).empty());
    CHECK(code(repeated(" ", 70000) + "1") == "too_long");
    CHECK(code("'a'.matches('" + repeated("(a|", 3000) + "')") != "");
}

TEST_CASE("regular expressions take linear time") {
    auto const m = hl7::Message::parse("MSH|^~\\&\rOBX|1|" + std::string(200000, 'a') + "b\r");
    REQUIRE(m.has_value());
    auto const start = std::chrono::steady_clock::now();
    for (std::string_view const text : {"OBX-2.matches('(a+)+$')", "OBX-2.matches('(a|aa)*c')",
                                        "OBX-2.matches('(.*)(.*)(.*)(.*)(.*)(.*)x')"}) {
        auto const e = Expression::compile(text);
        REQUIRE(e.has_value());
        auto const result = e->test({&*m, 0});
        REQUIRE(result.has_value());
        CHECK(!*result);
    }
    // Many matches that each look at the whole rest: refused rather than waited for.
    auto const e = Expression::compile("OBX-2.replaceMatches('a*c|a', 'x').length()");
    REQUIRE(e.has_value());
    CHECK(e->text({&*m, 0}).has_error());
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
}

TEST_CASE("test() and text() want one item") {
    auto const m = message();
    Context const context{&m, 0};
    auto const test = [&](std::string_view text) {
        auto const result = Expression::compile(text)->test(context);
        return result ? std::string(*result ? "yes" : "no") : result.error().code;
    };
    CHECK(test("PID-8 = 'F'") == "yes");
    CHECK(test("PID-8") == "yes");
    CHECK(test("PID-4") == "no");
    CHECK(test("false") == "no");
    CHECK(test("PID-3[*].1") == "not_singleton");
    CHECK(*Expression::compile("PID-4")->text(context) == "");
    CHECK(*Expression::compile("1.50")->text(context) == "1.50");
    CHECK(Expression::compile("PID-3[*].1")->text(context).error().code == "not_singleton");
    CHECK(*Expression::compile("1 | 2.5 | 'x' | true | PID-8")->types(context) ==
          std::vector<std::string>{"integer", "decimal", "string", "boolean", "string"});
    CHECK(!Expression().valid());
    CHECK(Expression().test(context).error().code == "no_expression");
}

TEST_CASE("the clause that does not hold is named as written") {
    auto const m = message();
    auto const clause = [&](std::string_view text) -> std::string {
        auto const e = Expression::compile(text);
        REQUIRE(e.has_value());
        std::string_view failed;
        auto const holds = e->test({&m, 0}, failed);
        REQUIRE(holds.has_value());
        return *holds ? "" : std::string(failed);
    };
    CHECK(clause("MSH-9.1 = 'ADT' and PID-8 = 'F'") == "");
    CHECK(clause("MSH-9.1 = 'ADT' and\n   PID-8   =   'a  b' and true") == "PID-8 = 'a  b'");
    CHECK(clause("MSH-9.1 = 'ORU' or PID-8 = 'M'") == "MSH-9.1 = 'ORU' or PID-8 = 'M'");
    CHECK(clause("PID-4 = 'x' and PID-8 = 'M'") == "PID-4 = 'x'");
    CHECK(clause("(MSH-9.1 = 'ADT' and PID-8 = 'M') and true") == "(MSH-9.1 = 'ADT' and PID-8 = 'M')");
}

TEST_CASE("templates") {
    auto const m = message();
    Context const context{&m, 0};
    auto const fill = [&](std::string_view text) {
        auto const t = expression::Template::compile(text);
        if (!t) return "! " + t.error().place;
        auto const result = t->fill(context);
        return result ? *result : "! " + result.error().code;
    };
    CHECK(fill("{MSH-7}-{MSH-10}.hl7") == "20260102030405-MSG1.hl7");
    CHECK(fill("") == "");
    CHECK(fill("plain") == "plain");
    CHECK(fill("{{{MSH-10}}}") == "{MSG1}");
    CHECK(fill("a{{b}}c") == "a{b}c");
    CHECK(fill("{'}' & '{'}") == "}{");
    CHECK(fill("{iif({}.empty(), 'e', 'f')}") == "e");
    CHECK(fill("{PID-4}") == "");
    CHECK(fill("{ '\\'}' }") == "'}");
    CHECK(fill("x{MSH-10") == "! column 2");
    CHECK(fill("x}y") == "! column 2");
    CHECK(fill("ab{PID-5.uper()}") == "! column 10");
    CHECK(fill("{}") == "! column 2");
    CHECK(fill("{PID-3[*].1}") == "! not_singleton");
    auto const t = expression::Template::compile("x/{PID-5.1}{PID-5.2}");
    CHECK(*t->fill(context, [](std::string_view v) { return "<" + std::string(v) + ">"; }) ==
          "x/<DOE><JANE>");
}

TEST_CASE("a configured value is text, or an expression behind =") {
    auto const m = message();
    auto const file = std::make_shared<std::string const>("hilum.yaml");
    auto const get = [&](std::string_view text) {
        config::Diagnostics diagnostics;
        auto const source = expression::ValueSource::compile({std::string(text), {file, 7, 11}}, diagnostics);
        if (diagnostics.failed()) return diagnostics.sorted().front().where.text();
        auto const value = source.get({&m, 0});
        return value ? *value : "! " + value.error().code;
    };
    CHECK(get("LAB") == "LAB");
    CHECK(get("=PID-5.1.lower()") == "doe");
    CHECK(get("\\=x") == "=x");
    CHECK(get("\\x") == "\\x");
    CHECK(get("") == "");
    CHECK(get("=PID-3[*].1") == "! not_singleton");
    CHECK(get("=PID-5.1.uper()") == "hilum.yaml:7:20");
    CHECK(get("=") == "hilum.yaml:7:12");
}
