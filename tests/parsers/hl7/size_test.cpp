// Messages of a size that no one expects: a value or an error, in linear time, without memory of their own
// size where nothing is changed. Reading segments and components by the million is in message_test,
// structure_test.
#include <doctest/doctest.h>

#include <string>

#include "cpu_time.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/validate.h"
#include "parsers/hl7/xml.h"

using namespace hilum::hl7;

namespace {

std::string const header =
    "MSH|^~\\&|LAB|FAC|EHR|HOSP|20240102030405||ORU^R01^ORU_R01|1|P|2.5.1\r"
    "PID|1||1^^^N^MR||DOE^J\rOBR|1|P1|F1|CBC^BLOOD COUNT^L|||20240102||||||||||||||||||F\r";

std::string const base64_64_mib(64u << 20, 'Q');

}  // namespace

TEST_CASE("size: OBX-5 with 64 MiB of base64") {
    double const began = cpu_seconds();
    std::string const bytes =
        header + "OBX|1|ED|PDF^Report^L||^AP^PDF^Base64^" + base64_64_mib + "||||||F\rOBX|2|ST|c||x||||||F\r";
    auto message = Message::view(bytes);
    REQUIRE(message.has_value());
    auto const value = message->get(Path::parse("OBX-5.5").value()).raw;
    CHECK(value.size() == base64_64_mib.size());
    CHECK(value.data() > bytes.data());
    CHECK(value.data() < bytes.data() + bytes.size());  // a view: nothing was copied
    CHECK(message->text("OBX[2]-5") == "x");

    static Rules const rules = Rules::of(Dictionary::standard());
    auto const report = validate(*message, rules);
    CHECK(report.by_rule[static_cast<std::size_t>(Rule::required)] == 0);
    for (auto const& f : report.findings) CHECK(f.text().size() < 200);

    REQUIRE(message->set(Path::parse("OBX[2]-5").value(), "y").has_value());
    std::string expected = bytes;
    expected[expected.rfind("|x|") + 1] = 'y';
    CHECK(message->bytes() == expected);

    // XML has its own limit, and says so.
    auto const xml = to_xml(*message);
    REQUIRE(xml.has_value());
    auto const back = from_xml(*xml);
    REQUIRE_FALSE(back.has_value());
    CHECK(back.error().code == "xml_too_large");
    CHECK(cpu_seconds() - began < 30);
}

TEST_CASE("size: validation of 1,000,000 segments, 100,000 components and 100,000 repetitions") {
    static Rules const rules = Rules::of(Dictionary::standard());
    struct Row {
        char const* what;
        std::string bytes;
    };
    std::string segments = header;
    for (int i = 0; i < 1'000'000; ++i) segments += "OBX|x\r";
    std::string notes = header;
    for (int i = 0; i < 1'000'000; ++i) notes += "NTE|1\r";
    Row const rows[] = {
        {"segments, each with errors", segments},
        {"segments out of place", notes + "PID|1\rOBR|1\r"},
        {"components", header + "OBX|1|CE|c^" + std::string(100'000, '^') + "x||a\r"},
        {"subcomponents", header + "PID|1||" + std::string(100'000, '&') + "x\r"},
        {"repetitions", header + "PID|1||" + std::string(100'000, '~') + "x\r"},
        {"fields", header + "PID" + std::string(100'000, '|') + "x\r"},
        {"escapes", header + "OBX|1|ST|c||" + std::string(1'000'000, '\\') + "\r"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.what);
        double const began = cpu_seconds();
        auto const message = Message::view(row.bytes);
        REQUIRE(message.has_value());
        auto const report = validate(*message, rules);
        CHECK(report.count() > 0);
        CHECK(report.findings.size() <= Report::kept_max);
        CHECK(cpu_seconds() - began < 20);
    }
}
