// How fast a message is read, edited and written: synthetic ADT of 1 KB and ORU of 5 KB.
#include <benchmark/benchmark.h>

#include <array>
#include <string>

#include "parsers/hl7/ack.h"
#include "parsers/hl7/message.h"
#include "parsers/mllp/decoder.h"

using hilum::hl7::Message;
using hilum::hl7::Path;

namespace {

std::string adt() {
    std::string bytes =
        "MSH|^~\\&|ADTSYS|NORTH HOSPITAL|LABSYS|NORTH "
        "HOSPITAL|20240102030405+0100||ADT^A01^ADT_A01|MSG00000001|P|2.5.1\r"
        "EVN|A01|20240102030405+0100|||OPERATOR^ONE\r"
        "PID|1||100001^^^NORTH&1.2.3.4&ISO^MR~200002^^^NATIONAL^NI||TESTPATIENT^SYNTHETIC^Q^^^^L||19700101|F|"
        "||1 EXAMPLE "
        "STREET^^SPRINGFIELD^ST^12345^USA^H||^PRN^PH^^1^555^0100000~^NET^Internet^someone@example.org||EN|S|"
        "CHR|300003||||"
        "|||||||||\r"
        "PD1|||NORTH HOSPITAL^^10001|5555^PRACTITIONER^SYNTHETIC^^^DR\r"
        "NK1|1|TESTPATIENT^RELATIVE^R|SPO|1 EXAMPLE "
        "STREET^^SPRINGFIELD^ST^12345^USA|^PRN^PH^^1^555^0100001||EC\r"
        "PV1|1|I|WARD4^401^A^NORTH^^^^B1|R|||5555^ATTENDING^SYNTHETIC^^^DR|6666^REFERRING^SYNTHETIC^^^DR||"
        "MED|||||||5555^"
        "ATTENDING^SYNTHETIC^^^DR|IN|400004^^^NORTH^VN|||||||||||||||||||||||||20240102030000\r"
        "AL1|1|DA|PENI^PENICILLIN^L|SV|RASH\r"
        "DG1|1|ICD10|R07.4^CHEST PAIN^I10||20240102|A\r";
    bytes +=
        "IN1|1|PLAN1^EXAMPLE PLAN|INS1|EXAMPLE INSURER|" + std::string(1024 - bytes.size() - 50, 'X') + "\r";
    return bytes;
}

std::string oru() {
    std::string bytes =
        "MSH|^~\\&|LABSYS|NORTH HOSPITAL|EHR|NORTH "
        "HOSPITAL|20240102030405||ORU^R01^ORU_R01|MSG00000002|P|2.5.1\r"
        "PID|1||100001^^^NORTH^MR||TESTPATIENT^SYNTHETIC||19700101|F\r"
        "ORC|RE|ORD1|FIL1\rOBR|1|ORD1|FIL1|CBC^COMPLETE BLOOD COUNT^L|||20240102030000\r";
    for (int i = 1; bytes.size() < 5000; ++i) {
        bytes += "OBX|" + std::to_string(i) + "|NM|718-7^Hemoglobin [Mass/volume] in Blood^LN||13." +
                 std::to_string(i) + "|g/dL^gram per deciliter^UCUM|12.0-16.0|N|||F|||20240102030400\r";
    }
    return bytes;
}

std::string message(std::int64_t which) {
    return which == 0 ? adt() : oru();
}

std::array<Path, 6> six_paths() {
    return {Path::parse("MSH-9.1").value(), Path::parse("MSH-9.2").value(), Path::parse("MSH-10").value(),
            Path::parse("PID-3.1").value(), Path::parse("PID-5.1").value(), Path::parse("PID-8").value()};
}

void name_run(benchmark::State& state, std::size_t size) {
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
    state.SetLabel(state.range(0) == 0 ? "1 KB ADT" : "5 KB ORU");
}

void view_and_read_six(benchmark::State& state) {
    std::string const bytes = message(state.range(0));
    auto const paths = six_paths();
    std::string scratch;
    for (auto _ : state) {
        auto const parsed = Message::view(bytes);
        for (auto const& path : paths) benchmark::DoNotOptimize(parsed->text(path, scratch));
    }
    name_run(state, bytes.size());
}
BENCHMARK(view_and_read_six)->Arg(0)->Arg(1);

void view_set_two_and_write(benchmark::State& state) {
    std::string const bytes = message(state.range(0));
    auto const application = Path::parse("MSH-5").value(), family_name = Path::parse("PID-5.1").value();
    std::string out;
    for (auto _ : state) {
        auto parsed = Message::view(bytes);
        benchmark::DoNotOptimize(parsed->set(application, "DOWNSTREAM").has_value());
        benchmark::DoNotOptimize(parsed->set(family_name, "OTHER").has_value());
        out.clear();
        parsed->append_to(out);
        benchmark::DoNotOptimize(out.data());
    }
    name_run(state, bytes.size());
}
BENCHMARK(view_set_two_and_write)->Arg(0)->Arg(1);

void deframe_view_and_answer(benchmark::State& state) {
    std::string framed;
    hilum::mllp::encode(message(state.range(0)), framed);
    hilum::mllp::Decoder decoder;
    std::string out;
    for (auto _ : state) {
        decoder.feed(framed);
        auto const parsed = Message::view(decoder.next().bytes);
        out.clear();
        hilum::hl7::build_ack(*parsed, hilum::hl7::AckCode::AA,
                              {.control_id = "1", .timestamp = "20240102030405"}, nullptr, out);
        benchmark::DoNotOptimize(out.data());
    }
    name_run(state, framed.size());
}
BENCHMARK(deframe_view_and_answer)->Arg(0)->Arg(1);

}  // namespace
