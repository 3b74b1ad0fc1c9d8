// What a golden file of FHIR is held against.
#include "routes/testing/fhir_compare.h"

#include <doctest/doctest.h>

#include <string>

#include "parsers/fhir/interaction.h"

using namespace hilum;

namespace {

constexpr std::string_view patient = R"({"resourceType":"Patient","id":"1","x":["\"{[,:"],"e":{},"l":[]})";

std::string put(std::string_view url, std::string_view if_match = "") {
    fhir::Request request{"PUT", std::string(url)};
    request.if_match = if_match;
    return fhir::interaction_text(request, patient);
}

std::string told(std::string_view before, std::string_view after) {
    std::string out;
    for (auto const& d : testing::fhir_differences(before, after))
        out += (out.empty() ? "" : ", ") + d.path + ": " + d.before.value_or("-") + " -> " +
               d.after.value_or("-");
    return out;
}

}  // namespace

TEST_CASE("white space makes no difference, whatever is kept around the resource") {
    auto const theirs = fhir::resource_text(fhir::interaction_text(fhir::Request{"DELETE", "Patient/1"}, ""));
    for (auto const& text : {std::string(patient), put("Patient/1"), put("Patient/1", "W/\"1\""), theirs,
                             fhir::interaction_text(fhir::Request{"DELETE", "Patient/1"}, "")}) {
        CAPTURE(text);
        auto const pretty = testing::pretty_json(text);
        CHECK(pretty != text);
        CHECK(testing::same_fhir(text, text));
        CHECK(testing::same_fhir(pretty, text));
        CHECK(told(pretty, text) == "");
    }
}

TEST_CASE("what is asked for and what is sent is compared") {
    CHECK(!testing::same_fhir(put("Patient/1"), put("Patient/2")));
    CHECK(!testing::same_fhir(testing::pretty_json(put("Patient/1")), put("Patient/2")));
    CHECK(!testing::same_fhir(patient, put("Patient/1")));
    CHECK(!testing::same_fhir("{", "{"));
    CHECK(told(put("Patient/1"), put("Patient/2")) == "request: PUT Patient/1 -> PUT Patient/2");
    CHECK(told(testing::pretty_json(put("Patient/1")), put("Patient/1", "W/\"1\"")) ==
          "request.ifMatch: - -> W/\"1\"");
    CHECK(told(R"({"resourceType":"Patient","name":[{"family":"a"},{"family":"b"}]})",
               R"({"resourceType":"Patient","name":[{"family":"a"},{"family":"c","use":"old"}]})") ==
          "Patient.name[1].family: b -> c, Patient.name[1].use: - -> old");
}
