// HL7 v2 to FHIR by the guide's maps: bytes to the Bundle's JSON.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

#include "parsers/hl7/message.h"
#include "routes/mapping/to_fhir.h"

using namespace hilum;
namespace mapping = hilum::routes::mapping;

namespace {

std::shared_ptr<mapping::FhirMaps const> read_maps() {
    config::Diagnostics diagnostics;
    auto maps = mapping::read_fhir_maps(mapping::guide_files(), {}, diagnostics);
    if (!maps) std::abort();
    return maps;
}

// An admission of about 1 KB.
std::string const& adt() {
    static std::string const text =
        "MSH|^~\\&|ADT1|GOOD HEALTH HOSPITAL|GHH "
        "LAB|ICU|20260102080000+0100||ADT^A01^ADT_A01|MSG00001|P|2.5.1\r"
        "EVN|A01|20260102080000+0100||||20260102075500+0100\r"
        "PID|1||PATID1234^5^M11^GHH&1.2.3.4.5&ISO^MR~123456789^^^USSSA&2.16.840.1.113883.4.1&ISO^SS||"
        "Everyman^Adam^A^III^Dr^^L||19610615|M||2106-3^White^HL70005|2222 Home "
        "Street^^Greensboro^NC^27401-1020^USA^H"
        "||^PRN^PH^^1^555^5552004~^NET^Internet^adam@example.org|^WPN^PH^^1^555^5551234|eng^English^ISO639|M^"
        "Married^HL70002|"
        "CHR^Christian^HL70006|PATID12345001^2^M10^GHH&1.2.3.4.5&ISO^AN|444333333|987654^NC||||||||N\r"
        "NK1|1|Everyman^Eve^B^^^^L|SPO^Spouse^HL70063|2222 Home "
        "Street^^Greensboro^NC^27401-1020^USA|^PRN^PH^^1^555^5552004||"
        "C^Emergency Contact^HL70131\r"
        "PV1|1|I|2000^2012^01^GHH^^^^B1|E|||004777^Attend^Aaron^A^^Dr^MD^^GHH&1.2.3.4.5&ISO^L|"
        "005888^Refer^Rita^R^^Dr^MD|006999^Consult^Carl^C^^Dr^MD|SUR||||1|A0||004777^Attend^Aaron^A^^Dr^MD|S|"
        "VN1234^^^GHH&1.2.3.4.5&ISO^VN|||||||||||||||||||||||||20260102080000+0100\r"
        "AL1|1|DA^Drug allergy^HL70127|70618^Penicillin^RXNORM|SV^Severe^HL70128|Rash\r"
        "DG1|1||I21.9^Acute myocardial infarction^I10||20260102|A\r";
    return text;
}

// A panel of 20 results, about 5 KB.
std::string const& oru() {
    static std::string const text = [] {
        std::string out =
            "MSH|^~\\&|LAB|GHH LAB|EHR|GHH|20260102093010+0100||ORU^R01^ORU_R01|MSG00002|P|2.5.1\r"
            "PID|1||PATID1234^5^M11^GHH&1.2.3.4.5&ISO^MR||Everyman^Adam^A^III^Dr^^L||19610615|M|||2222 Home "
            "Street^^Greensboro^"
            "NC^27401-1020^USA^H||^PRN^PH^^1^555^5552004\r"
            "PV1|1|I|2000^2012^01^GHH||||004777^Attend^Aaron^A^^Dr^MD|||||||||||VN1234^^^GHH&1.2.3.4.5&ISO^"
            "VN\r"
            "ORC|RE|PLAC1234^EHR|FILL5678^LAB||CM||||20260102070000+0100|||004777^Attend^Aaron^A^^Dr^MD\r"
            "OBR|1|PLAC1234^EHR|FILL5678^LAB|24323-8^Comprehensive metabolic "
            "panel^LN|||20260102073000+0100|||||||||004777^Attend^"
            "Aaron^A^^Dr^MD||||||20260102093000+0100||CH|F\r";
        for (int i = 1; i <= 20; ++i) {
            auto const n = std::to_string(i);
            out += "OBX|" + n + "|NM|" + std::to_string(2340 + i) + "-" + std::to_string(i % 10) +
                   "^Glucose [Mass/volume] in Serum or Plasma " + n + "^LN^GLU" + n + "^Glucose " + n +
                   "^99LAB||" + std::to_string(80 + i) + "." + std::to_string(i % 10) +
                   "|mg/dL^milligram per deciliter^UCUM|70-105|N^Normal^HL70078|||F|||"
                   "20260102073000+0100||007333^Tech^Tina^T^^Ms|||20260102092500+0100\r";
        }
        return out;
    }();
    return text;
}

void map(benchmark::State& state, std::string const& bytes) {
    static auto const maps = read_maps();
    mapping::FhirOptions options;
    options.lost_max = static_cast<std::size_t>(state.range(0));
    std::size_t size = 0;
    for (auto _ : state) {
        auto message = hl7::Message::view(bytes);
        auto const made = mapping::to_fhir(*maps, options, *message, nullptr);
        if (!made) std::abort();
        size = made->json.size();
        benchmark::DoNotOptimize(made->json.data());
    }
    state.SetItemsProcessed(state.iterations());
    state.counters["bytes_in"] = static_cast<double>(bytes.size());
    state.counters["bytes_out"] = static_cast<double>(size);
}
BENCHMARK_CAPTURE(map, adt, adt())->Name("v2_to_fhir/adt")->Arg(0)->Arg(20);
BENCHMARK_CAPTURE(map, oru, oru())->Name("v2_to_fhir/oru")->Arg(0)->Arg(20);

void load(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(read_maps());
}
BENCHMARK(load)->Name("v2_to_fhir/load")->Unit(benchmark::kMillisecond);

}  // namespace
