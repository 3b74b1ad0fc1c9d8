// Conditions that are tried on the message's own bytes say what the evaluator says.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "parsers/hl7/message.h"
#include "parsers/hl7/part.h"
#include "routes/expression/conditions.h"
#include "routes/expression/expression.h"
#include "routes/expression/parser.h"
#include "routes/expression/regex.h"

using namespace hilum;
using expression::Context;
using expression::Expression;

namespace {

std::vector<std::string> const conditions{
    "PID-8 = 'M'",
    "PID-8 != 'M'",
    "PID-8 in ('M' | 'F')",
    "PID-8 ~ 'm'",
    "PID-8 !~ 'm'",
    "PID-8.upper() = 'M'",
    "PID-8.upper() in ('M' | 'F')",
    "PID-8.exists()",
    "PID-8.empty()",
    "PID-8.not()",
    "(PID-8 = 'M').not()",
    "(PID-8 = 'M') ~ true",
    "(PID-8 = 'M') !~ true",
    "(PID-8 | PID-9).exists()",
    "(PID-8 | PID-9).empty()",
    "PID-8.where($this = 'M').exists()",
    "PID-8.where($this in ('M' | 'F')).empty()",
    "PID-8.where($this != '').exists()",
    "PID-8[*].where($this != '').empty()",
    "PID-8[*].exists()",
    "PID-8[*].count() = 1",
    "PID-8[*].count() > 1",
    "PID-8[*].count() <= 1",
    "PID-8[*].count() < 2",
    "PID-8[*].count() >= 2",
    "PID-8.startsWith('M')",
    "PID-8.contains('M')",
    "PID-8.matches('^[A-Z]$')",
    "PID-8.1.exists()",
    "PID-8.2 = 'Male'",
    "PID-8.1.2.exists()",
    "PID-8[2] = 'F'",
    "PID-9 = 'x' and PID-8 = 'M'",
    "PID-9 = 'x' or PID-8 = 'M'",
    "PID-9 != 'x' and PID-8 = 'M'",
    "PID-8 = 'M' and PID-8.length() > 0",
    "PID-8.length() > 0 and PID-8 = 'M'",
    "PID-8 = 'M' or PID-8.length() > 3",
    "PID.exists()",
    "ZZZ.exists()",
    "ZZZ.empty()",
    "ZZZ-1 = 'x'",
    "ZZZ[*].count() = 0",
    "MSH-9.2 = 'A01'",
    "OBX-2 = 'NM'",
    "OBX-5.1 = '2'",
    ".1 = 'M'",
    ".1.exists() and .2.empty()",
    ".1.2 = 'x'",
    ".9.exists()",
    "(.1 | .3).exists()",
    ".1.where($this = 'M').empty()",
};

std::vector<std::string> const values{
    "",    "M",   "m",     "F",        "U",      "\"\"", "M^Male", "^Male",  "M~F", "~F", "M&x",
    " M ", "M M", "\\T\\", "\xc3\xa4", "M\\E\\", "^^",   "~",      "\"\"~M", "&",   "12", "Male\\.br\\x",
};

}  // namespace

