// A facade's answers: what leads to the server behind leads to the endpoint.
#include "engine/listeners/fhir_relay.h"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace hilum;

namespace {

constexpr std::string_view base = "http://ehr:8080/r4", url = "https://hub.example/fhir";

std::string seen(std::string body, bool minimal = false) {
    return listeners::body_seen_from_here(std::move(body), base, url, minimal);
}

TEST_CASE("addresses below the server's base lead here, no others") {
    struct Row {
        std::string_view there, here;
    };
    constexpr Row rows[] = {
        {"http://ehr:8080/r4/Patient/1", "https://hub.example/fhir/Patient/1"},
        {"https://ehr:8080/r4/Patient/1", "https://hub.example/fhir/Patient/1"},  // a proxy's doing
        {"http:\\/\\/ehr:8080\\/r4\\/Patient?x=1", "https://hub.example/fhir/Patient?x=1"},
        {"http://ehr:8080/r4?_getpages=1", "https://hub.example/fhir?_getpages=1"},
        {"http://ehr:8080/r4", "https://hub.example/fhir"},
        {"http://ehr:8080/r4x/Patient/1", "http://ehr:8080/r4x/Patient/1"},
        {"http://ehr:8080/other", "http://ehr:8080/other"},
        {"http://ehr:80801/r4/Patient/1", "http://ehr:80801/r4/Patient/1"},
        {"urn:uuid:1", "urn:uuid:1"},
        {"Patient/1/_history/1", "Patient/1/_history/1"},
        {"", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.there);
        for (
            std::string_view const frame :
            {R"({"resourceType":"Bundle","type":"searchset","link":[{"relation":"next","url":"@"}]})",
             R"({"resourceType":"Bundle","type":"searchset","entry":[{"link":[{"relation":"x","url":"@"}]}]})",
             R"({"resourceType":"Bundle","type":"searchset","entry":[{"fullUrl":"@"}]})",
             R"({"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201","location":"@"}}]})",
             R"({"resourceType":"Bundle","type":"batch-response","entry":[{"resource":{"resourceType":"Bundle","entry":[{"fullUrl":"@"}]}}]})"}) {
            auto const with = [&](std::string_view address) {
                std::string out(frame);
                return out.replace(out.find('@'), 1, address);
            };
            // What nothing is changed in is the same to the byte.
            bool const changed = row.there != row.here;
            CHECK(seen(with(row.there) + (changed ? "" : " ")) == with(row.here) + (changed ? "" : " "));
        }
    }
}

TEST_CASE("references become relative, which is right at both addresses") {
    struct Row {
        std::string_view there, here;
    };
    constexpr Row rows[] = {
        {R"({"resourceType":"Observation","subject":{"reference":"http://ehr:8080/r4/Patient/1/_history/2"}})",
         R"({"resourceType":"Observation","subject":{"reference":"Patient/1/_history/2"}})"},
        {R"({"resourceType":"Bundle","entry":[{"fullUrl":"http://ehr:8080/r4/Observation/1","resource":{"resourceType":"Observation","subject":{"reference":"http://ehr:8080/r4/Patient/1"}}}]})",
         R"({"resourceType":"Bundle","entry":[{"fullUrl":"https://hub.example/fhir/Observation/1","resource":{"resourceType":"Observation","subject":{"reference":"Patient/1"}}}]})"},
        // Relative to another server it would be another patient.
        {R"({"resourceType":"Bundle","entry":[{"fullUrl":"http://lab/r4/Observation/1","resource":{"resourceType":"Observation","subject":{"reference":"http://ehr:8080/r4/Patient/1"}}}]})",
         R"({"resourceType":"Bundle","entry":[{"fullUrl":"http://lab/r4/Observation/1","resource":{"resourceType":"Observation","subject":{"reference":"https://hub.example/fhir/Patient/1"}}}]})"},
        // Names, not places.
        {R"({"resourceType":"ValueSet","url":"http://ehr:8080/r4/ValueSet/1"})",
         R"({"resourceType":"ValueSet","url":"http://ehr:8080/r4/ValueSet/1"})"},
        {R"({"resourceType":"Patient","generalPractitioner":[{"reference":"http://ehr:8080/r4"}],"multipleBirthInteger":1.50})",
         R"({"resourceType":"Patient","generalPractitioner":[{"reference":"https://hub.example/fhir"}],"multipleBirthInteger":1.50})"},
        {R"(no JSON of http://ehr:8080/r4)", R"(no JSON of http://ehr:8080/r4)"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.there);
        CHECK(seen(std::string(row.there)) == row.here);
    }
}

TEST_CASE("minimal: what became of each entry, without its resource") {
    std::string const whole =
        R"({"resourceType":"Bundle","type":"transaction-response","entry":[{"resource":{"resourceType":"Patient"},"response":{"status":"201"}},{"response":{"status":"204"}}]})";
    CHECK(
        seen(whole, true) ==
        R"({"resourceType":"Bundle","type":"transaction-response","entry":[{"response":{"status":"201"}},{"response":{"status":"204"}}]})");
    CHECK(seen(whole) == whole);
    std::string const found =
        R"({"resourceType":"Bundle","type":"searchset","entry":[{"resource":{"resourceType":"Patient"}}]})";
    CHECK(seen(found, true) == found);
}

TEST_CASE("a large answer takes time by its size") {
    std::string bundle = R"({"resourceType":"Bundle","type":"searchset","entry":[)";
    for (int i = 0; i < 50'000; ++i) {
        auto const n = std::to_string(i);
        bundle +=
            R"({"fullUrl":"http://ehr:8080/r4/Observation/)" + n +
            R"(","resource":{"resourceType":"Observation","subject":{"reference":"http://ehr:8080/r4/Patient/)" +
            n + R"("}}},)";
    }
    bundle.back() = ']';
    bundle += "}";
    auto const begin = std::chrono::steady_clock::now();
    auto const here = seen(bundle);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(10));
    CHECK(here.find("ehr:8080") == std::string::npos);
}

}  // namespace
