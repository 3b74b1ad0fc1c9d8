// FHIR to HL7 v2 by the maps that come with Hilum: a report with 20 Observations, parsed, mapped, written and
// read again, as the step does.
#include <benchmark/benchmark.h>

#include <string>

#include "parsers/hl7/message.h"
#include "routes/mapping/to_hl7.h"

using namespace hilum;

namespace {

std::string report(int observations) {
    std::string text =
        R"({"resourceType":"Bundle","type":"collection","entry":[{"fullUrl":"http://example.org/fhir/Patient/p",)"
        R"("resource":{"resourceType":"Patient","id":"p","identifier":[{"system":"urn:oid:1.2.3","value":"4711"}],)"
        R"("name":[{"use":"official","family":"Doe","given":["Jane","Mary"]}],"gender":"female",)"
        R"("birthDate":"1980-02-03","address":[{"use":"home","line":["Main Street 7"],"city":"Springfield",)"
        R"("postalCode":"12345","country":"US"}],"telecom":[{"system":"phone","value":"555 0100","use":"home"}]}},)"
        R"({"fullUrl":"http://example.org/fhir/DiagnosticReport/r","resource":{"resourceType":"DiagnosticReport",)"
        R"("id":"r","identifier":[{"system":"urn:oid:1.2.6","value":"F1"}],"status":"final","code":{"coding":[)"
        R"({"system":"http://loinc.org","code":"24323-8","display":"Comprehensive metabolic panel"}]},)"
        R"("subject":{"reference":"Patient/p"},"effectiveDateTime":"2026-01-02T02:00:00+01:00",)"
        R"("issued":"2026-01-02T03:00:00+01:00","result":[)";
    for (int i = 0; i < observations; ++i)
        text +=
            std::string(i == 0 ? "" : ",") + R"({"reference":"Observation/o)" + std::to_string(i) + R"("})";
    text += "]}}";
    for (int i = 0; i < observations; ++i)
        text +=
            R"(,{"fullUrl":"http://example.org/fhir/Observation/o)" + std::to_string(i) +
            R"(","resource":{"resourceType":"Observation","id":"o)" + std::to_string(i) +
            R"(","status":"final","code":{"coding":[{"system":"http://loinc.org","code":"2345-7",)"
            R"("display":"Glucose"}]},"subject":{"reference":"Patient/p"},)"
            R"("effectiveDateTime":"2026-01-02T02:00:00+01:00","valueQuantity":{"value":95.)" +
            std::to_string(i) +
            R"(,"unit":"mg/dL","system":"http://unitsofmeasure.org","code":"mg/dL"},)"
            R"("interpretation":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",)"
            R"("code":"N"}]}],"referenceRange":[{"text":"70-99"}]}})";
    return text + "]}";
}

void fhir_to_oru(benchmark::State& state) {
    config::Diagnostics diagnostics;
    auto const maps = routes::mapping::load_maps({"fhir-to-v2/oru_r01", {}}, {}, diagnostics);
    if (!maps) return state.SkipWithError(diagnostics.text().c_str());
    auto const text = report(static_cast<int>(state.range(0)));
    std::int64_t now = 1'767'323'045'000'000;
    for (auto _ : state) {
        auto const interaction = fhir::Interaction::read(text);
        auto made = routes::mapping::to_hl7(*maps, *interaction, ++now, nullptr);
        if (!made) return state.SkipWithError(made.error().text().c_str());
        auto const message = hl7::Message::parse(std::move(*made));
        benchmark::DoNotOptimize(message->bytes().data());
    }
    state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
    state.counters["messages"] = benchmark::Counter(1, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK(fhir_to_oru)->Arg(0)->Arg(20)->Arg(100);

void fhir_parse(benchmark::State& state) {
    auto const text = report(20);
    for (auto _ : state) benchmark::DoNotOptimize(fhir::Interaction::read(text));
}
BENCHMARK(fhir_parse);

}  // namespace
