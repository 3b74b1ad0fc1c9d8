// Orders and specimens by the guide's maps: what a message says of them in two places, or not at all.
#include <doctest/doctest.h>

#include <string>

#include "parsers/hl7/message.h"
#include "routes/mapping/to_fhir.h"

using namespace hilum;
using namespace hilum::routes;

namespace {

std::string mapped(std::string const& type, std::string const& rest) {
    config::Diagnostics diagnostics;
    static auto const maps = mapping::read_fhir_maps(mapping::guide_files(), {}, diagnostics);
    REQUIRE_MESSAGE(maps, diagnostics.text());
    auto const message =
        hl7::Message::parse("MSH|^~\\&|LAB|HOSP|||20260102030405+0100||" + type + "|1|P|2.5.1\r" + rest);
    auto const made = mapping::to_fhir(*maps, {}, *message, nullptr);
    REQUIRE_MESSAGE(made.has_value(), made.error().text());
    return made->json;
}

bool has(std::string const& json, std::string const& text) {
    return json.find(text) != std::string::npos;
}

std::string const patient = "PID|1||7^^^HOSP^MR||Doe^Jane\r";
std::string const absent =
    "\"subject\":{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/"
    "data-absent-reason\",\"valueCode\":\"unknown\"}]}";

}  // namespace

TEST_CASE("a specimen has the placer's and the filler's number of SPM-2") {
    auto const json =
        mapped("ORU^R01^ORU_R01", patient + "OBR|1||F1|24317-0^CBC^LN\rSPM|1|P77&WARD^L88&LAB||BLD\r");
    CHECK(has(json, "\"value\":\"P77\""));
    CHECK(has(json, "\"value\":\"L88\""));
}

TEST_CASE("what OBR says of the specimen fills what SPM leaves out, and makes no second one") {
    auto const obr =
        "OBR|1||F1|24317-0^CBC^LN|||202601010800|||C1^Collect||||202601010900|||||||||||||||||||||||||^"
        "turbid\r";
    auto const filled = mapped("ORU^R01^ORU_R01", patient + obr + "SPM|1|P77||BLD\r");
    CHECK(has(filled, "\"collectedDateTime\":\"2026-01-01T08:00:00+01:00\""));
    CHECK(has(filled, "\"receivedTime\":\"2026-01-01T09:00:00+01:00\""));
    CHECK(has(filled, "\"collector\""));
    CHECK(has(filled, "\"text\":\"turbid\""));
    CHECK(filled.find("\"resourceType\":\"Specimen\"") == filled.rfind("\"resourceType\":\"Specimen\""));
    auto const own =
        mapped("ORU^R01^ORU_R01", patient + obr + "SPM|1|P77||BLD|||||||||||||202601010700|202601010730\r");
    CHECK(has(own, "\"collectedDateTime\":\"2026-01-01T07:00:00+01:00\""));
    CHECK(has(own, "\"receivedTime\":\"2026-01-01T07:30:00+01:00\""));
}

TEST_CASE(
    "a collector's comment alone makes a specimen, and so does the time of collection in a laboratory's "
    "order") {
    CHECK(has(mapped("ORU^R01^ORU_R01",
                     patient + "OBR|1||F1|24317-0^CBC^LN|||||||||||||||||||||||||||||||||||^turbid\r"),
              "\"note\":[{\"text\":\"turbid\"}]"));
    CHECK(has(mapped("OML^O21^OML_O21", patient + "ORC|NW|P1\rOBR|1|P1||24317-0^CBC^LN|||202601010800\r"),
              "\"resourceType\":\"Specimen\""));
    CHECK(!has(mapped("ORU^R01^ORU_R01", patient + "OBR|1||F1|24317-0^CBC^LN|||202601010800\r"),
               "\"resourceType\":\"Specimen\""));
}

TEST_CASE("an order of nobody that the message names is kept, and says that its subject is unknown") {
    for (auto const* const type : {"ORU^R01^ORU_R01", "OML^O21^OML_O21", "ORM^O01^ORM_O01"}) {
        CHECK(has(mapped(type, "PID|1\rORC|NW|P1\rOBR|1|P1||24317-0^CBC^LN\r"), absent));
        CHECK(has(mapped(type, "PID|1\rOBR|1|P1||24317-0^CBC^LN\r"), absent));
        CHECK(!has(mapped(type, patient + "ORC|NW|P1\rOBR|1|P1||24317-0^CBC^LN\r"), "data-absent-reason"));
    }
}

TEST_CASE("a structured number without its delimiter is a number all the same") {
    auto const value = [](std::string const& obx5) {
        return mapped("ORU^R01^ORU_R01",
                      patient + "OBR|1||F1|24317-0^CBC^LN\rOBX|1|SN|1-8^ALT^LN||" + obx5 + "|mg/L|||||F\r");
    };
    CHECK(has(value("<0.10"), "\"valueQuantity\":{\"comparator\":\"<\",\"value\":0.10,\"unit\":\"mg/L\"}"));
    CHECK(has(value("<^0.10"), "\"valueQuantity\":{\"comparator\":\"<\",\"value\":0.10,\"unit\":\"mg/L\"}"));
    CHECK(has(value("7"), "\"valueQuantity\":{\"value\":7,\"unit\":\"mg/L\"}"));
    CHECK(has(value("<0.10~7"), "\"valueQuantity\":{\"comparator\":\"<\",\"value\":0.10,\"unit\":\"mg/L\"}"));
    CHECK(has(value("1^-^3"), "\"valueString\""));
}
