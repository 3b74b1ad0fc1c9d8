#include "routes/config/dictionary.h"

#include <doctest/doctest.h>

#include "tests/routes/config/catalogue.h"

using namespace hilum;
using namespace hilum::config;

namespace {

Config load(std::string const& dictionary, Diagnostics& diagnostics) {
    std::string const text =
        "listeners: { in: { mllp: { listen: \"127.0.0.1:2575\" } } }\n"
        "destinations: { lab: { mllp: { connect: \"lab.example:2575\" } } }\n"
        "routes: [ { name: r, from: in, to: lab } ]\n" +
        dictionary;
    return load_text(text, "hilum.yaml", ".", test::catalogue(), test::FakeEnvironment(), diagnostics);
}

}  // namespace

TEST_CASE("config: the dictionary section adds to the standard") {
    Diagnostics diagnostics;
    auto const config = load(
        "dictionary:\n"
        "  segments:\n"
        "    ZPI:\n"
        "      title: Pet information\n"
        "      fields:\n"
        "        2: { name: Species, datatype: CWE, table: 9001, usage: R, repetitions: any }\n"
        "    PID: { fields: { 5: { usage: O, repetitions: 3 }, 8: { table: 9001, length: 0 } } }\n"
        "  tables:\n"
        "    9001: { name: Species, closed: true, codes: { DOG: Dog, 1: One } }\n"
        "    1: { codes: { D: Diverse } }\n",
        diagnostics);
    CAPTURE(diagnostics.text());
    REQUIRE_FALSE(diagnostics.failed());
    auto const& d = config.dictionary;
    auto const species = d.field(hl7::Version::v2_3, "ZPI", 2);
    REQUIRE(species.has_value());
    CHECK(*species == hl7::Position{.name = "Species",
                                    .datatype = "CWE",
                                    .length_max = 0,
                                    .repetitions_min = 1,
                                    .repetitions_max = 0,
                                    .table = 9001,
                                    .usage = hl7::Usage::required});
    CHECK(d.segment(hl7::Version::v2_3, "ZPI")->title == "Pet information");
    auto const patient_name = d.field(hl7::Version::v2_5_1, "PID", 5);
    CHECK(patient_name->usage == hl7::Usage::optional);
    CHECK(patient_name->repetitions_max == 3);
    CHECK(patient_name->datatype == "XPN");
    CHECK(d.field(hl7::Version::v2_5_1, "PID", 8)->length_max == 0);
    CHECK(d.field(hl7::Version::v2_5_1, "PID", 8)->datatype == "IS");
    CHECK(d.table(9001)->find("1")->meaning == "One");
    CHECK(d.table(9001)->kind() == hl7::TableKind::hl7);
    CHECK(d.table(1)->find("D")->meaning == "Diverse");
    CHECK(d.table(1)->find("F").has_value());
}

TEST_CASE("config: without the section, or an empty one, the standard holds") {
    for (std::string const text : {"", "dictionary:\n", "dictionary: {}\n", "dictionary: { segments: }\n"}) {
        CAPTURE(text);
        Diagnostics diagnostics;
        auto const config = load(text, diagnostics);
        CHECK_FALSE(diagnostics.failed());
        CHECK(config.dictionary.field(hl7::Version::v2_5_1, "PID", 3)->datatype == "CX");
        CHECK_FALSE(config.dictionary.segment(hl7::Version::v2_5_1, "ZPI").has_value());
    }
}
