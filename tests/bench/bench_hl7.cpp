// How fast a message is read, edited and written: a synthetic ADT of 1 KB, an ORU of 5 KB, an ORU of 1 MB
// with a document in base64. run.py --only parsers makes the table of docs/performance.md of it.
#include <benchmark/benchmark.h>

#include <array>
#include <bit>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

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

std::string document() {
    std::string bytes =
        "MSH|^~\\&|LABSYS|NORTH HOSPITAL|EHR|NORTH "
        "HOSPITAL|20240102030405||ORU^R01^ORU_R01|MSG00000003|P|2.5.1\r"
        "PID|1||100001^^^NORTH^MR||TESTPATIENT^SYNTHETIC||19700101|F\r"
        "OBR|1|ORD1|FIL1|11502-2^Laboratory report^LN|||20240102030000\r"
        "OBX|1|TX|22634-0^Comment^LN||See document||||||F\rOBX|2|ED|11502-2^Laboratory "
        "report^LN||^application^pdf^Base64^";
    constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (std::uint32_t i = 1; bytes.size() < (1u << 20); i = i * 1664525u + 1013904223u)
        bytes += letters[i >> 26];
    return bytes + "||||||F\r";
}

std::string message(std::int64_t which) {
    return which == 0 ? adt() : which == 1 ? oru() : document();
}

// MSH-9, MSH-10, PID-3.1, PID-5.1, PV1-2 or OBR-4; the last OBX-5 is looked for as well.
std::array<Path, 5> five_paths(std::int64_t which) {
    return {Path::parse("MSH-9").value(), Path::parse("MSH-10").value(), Path::parse("PID-3.1").value(),
            Path::parse("PID-5.1").value(), Path::parse(which == 0 ? "PV1-2" : "OBR-4").value()};
}

void name_run(benchmark::State& state, std::size_t size) {
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
    constexpr char const* labels[] = {"1 KB ADT", "5 KB ORU", "1 MB ORU"};
    state.SetLabel(labels[state.range(0)]);
}

#if defined(__x86_64__)
// The floor: looks at every byte once and writes down where the delimiters are. No message, no fields.
__attribute__((target("avx2"))) std::size_t index_delimiters(std::string_view bytes, std::uint32_t* out) {
    std::uint32_t* const begin = out;
    __m256i const cr = _mm256_set1_epi8('\r'), bar = _mm256_set1_epi8('|'), hat = _mm256_set1_epi8('^'),
                  tilde = _mm256_set1_epi8('~'), amp = _mm256_set1_epi8('&');
    for (std::size_t at = 0; at + 32 <= bytes.size(); at += 32) {
        __m256i const c = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(bytes.data() + at));
        __m256i const hits = _mm256_or_si256(
            _mm256_or_si256(_mm256_or_si256(_mm256_cmpeq_epi8(c, cr), _mm256_cmpeq_epi8(c, bar)),
                            _mm256_or_si256(_mm256_cmpeq_epi8(c, hat), _mm256_cmpeq_epi8(c, tilde))),
            _mm256_cmpeq_epi8(c, amp));
        for (auto mask = static_cast<std::uint32_t>(_mm256_movemask_epi8(hits)); mask != 0; mask &= mask - 1)
            *out++ = static_cast<std::uint32_t>(at) + static_cast<std::uint32_t>(std::countr_zero(mask));
    }
    return static_cast<std::size_t>(out - begin);
}

void floor_index_delimiters(benchmark::State& state) {
    std::string const bytes = message(state.range(0));
    std::vector<std::uint32_t> index(bytes.size());
    for (auto _ : state) benchmark::DoNotOptimize(index_delimiters(bytes, index.data()));
    name_run(state, bytes.size());
}
BENCHMARK(floor_index_delimiters)->DenseRange(0, 2);
#endif

void view_and_read_six(benchmark::State& state) {
    std::string const bytes = message(state.range(0));
    auto const paths = five_paths(state.range(0));
    auto const result = Path::parse("OBX-5").value();
    std::string scratch;
    for (auto _ : state) {
        auto const parsed = Message::view(bytes);
        for (auto const& path : paths) benchmark::DoNotOptimize(parsed->text(path, scratch));
        auto last = result;
        last.occurrence = static_cast<std::uint32_t>(parsed->count("OBX"));
        benchmark::DoNotOptimize(parsed->text(last, scratch));
    }
    name_run(state, bytes.size());
}
BENCHMARK(view_and_read_six)->DenseRange(0, 2);

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
BENCHMARK(view_set_two_and_write)->DenseRange(0, 2);

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
