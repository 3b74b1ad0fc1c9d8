// What routes cost: one expression, and the yardstick (parse, filter, three sets on a 1 KB ADT^A01).
#include <benchmark/benchmark.h>

#include <string>

#include "routes/expression/expression.h"
#include "routes/pipeline.h"

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

config::Node scalar(std::string text) {
    config::Node node;
    node.kind = config::Node::Kind::scalar;
    node.scalar = std::move(text);
    return node;
}

void parse_filter_three_sets(benchmark::State& state) {
    config::Config config;
    config.listeners.push_back({"in", {}, "mllp", {}, {}, {}});
    config.destinations.push_back({"lab", {}, "mllp", {}, {}, {}});
    config::Route route;
    route.name = "adt";
    route.from = {{"in", {}}};
    route.to = {{"lab", {}}};
    route.when = {"MSH-9.1 = 'ADT' and MSH-9.2 in ('A01' | 'A04' | 'A08')", {}};
    config::Step step;
    step.kind = "set";
    step.options.kind = config::Node::Kind::mapping;
    step.options.entries = {{"MSH-5", {}, scalar("LIS")},
                            {"MSH-6", {}, scalar("EAST")},
                            {"PID-5.1", {}, scalar("=PID-5.1.lower()")}};
    route.steps.push_back(std::move(step));
    config.routes.push_back(std::move(route));
    config::Diagnostics diagnostics;
    auto const pipeline = routes::Pipeline::compile(config, routes::step_catalogue(), diagnostics);
    if (diagnostics.failed()) return state.SkipWithError("the configuration is wrong");
    auto const text = adt();
    routes::Processed out;
    for (auto _ : state) {
        auto const message = hl7::Message::view(text);
        pipeline->process(0, *message, text, 0, out);
        benchmark::DoNotOptimize(out.bodies.data());
    }
    if (out.bodies.size() != 1) state.SkipWithError("the message was not changed");
    state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}
BENCHMARK(parse_filter_three_sets);

}  // namespace
