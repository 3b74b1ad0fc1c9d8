#include "routes/config/profile.h"

#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "parsers/hl7/validate.h"

using namespace hilum;

namespace {

char const* const yaml = R"(
name: Ward ADT
tables:
  sexes: [F, M, U]
messages:
  - type: ADT
    event: [A01, A04]
    segments:
      PID:
        usage: R
        fields:
          3:
            max: 2
            components:
              1: { usage: R, length: 1..6 }
              4: { usage: R, components: { 1: { codes: [NORTH, SOUTH] } } }
              5: { codes: [MR, NI] }
          7: { usage: RE }
          8: { usage: R, table: sexes }
          18: { required_when: { PV1-2: [I], PID-7: valued }, otherwise: X }
          19: { usage: X }
      PV1: { fields: { 4: { fixed: R } } }
      NK1: { max: 1 }
      GT1: { usage: X }
)";

std::string check(std::string const& segments) {
    static hl7::Rules const base = hl7::Rules::of(hl7::Dictionary::standard());
    config::Diagnostics diagnostics;
    auto const profile = config::read_profile(yaml, "p.yaml", ".", diagnostics);
    CHECK(diagnostics.text() == "");
    REQUIRE(profile);
    std::string const text =
        "MSH|^~\\&|A|B|C|D|20240102||ADT^A01^ADT_A01|1|P|2.5.1\rEVN||20240102\r" + segments;
    auto const message = hl7::Message::view(text);
    REQUIRE(message.has_value());
    std::string out;
    for (auto const& f : hl7::validate(*message, base.with(profile)).findings) {
        if (f.by_profile) out += (out.empty() ? "" : "; ") + f.place.text() + " " + std::string(name(f.rule));
    }
    return out;
}

std::string pid(std::string const& three, std::string const& rest = "||DOE^J|||F") {
    return "PID|1||" + three + rest + "\rPV1|1|O||R\r";
}

}  // namespace

TEST_CASE("a profile in YAML is checked") {
    CHECK(check(pid("1^^^NORTH^MR")) == "");
    CHECK(check(pid("1^^^NORTH^MR~2^^^SOUTH^NI~3^^^NORTH^NI")) == "PID[1]-3 repetition");
    CHECK(check(pid("1^^^EAST^MR")) == "PID[1]-3.4.1 table");
    CHECK(check(pid("1^^^NORTH^XX")) == "PID[1]-3.5 table");
    CHECK(check(pid("1234567^^^NORTH^MR")) == "PID[1]-3.1 length");
    CHECK(check(pid("^^^NORTH^MR")) == "PID[1]-3.1 required");
    CHECK(check(pid("1^^^^MR")) == "PID[1]-3.4 required");
    CHECK(check(pid("1^^^NORTH^MR", "||DOE^J|||A")) == "PID[1]-8 table");
    CHECK(check(pid("1^^^NORTH^MR", "||DOE^J")) == "PID[1]-8 required");
    CHECK(check(pid("1^^^NORTH^MR", "||DOE^J|||F|||||||||||1")) == "PID[1]-19 not_used");
    CHECK(check(pid("1^^^NORTH^MR", "||DOE^J|||F||||||||||1")) == "PID[1]-18 not_used");
    CHECK(check("PID|1||1^^^NORTH^MR||DOE^J||1970|F\rPV1|1|I||R\r") == "PID[1]-18 required");
    CHECK(check("PID|1||1^^^NORTH^MR||DOE^J|||F\rPV1|1|I||E\r") == "PV1[1]-4 constant");
    CHECK(check("PV1|1|I||R\r") == "PID[1] segment_missing");
    CHECK(check("PID|1||1^^^NORTH^MR||DOE^J|||F\rNK1|1\rNK1|2\rPV1|1|O||R\rGT1|1\r") ==
          "NK1[2] segment_count; GT1[1] not_used");
}

TEST_CASE("mistakes in a profile are told with their place") {
    struct Row {
        char const* text;
        char const* told;
    };
    Row const rows[] = {
        {"messages:\n  - type: ADT\n    segmnts: {}\n", "p.yaml:3:5: error: unknown key \"segmnts\""},
        {"messages:\n  - segments: { PIDX: {} }\n", "p.yaml:2:17: error: \"PIDX\" is no segment"},
        {"messages:\n  - segments: { PID: { fields: { x: {} } } }\n", "\"x\" is no position"},
        {"messages:\n  - segments: { PID: { fields: { 3: { usage: Q } } } }\n", "\"Q\" is no usage"},
        {"messages:\n  - segments: { PID: { fields: { 3: { length: 9..2 } } } }\n", "\"9..2\" is no length"},
        {"messages:\n  - segments: { PID: { fields: { 3: { usage: C } } } }\n",
         "usage C without required_when"},
        {"messages:\n  - segments: { PID: { fields: { 3: { table: t } } } }\n", "no table \"t\""},
        {"messages:\n  - segments: { PID: { fields: { 3: { required_when: { PID: valued } } } } }\n",
         "\"PID\" is no path to one field"},
        {"name: x\n", "says nothing of any message"},
        {"- x\n", "a profile is a mapping"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        config::Diagnostics diagnostics;
        CHECK(config::read_profile(row.text, "p.yaml", ".", diagnostics) == nullptr);
        CHECK(diagnostics.text().find(row.told) != std::string::npos);
    }
}

TEST_CASE("the profile of the documentation is one") {
    std::ifstream in(HILUM_SOURCE "/docs/validation.md");
    std::string const page{std::istreambuf_iterator<char>(in), {}};
    std::string const fence = "```yaml profile\n";
    auto const begin = page.find(fence);
    REQUIRE(begin != std::string::npos);
    auto const end = page.find("```", begin + fence.size());
    config::Diagnostics diagnostics;
    auto const profile = config::read_profile(page.substr(begin + fence.size(), end - begin - fence.size()),
                                              "docs", ".", diagnostics);
    CHECK(diagnostics.text() == "");
    REQUIRE(profile);
    CHECK(profile->messages.size() == 3);
    CHECK(profile->message("ADT", "A04") != nullptr);
    CHECK(profile->message("ORU", "R01") == nullptr);
}
