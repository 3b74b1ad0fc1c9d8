// What `hilum check` costs: a thousand routes, from YAML to the compiled pipeline and its warnings.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>

#include "routes/advice.h"
#include "routes/advice_order.h"
#include "routes/pipeline.h"
#include "tests/routes/config/catalogue.h"
#include "tests/routes/config/thousand.h"

using namespace hilum;

namespace {

void check_thousand_routes(benchmark::State& state) {
    auto const csv = (std::filesystem::temp_directory_path() / "hilum-bench-wards.csv").string();
    std::ofstream(csv) << "local,standard\nW1,WARD-1\n";
    std::string const text = config::test::many_routes(static_cast<int>(state.range(0)), csv);
    for (auto _ : state) {
        config::Diagnostics diagnostics;
        auto const config = config::load_text(text, "x.yaml", ".", config::test::catalogue(),
                                              config::test::FakeEnvironment(), diagnostics);
        auto const pipeline = routes::Pipeline::compile(config, routes::step_catalogue(), diagnostics);
        routes::advise(config, diagnostics);
        routes::advise_on_order(config, *pipeline, diagnostics);
        if (diagnostics.failed()) state.SkipWithError("the configuration has errors");
    }
    std::filesystem::remove(csv);
}
BENCHMARK(check_thousand_routes)->Arg(1000)->Unit(benchmark::kMillisecond);

}  // namespace
