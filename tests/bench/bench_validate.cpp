// How fast a message is read and held against the dictionary: synthetic ADT of 1 KB and ORU of 5 KB.
#include <benchmark/benchmark.h>

#include <string>

#include "parsers/hl7/validate.h"

using namespace hilum::hl7;

namespace {

std::string adt_of_1_kb() {
    std::string bytes =
        "MSH|^~\\&|ADTSYS|NORTH|LABSYS|NORTH|20240102030405+0100||ADT^A01^ADT_A01|MSG00000001|P|2.5.1\r"
        "EVN|A01|20240102030405+0100|||OPERATOR^ONE\r"
        "PID|1||100001^^^NORTH&1.2.3.4&ISO^MR~200002^^^NATIONAL^NI||TESTPATIENT^SYNTHETIC^Q^^^^L||19700101|F|"
        "||1 "
        "EXAMPLE "
        "STREET^^SPRINGFIELD^ST^12345^USA^H||^PRN^PH^^1^555^0100000~^NET^Internet^someone@example.org||EN|S|"
        "CHR|300003\r"
        "PD1|||NORTH HOSPITAL^^1001|5555^PRACTITIONER^SYNTHETIC^^^DR\r"
        "NK1|1|TESTPATIENT^RELATIVE^R|SPO|1 EXAMPLE "
        "STREET^^SPRINGFIELD^ST^12345^USA|^PRN^PH^^1^555^0100001||EC\r"
        "PV1|1|I|WARD4^401^A^NORTH^^^^B1|R|||5555^ATTENDING^SYNTHETIC^^^DR|6666^REFERRING^SYNTHETIC^^^DR||"
        "MED|||||||"
        "5555^ATTENDING^SYNTHETIC^^^DR|IN|400004^^^NORTH^VN|||||||||||||||||||||||||20240102030000\r"
        "AL1|1|DA|PENI^PENICILLIN^L|SV|RASH\r"
        "DG1|1||R07.4^CHEST PAIN^I10||20240102|A\r";
    bytes += "IN1|1|PLAN1^EXAMPLE PLAN|INS1|EXAMPLE INSURER|";
    return bytes + std::string(1023 - bytes.size(), 'X') + "\r";
}

std::string oru_of_5_kb() {
    std::string bytes =
        "MSH|^~\\&|LABSYS|NORTH|EHR|NORTH|20240102030405||ORU^R01^ORU_R01|MSG00000002|P|2.5.1\r"
        "PID|1||100001^^^NORTH^MR||TESTPATIENT^SYNTHETIC||19700101|F\r"
        "ORC|RE|ORD1|FIL1\rOBR|1|ORD1|FIL1|CBC^COMPLETE BLOOD COUNT^L|||20240102030000||||||||||||||||||F\r";
    for (int i = 1; bytes.size() < 5000; ++i) {
        bytes += "OBX|" + std::to_string(i) + "|NM|718-7^Hemoglobin [Mass/volume] in Blood^LN||13." +
                 std::to_string(i) + "|g/dL^gram per deciliter^UCUM|12.0-16.0|N|||F|||20240102030400\r";
    }
    return bytes;
}

void parse_and_validate(benchmark::State& state) {
    static Rules const rules = Rules::of(Dictionary::standard());
    std::string const bytes = state.range(0) == 0 ? adt_of_1_kb() : oru_of_5_kb();
    Report report;
    for (auto _ : state) {
        auto const message = Message::view(bytes);
        validate(*message, rules, report);
        benchmark::DoNotOptimize(report);
    }
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes.size()));
    state.SetLabel(std::string(state.range(0) == 0 ? "1 KB ADT, " : "5 KB ORU, ") +
                   std::to_string(report.errors) + " errors, " + std::to_string(report.warnings) +
                   " warnings");
}
BENCHMARK(parse_and_validate)->Arg(0)->Arg(1);

void compile_the_dictionary(benchmark::State& state) {
    for (auto _ : state) benchmark::DoNotOptimize(Rules::of(Dictionary::standard()));
}
BENCHMARK(compile_the_dictionary)->Unit(benchmark::kMillisecond);

}  // namespace
