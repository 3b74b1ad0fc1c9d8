// FHIR: bytes to resource, and what validation adds.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "parsers/fhir/resource.h"
#include "parsers/fhir/validate.h"
#include "routes/fhir_invariants.h"

using namespace hilum;

namespace {

// A transaction of about 10 KB as interfaces send it: a patient, an encounter, and results that refer to
// them.
std::string const& bundle() {
    static std::string const text = [] {
        std::string const patient = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a";
        std::string const encounter = "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059";
        std::string out =
            R"({"resourceType":"Bundle","type":"transaction","entry":[{"fullUrl":")" + patient +
            R"(","resource":{"resourceType":"Patient","identifier":[{"use":"usual","type":{"coding":[{"system":)"
            R"("http://terminology.hl7.org/CodeSystem/v2-0203","code":"MR"}]},"system":"urn:oid:1.2.36.146.595.217.0.1",)"
            R"("value":"12345"}],"active":true,"name":[{"use":"official","family":"Chalmers","given":["Peter",)"
            R"("James"]}],"telecom":[{"system":"phone","value":"(03) 5555 6473","use":"work","rank":1}],)"
            R"("gender":"male","birthDate":"1974-12-25","address":[{"use":"home","type":"both","line":)"
            R"(["534 Erewhon St"],"city":"PleasantVille","state":"Vic","postalCode":"3999"}]},)"
            R"("request":{"method":"PUT","url":"Patient?identifier=12345"}},{"fullUrl":")" +
            encounter +
            R"(","resource":{"resourceType":"Encounter","status":"in-progress","class":{"system":)"
            R"("http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"IMP"},"subject":{"reference":")" +
            patient +
            R"("},"period":{"start":"2024-01-02T03:04:05+01:00"}},"request":{"method":"POST","url":"Encounter"}})";
        for (int i = 0; out.size() < 10'000; ++i) {
            auto const n = std::to_string(100 + i);
            out +=
                R"(,{"fullUrl":"urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e)" + n +
                R"(","resource":{"resourceType":"Observation","identifier":[{"system":"http://lab.example/results",)"
                R"("value":"R)" +
                n +
                R"("}],"status":"final","category":[{"coding":[{"system":)"
                R"("http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],"code":)"
                R"({"coding":[{"system":"http://loinc.org","code":"15074-8","display":"Glucose [Moles/volume] in Blood"}]},)"
                R"("subject":{"reference":")" +
                patient + R"("},"encounter":{"reference":")" + encounter +
                R"("},"effectiveDateTime":"2024-01-02T09:30:10+01:00","valueQuantity":{"value":6.30,"unit":"mmol/l",)"
                R"("system":"http://unitsofmeasure.org","code":"mmol/L"},"interpretation":[{"coding":[{"system":)"
                R"("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation","code":"H"}]}],)"
                R"("referenceRange":[{"low":{"value":3.1,"unit":"mmol/l"},"high":{"value":6.2,"unit":"mmol/l"}}]},)"
                R"("request":{"method":"POST","url":"Observation"}})";
        }
        return out + "]}";
    }();
    return text;
}

void parse(benchmark::State& state) {
    for (auto _ : state) {
        auto const resource = fhir::Resource::read_json(bundle());
        if (!resource) std::abort();
        benchmark::DoNotOptimize(resource->root());
    }
    state.SetBytesProcessed(state.iterations() * std::ssize(bundle()));
}
BENCHMARK(parse)->Name("fhir_parse_bundle_10k");

void validate(benchmark::State& state) {
    for (auto _ : state) {
        auto const resource = fhir::Resource::read_json(bundle());
        if (!resource || !fhir::validate(resource->root(), {&FhirInvariants::r4()}).empty()) std::abort();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(validate)->Name("fhir_parse_validate_bundle_10k");

void validate_own(benchmark::State& state) {
    for (auto _ : state) {
        auto const resource = fhir::Resource::read_json(bundle());
        if (!resource || !fhir::validate(resource->root(), {}).empty()) std::abort();
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(validate_own)->Name("fhir_parse_validate_without_fhirpath_10k");

void xml(benchmark::State& state) {
    auto const text = fhir::Resource::read_json(bundle())->xml();
    for (auto _ : state) {
        auto const resource = fhir::Resource::read_xml(*text);
        if (!resource) std::abort();
        benchmark::DoNotOptimize(resource->root());
    }
    state.SetBytesProcessed(state.iterations() * std::ssize(*text));
}
BENCHMARK(xml)->Name("fhir_parse_xml_bundle_10k");

}  // namespace
