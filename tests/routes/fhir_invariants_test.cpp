// The invariants: all of them compile, and those that validation computes itself agree with their FHIRPath.
#include "routes/fhir_invariants.h"

#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "parsers/fhir/location.h"

using namespace hilum;

namespace {

struct Row {
    std::string_view key, json;
    std::string_view path;  // to the element, by the names of first children
    bool broken;
};

constexpr Row rows[] = {
    {"ele-1", R"({"resourceType":"Patient","name":[{"id":"a"}]})", "name", true},
    {"ele-1", R"({"resourceType":"Patient","name":[{"id":"a","text":"b"}]})", "name", false},
    {"ele-1", R"({"resourceType":"Patient","_birthDate":{"id":"a"}})", "birthDate", true},
    {"ext-1", R"({"resourceType":"Patient","extension":[{"url":"u"}]})", "extension", true},
    {"ext-1", R"({"resourceType":"Patient","extension":[{"url":"u","valueCode":"a"}]})", "extension", false},
    {"dom-2",
     R"({"resourceType":"Patient","contained":[{"resourceType":"Basic","contained":[{"resourceType":"Basic"}]}]})",
     "", true},
    {"dom-3", R"({"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"a"}]})", "", true},
    {"dom-3",
     R"({"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"a"}],"managingOrganization":{"reference":"#a"}})",
     "", false},
    {"dom-3",
     R"({"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"a","subject":{"reference":"#"}}]})",
     "", false},
    {"dom-4",
     R"({"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"a","meta":{"versionId":"1"}}]})",
     "", true},
    {"dom-5",
     R"({"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"a","meta":{"security":[{"code":"1"}]}}]})",
     "", true},
    {"ref-1", R"({"resourceType":"Patient","managingOrganization":{"reference":"#a"}})",
     "managingOrganization", true},
    {"ref-1",
     R"({"resourceType":"Patient","contained":[{"resourceType":"Basic","id":"a"}],"managingOrganization":{"reference":"#a"}})",
     "managingOrganization", false},
    {"txt-1",
     R"({"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><script>a</script></div>"}})",
     "text.div", true},
    {"txt-1",
     R"({"resourceType":"Patient","text":{"div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>"}})",
     "text.div", false},
    {"bdl-3", R"({"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"a"}]})", "", true},
    {"bdl-3", R"({"resourceType":"Bundle","type":"history","entry":[{"request":{"url":"a"}}]})", "", false},
    {"bdl-4", R"({"resourceType":"Bundle","type":"batch","entry":[{"response":{"status":"a"}}]})", "", true},
    {"bdl-4", R"({"resourceType":"Bundle","type":"batch-response","entry":[{"response":{"status":"a"}}]})",
     "", false},
    {"bdl-5", R"({"resourceType":"Bundle","entry":[{"fullUrl":"a"}]})", "entry", true},
    {"bdl-5", R"({"resourceType":"Bundle","entry":[{"request":{"url":"a"}}]})", "entry", false},
    {"bdl-7", R"({"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"a"},{"fullUrl":"a"}]})", "",
     true},
    {"bdl-7", R"({"resourceType":"Bundle","type":"history","entry":[{"fullUrl":"a"},{"fullUrl":"a"}]})", "",
     false},
    {"bdl-7",
     R"({"resourceType":"Bundle","type":"batch","entry":[{"fullUrl":"a"},{"fullUrl":"a","resource":{"resourceType":"Basic","meta":{"versionId":"2"}}}]})",
     "", false},
    {"bdl-8", R"({"resourceType":"Bundle","entry":[{"fullUrl":"a/_history/1"}]})", "entry", true},
    {"bdl-8", R"({"resourceType":"Bundle","entry":[{"fullUrl":"a"}]})", "entry", false},
    {"qty-3", R"({"resourceType":"Observation","valueQuantity":{"code":"a"}})", "valueQuantity", true},
    {"qty-3", R"({"resourceType":"Observation","valueQuantity":{"code":"a","system":"s"}})", "valueQuantity",
     false},
    {"per-1", R"({"resourceType":"Patient","identifier":[{"period":{"start":"2020","end":"2019"}}]})",
     "identifier.period", true},
    {"per-1", R"({"resourceType":"Patient","identifier":[{"period":{"start":"2020"}}]})", "identifier.period",
     false},
    {"cpt-2", R"({"resourceType":"Patient","telecom":[{"rank":1}]})", "telecom", false},
    {"obs-6", R"({"resourceType":"Observation","valueInteger":1})", "", false},
    {"obs-7", R"({"resourceType":"Observation","valueInteger":1})", "", false},
    {"bdl-1", R"({"resourceType":"Bundle","type":"batch"})", "", false},
    {"sqty-1", R"({"resourceType":"Observation","referenceRange":[{"low":{"value":1}}]})",
     "referenceRange.low", false},
};

fhir::Element element_at(fhir::Element e, std::string_view path) {
    while (!path.empty()) {
        auto const dot = std::min(path.find('.'), path.size());
        e = e.child(path.substr(0, dot));
        REQUIRE(e.exists());
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    return e;
}

}  // namespace

TEST_CASE("every invariant of R4 compiles") {
    for (std::size_t i = 0; i < fhir::invariant_count(); ++i) {
        expression::Options options;
        options.fhir = true;
        auto const compiled = expression::Expression::compile(fhir::invariant(i).expression, options);
        CHECK_MESSAGE(compiled.has_value(), std::string(fhir::invariant(i).key), ": ",
                      compiled.error().text());
    }
}

TEST_CASE("what validation computes itself agrees with the FHIRPath of the definitions") {
    for (auto const& row : rows) {
        CAPTURE(row.key);
        CAPTURE(row.json);
        auto const resource = fhir::Resource::read_json(std::string(row.json));
        REQUIRE(resource.has_value());
        auto const element = element_at(resource->root(), row.path);
        auto const place = fhir::location(element, resource->root());
        bool found = false;
        for (auto const& f : fhir::validate(resource->root(), {&FhirInvariants::r4()}))
            found = found || (f.rule == row.key && f.location == place);
        CHECK(found == row.broken);
        for (std::size_t i = 0; i < fhir::invariant_count(); ++i) {
            // dom-3 is published with `as()` on several items, which FHIRPath N1 (§6.3) makes an error.
            if (fhir::invariant(i).key != row.key || row.key == "dom-3") continue;
            auto const answer = FhirInvariants::r4().test(i, element, fhir::type_of(element));
            CHECK((answer == fhir::Invariants::Answer::broken) == row.broken);
            CHECK(answer != fhir::Invariants::Answer::unknown);
        }
    }
}
