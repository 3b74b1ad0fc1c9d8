// `hilum run`: the engine in the foreground, for a service manager or a terminal.
#include <malloc.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <memory>
#include <thread>

#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/flow/engine.h"
#include "engine/net/descriptors.h"

namespace hilum::cli {

namespace {

std::int64_t unix_us() {
    std::timespec now{};
    std::timespec_get(&now, TIME_UTC);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
}

// Blocked in every thread (they inherit it from main), waited for in main: no handler, no race.
sigset_t blocked_signals() {
    sigset_t set;
    sigemptyset(&set);
    for (int const signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return set;
}

// Buffers of large messages are given back as soon as they are done with. By default glibc keeps such memory
// in its heaps after the first large one, where holes add up to more than a message on each connection.
void give_back_large_buffers() {
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

struct Options {
    std::string config;
    unsigned threads = 0;
};

std::optional<flow::Loaded> load(std::string const& path) {
    config::Diagnostics diagnostics;
    auto loaded = flow::load_configuration(path, diagnostics);
    std::fputs(diagnostics.text().c_str(), stderr);
    return loaded;
}

int run(Options const& options) {
    auto const signals = blocked_signals();
    auto loaded = load(options.config);
    if (!loaded) return 1;
    net::use_all_descriptors();
    give_back_large_buffers();
    ops::Log log;
    auto const threads =
        options.threads ? options.threads : std::max(1u, std::thread::hardware_concurrency());
    flow::Engine engine(log, unix_us, threads);
    if (auto started = engine.start(std::move(*loaded)); !started) {
        log.error("start_failed", {{"reason", started.error().text()}});
        return 1;
    }
    std::printf("%s\n", engine.ready_line().c_str());
    std::fflush(stdout);
    for (;;) {
        int signal = 0;
        sigwait(&signals, &signal);
        if (signal != SIGHUP) break;
        std::fputs(engine.reload_from_source().diagnostics.text().c_str(), stderr);
    }
    log.info("stopping");
    engine.stop();
    return 0;
}

}  // namespace

void add_run(App& app, int& exit_code) {
    auto options = std::make_shared<Options>();
    auto* command =
        app.add_subcommand("run", "Run the engine until SIGTERM; SIGHUP reloads the configuration");
    command->add_option("config", options->config, "hilum.yaml, or a directory of YAML files")->required();
    command->add_option("--threads", options->threads, "I/O threads; the number of cores if not given");
    command->footer(
        "Prints one line containing \"ready\" when every listener is bound.\nExample: hilum run hilum.yaml");
    command->callback([options, &exit_code] { exit_code = run(*options); });
}

}  // namespace hilum::cli