TEST_CASE("a condition that is tried on the bytes of a message holds when the evaluator says so") {
    std::size_t quick = 0, compared = 0;
    for (auto const& text : conditions) {
        CAPTURE(text);
        expression::Options options;
        options.parts = true;
        auto const program = expression::parse(text, options);
        REQUIRE(program.has_value());
        quick += (*program)->quick ? 1 : 0;
        auto const condition = Expression::compile(text, options);
        REQUIRE(condition.has_value());
        for (auto const& value : values) {
            CAPTURE(value);
            auto const message =
                hl7::Message::parse("MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1\rPID|1|||||||" + value +
                                    "|x\rOBX|1|TX|||1\rOBX|2|NM|||2\r");
            REQUIRE(message.has_value());
            auto const& d = message->delimiters();
            hl7::LatestSegments latest;
            latest.set("MSH", 1, 0);
            latest.set("PID", 2, 0);
            latest.here("PID", message->segment(2), d);
            latest.set("OBX", 4, 0);  // the second one is meant
            hl7::Pieces const part({value, hl7::Part::Level::repetition}, d);
            for (bool const in_a_map : {false, true}) {
                Context context{&*message};
                if (in_a_map) {
                    context.latest = &latest;
                    context.part = &part;
                }
                auto const fast = condition->test(context);
                auto const slow = condition->items(context);
                REQUIRE_MESSAGE(fast.has_value() == slow.has_value(), (fast ? "" : fast.error().text()));
                if (!fast) continue;
                // As a condition one item that is no boolean counts as true; none of these gives one but
                // not().
                CHECK(*fast == (slow->size() == 1 && slow->front() == "true"));
                ++compared;
            }
        }
    }
    CHECK(quick >= conditions.size() - 6);
    CHECK(compared > 2'000);
}

TEST_CASE("conditions that share their looks at a message hold as they do alone") {
    expression::Options options;
    options.parts = true;
    expression::Conditions all;
    std::vector<Expression> alone;
    for (auto const& text : conditions) {
        alone.push_back(*Expression::compile(text, options));
        auto const number = all.add(*Expression::compile(text, options));
        CHECK(number + 1 == alone.size());
        CHECK(all.add(*Expression::compile(text, options)) == number);
    }
    all.share();
    for (auto const& value : values) {
        CAPTURE(value);
        auto const message = hl7::Message::parse(
            "MSH|^~\\&|A|B|C|D|20260102||ADT^A01|1|P|2.5.1\rPID|1|||||||" + value + "|x\rOBX|1|NM|||2\r");
        REQUIRE(message.has_value());
        hl7::Pieces const part({value, hl7::Part::Level::repetition}, message->delimiters());
        Context context{&*message};
        context.part = &part;
        context.plain = message->plain();
        expression::Conditions::Round round(all, context);
        for (int const time : {1, 2}) {
            CAPTURE(time);
            for (std::size_t i = 0; i < alone.size(); ++i) {
                CAPTURE(conditions[i]);
                Error why;
                auto const answer = round.ask(i, why);
                auto const wanted = alone[i].test(Context{.message = &*message, .part = &part});
                using Answer = expression::Conditions::Answer;
                CHECK(answer == (!wanted ? Answer::failed : *wanted ? Answer::yes : Answer::no));
                CHECK(why.text() == (wanted ? Error{}.text() : wanted.error().text()));
            }
        }
    }
}

TEST_CASE("a message is plain where nothing in it has to be decoded") {
    auto const plain = [](std::string const& text) { return hl7::Message::parse(text)->plain(); };
    CHECK(plain("MSH|^~\\&|A\rPID|1||x^y~z&a\r"));
    CHECK(plain("MSH|^~|A\rPID|\\\r"));  // no escape character is declared
    CHECK_FALSE(plain("MSH|^~\\&|A\rPID|1||x\\T\\\r"));
    CHECK_FALSE(plain("MSH|^~\\&|A\\T\\\rPID|1\r"));
    CHECK_FALSE(plain("MSH|^~\\&|A\rPID|\xc3\xa4\r"));
    CHECK_FALSE(plain("MSH|^~\\&|A\rPID|a\x1b$B\r"));
}

TEST_CASE("a path to the first of a name means the last one before, once it has been read") {
    auto const message =
        hl7::Message::parse("MSH|^~\\&|||||||ADT^A01|1|P|2.5.1\rORC|NW|1\rOBR|1\rORC|NW|2\rOBR|2\r");
    REQUIRE(message.has_value());
    auto const text = [&](hl7::LatestSegments const& latest) {
        Context context{&*message};
        context.latest = &latest;
        return Expression::compile("ORC-2")->text(context).value() + "/" +
               (Expression::compile("ORC-2 = '2'")->test(context).value() ? "2" : "");
    };
    hl7::LatestSegments latest;
    CHECK(text(latest) == "1/");
    latest.set("ORC", 2, 1);
    CHECK(text(latest) == "1/");
    latest.set("ORC", 4, 1);
    CHECK(text(latest) == "2/2");
    // The group is over, and the next has none.
    latest.end(0);
    CHECK(text(latest) == "/");
}

TEST_CASE("a pattern that begins with ^ finds what it finds without a look at its bounds") {
    std::vector<std::string> const patterns{"^[0-9]+$",
                                            "^[0-2]([.][0-9]+)+$",
                                            "^(https?://|urn:|ftp:|tag:)[^ ]+$",
                                            "^[ ]*[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)[ ]*$",
                                            "^HL7-[01][0-9]{3}$",
                                            "^",
                                            "^$",
                                            "^a|b",
                                            "^(a|b)",
                                            "^[|]x",
                                            "^[]|]x",
                                            "^\\|x|y",
                                            "^.*x",
                                            "^\xc3\xa4",
                                            "^[^a]",
                                            "^a{2,}b?$",
                                            "a",
                                            "a^"};
    std::vector<std::string> const texts{"",
                                         "a",
                                         "b",
                                         "ba",
                                         "ab",
                                         "aab",
                                         "x",
                                         "|x",
                                         "]x",
                                         "yx",
                                         "12",
                                         "1.2.3",
                                         "3.1",
                                         " +1",
                                         ".5",
                                         "1.",
                                         "-",
                                         "urn",
                                         "urn:x",
                                         "urn:\xff",
                                         "https://h.example",
                                         "HL7-0001",
                                         "HL7-2",
                                         "\xc3\xa4x",
                                         "\xc3\xbc",
                                         "\n",
                                         "1234567890123456789",
                                         "aaaaaaaaaaaaaaaaaaaaab",
                                         "zz",
                                         "\xff\xff"};
    for (auto const& pattern : patterns) {
        CAPTURE(pattern);
        auto const plain = expression::Regex::compile(pattern);
        auto const grouped = expression::Regex::compile("(?:" + pattern + ")");
        REQUIRE(plain.has_value());
        REQUIRE(grouped.has_value());
        for (auto const& text : texts) {
            CAPTURE(text);
            CHECK((*plain)->search(text) == (*grouped)->search(text));
        }
    }
}
