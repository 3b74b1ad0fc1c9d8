// What routes cost: one expression, and the yardstick (parse, filter, three sets on a 1 KB ADT^A01).
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "routes/expression/expression.h"
#include "routes/pipeline.h"
#include "routes/steps/step.h"

using namespace hilum;

namespace {

// 1 KB of ADT^A01, synthetic.
std::string adt() {
    std::string text =
        "MSH|^~\\&|HIS|NORTH|LAB|SOUTH|20260102030405||ADT^A01^ADT_A01|MSG00000001|P|2.5|||AL|NE\r"
        "EVN|A01|20260102030405|||CLERK^ADMISSION\r"
        "PID|1||4711^^^NORTH&1.2.3&ISO^MR~0815^^^SOUTH^SS||DOE^JANE^MARY^^MRS||19800203|F|||MAIN STREET "
        "7^^SPRINGFIELD^^12345^US||+1 555 0100~+1 555 0101|||M|||0815\r"
        "NK1|1|DOE^JOHN|SPO|MAIN STREET 7^^SPRINGFIELD|+1 555 0102\r"
        "PV1|1|I|W1^101^A^NORTH||||1234^ROE^RICHARD^^^DR|5678^POE^EDGAR^^^DR||MED||||1|||1234^ROE^RICHARD|"
        "INP|V0001|||||||||||||||||"
        "|||||||20260102030000\r";
    for (int i = 1; text.size() < 1024; ++i)
        text += "OBX|" + std::to_string(i) + "|NM|8302-2^Body height^LN||17" + std::to_string(i % 10) +
                "|cm|||||F\r";
    return text;
}

void expression_filter(benchmark::State& state) {
    auto const text = adt();
    auto const message = hl7::Message::view(text);
    auto const e = expression::Expression::compile("MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04' | 'A08')");
    for (auto _ : state) benchmark::DoNotOptimize(*e->test({&*message, 0}));
}
BENCHMARK(expression_filter);

void expression_upper(benchmark::State& state) {
    auto const text = adt();
    auto const message = hl7::Message::view(text);
    auto const e = expression::Expression::compile("PID-5.1.lower() & ', ' & PID-5.2");
    for (auto _ : state) benchmark::DoNotOptimize(*e->text({&*message, 0}));
}
BENCHMARK(expression_upper);

void expression_matches(benchmark::State& state) {
    auto const text = adt();
    auto const message = hl7::Message::view(text);
    auto const e = expression::Expression::compile("PID-3.1.matches('^[0-9]{4}$')");
    for (auto _ : state) benchmark::DoNotOptimize(*e->test({&*message, 0}));
}
BENCHMARK(expression_matches);

class NoEnvironment final : public config::Environment {
  public:
    bool variable(std::string const&, std::string&) const override { return false; }
    bool file(std::string const&, std::string&) const override { return false; }
};

void nothing(config::Component const&, config::Diagnostics&) {}
std::string no_schema() {
    return "{}";
}

// The table of the lookups, as a file: that is where tables come from.
std::filesystem::path wards() {
    auto const path = std::filesystem::temp_directory_path() / "hilum-bench-wards.csv";
    std::ofstream file(path);
    file << "local,standard\n";
    for (int i = 0; i < 1000; ++i) file << 'W' << i << ",WARD-" << i << '\n';
    return path;
}

std::shared_ptr<routes::Pipeline const> pipeline_of(std::string const& steps,
                                                    config::Diagnostics& diagnostics) {
    config::Catalogue catalogue;
    catalogue.listeners.push_back({"mllp", nothing, no_schema});
    catalogue.destinations.push_back({"mllp", nothing, no_schema});
    for (auto const& kind : routes::step_catalogue()) catalogue.steps.push_back(kind.name);
    std::string const yaml =
        "listeners: { in: { mllp: {} } }\ndestinations: { lab: { mllp: {} } }\n"
        "tables: { wards: { csv: " +
        wards().string() +
        ", key: local, value: standard } }\n"
        "step_lists: { named: { steps: [ set: { MSH-5: '${param.to}' } ] } }\n"
        "routes:\n  - name: adt\n    from: in\n    to: lab\n"
        "    when: MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04' | 'A08')\n    steps:\n" +
        steps;
    auto const config = config::load_text(yaml, "bench.yaml", ".", catalogue, NoEnvironment(), diagnostics);
    return routes::Pipeline::compile(config, routes::step_catalogue(), diagnostics);
}

// A message parsed, filtered and taken through the steps.
void route(benchmark::State& state, std::string const& steps, std::size_t deliveries = 1) {
    config::Diagnostics diagnostics;
    auto const pipeline = pipeline_of(steps, diagnostics);
    if (diagnostics.failed()) return state.SkipWithError(diagnostics.text().c_str());
    auto const text = adt();
    routes::Processed out;
    for (auto _ : state) {
        auto const message = hl7::Message::view(text);
        pipeline->process(0, *message, text, 0, out);
        benchmark::DoNotOptimize(out.bodies.data());
    }
    if (out.deliveries.size() != deliveries) state.SkipWithError("the message went another way");
    state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
    state.counters["messages"] = benchmark::Counter(1, benchmark::Counter::kIsIterationInvariantRate);
}

constexpr char const* lookup_line = "      - lookup: { field: PV1-3.1, table: wards, otherwise: hold }\n";

// The yardsticks of the issue.
BENCHMARK_CAPTURE(route, parse_filter_three_sets,
                  "      - set: { MSH-5: LIS, MSH-6: EAST, PID-5.1: =PID-5.1.lower() }\n");
BENCHMARK_CAPTURE(route, parse_filter_lookup_three_sets,
                  std::string(lookup_line) +
                      "      - set: { MSH-5: LIS, MSH-6: EAST, PID-5.1: =PID-5.1.lower() }\n");
BENCHMARK_CAPTURE(route, parse_filter_lua,
                  "      - lua:\n          tables: wards\n          script: |\n"
                  "            msg['PV1-3.1'] = lookup('wards', msg['PV1-3.1'])\n"
                  "            msg['MSH-5'] = 'LIS'\n            msg['MSH-6'] = 'EAST'\n"
                  "            msg['PID-5.1'] = msg['PID-5.1']:lower()\n");

// The profile of a step, as a file: that is where profiles come from.
std::string profile() {
    auto const path = std::filesystem::temp_directory_path() / "hilum-bench-profile.yaml";
    std::ofstream(path)
        << "messages: [ { type: ADT, segments: { PID: { fields: { 8: { codes: [F, M] } } } } } ]\n";
    return path.string();
}

// One step each; the first is what comes before and behind the steps.
BENCHMARK_CAPTURE(route, step_none, "      []\n");
BENCHMARK_CAPTURE(route, step_when, "      - when: PID-8 = 'X'\n        then: [ stop ]\n");
BENCHMARK_CAPTURE(route, step_set, "      - set: { MSH-5: LIS }\n");
BENCHMARK_CAPTURE(route, step_copy, "      - copy: { PID-2: PID-3 }\n");
BENCHMARK_CAPTURE(route, step_move, "      - move: { PID-2: PID-3 }\n");
BENCHMARK_CAPTURE(route, step_delete, "      - delete: NK1\n");
BENCHMARK_CAPTURE(route, step_append,
                  "      - append: { segment: NTE, after: PID, values: { NTE-3: seen } }\n");
BENCHMARK_CAPTURE(route, step_rename, "      - rename: { from: NK1, to: ZK1 }\n");
BENCHMARK_CAPTURE(route, step_replace, "      - replace: { field: PID-13, pattern: '[^0-9]', with: '' }\n");
BENCHMARK_CAPTURE(route, step_lookup, lookup_line);
BENCHMARK_CAPTURE(route, step_date, "      - date: { field: PID-7, from: hl7, to: iso, otherwise: hold }\n");
BENCHMARK_CAPTURE(route, step_date_zone,
                  "      - date: { field: EVN-2, from: hl7, to: hl7, zone: Europe/Berlin, to_zone: "
                  "America/New_York, otherwise: hold }\n");
BENCHMARK_CAPTURE(route, step_number,
                  "      - number: { field: 'OBX[*]-5', decimals: 1, otherwise: hold }\n");
BENCHMARK_CAPTURE(route, step_for_each,
                  "      - for_each: { segment: OBX, steps: [ set: { OBX-11: C } ] }\n");
BENCHMARK_CAPTURE(route, step_validate, "      - validate: { otherwise: pass }\n");
BENCHMARK_CAPTURE(route, step_validate_profile,
                  "      - validate: { profile: " + profile() + ", otherwise: pass }\n");
BENCHMARK_CAPTURE(route, step_convert, "      - convert: { to: 2.5.1, otherwise: keep }\n");
BENCHMARK_CAPTURE(route, step_convert_xml, "      - convert: { to: xml }\n");
BENCHMARK_CAPTURE(route, step_convert_json, "      - convert: { to: json }\n");
BENCHMARK_CAPTURE(route, step_split, "      - split: { repetition: PID-3, otherwise: hold }\n", 2U);
BENCHMARK_CAPTURE(route, step_call, "      - call: { steps: named, with: { to: LIS } }\n");
BENCHMARK_CAPTURE(route, step_lua, "      - lua: msg['MSH-5'] = 'LIS'\n");
BENCHMARK_CAPTURE(route, step_stop, "      - stop\n", 0U);
BENCHMARK_CAPTURE(route, step_hold, "      - hold: { reason: to be seen }\n", 0U);
BENCHMARK_CAPTURE(route, step_reject, "      - reject: { reason: not here }\n", 0U);

}  // namespace
