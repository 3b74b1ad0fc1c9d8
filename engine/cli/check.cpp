#include <CLI/CLI.hpp>
#include <filesystem>

#include "engine/cli/commands.h"
#include "engine/cli/output.h"
#include "engine/flow/loading.h"
#include "engine/ops/json.h"

namespace hilum::cli {
namespace {

struct Options {
    std::string path;
    bool json = false, schema = false;
};

std::string counted(std::size_t n, std::string_view noun) {
    return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

std::string as_json(std::optional<flow::Loaded> const& loaded, config::Diagnostics const& diagnostics) {
    ops::json::Writer w;
    w.object([&] {
        w.field("ok", loaded.has_value());
        if (loaded) {
            w.field("listeners", loaded->config.listeners.size());
            w.field("destinations", loaded->config.destinations.size());
            w.field("routes", loaded->config.routes.size());
            w.field("hash", loaded->config.hash);
        }
        w.key("diagnostics");
        w.array([&] {
            for (auto const& d : diagnostics.sorted()) {
                w.object([&] {
                    w.field("severity", d.severity == config::Severity::error ? "error" : "warning");
                    if (d.where.file) w.field("file", *d.where.file);
                    if (d.where.line != 0) w.field("line", d.where.line);
                    if (d.where.column != 0) w.field("column", d.where.column);
                    w.field("what", d.what);
                    w.field_if("remedy", d.remedy);
                });
            }
        });
    });
    return w.text() + "\n";
}

int check(Options const& options) {
    if (options.schema) {
        answer(flow::configuration_schema() + "\n");
        return good;
    }
    if (options.path.empty()) {
        complain("check needs a CONFIG: a YAML file or a folder of them");
        return used_wrongly;
    }
    std::error_code ec;
    if (!std::filesystem::is_directory(options.path, ec)) {
        if (auto const text = read_file(options.path); !text) {
            complain(text.error().text());
            return used_wrongly;
        }
    }
    config::Diagnostics diagnostics;
    auto const loaded = flow::load_configuration(options.path, diagnostics);
    if (options.json) {
        answer(as_json(loaded, diagnostics));
    } else {
        answer(diagnostics.text());
        if (loaded) {
            answer("ok: " + counted(loaded->config.listeners.size(), "listener") + ", " +
                   counted(loaded->config.destinations.size(), "destination") + ", " +
                   counted(loaded->config.routes.size(), "route") + "\n");
        }
    }
    return loaded ? good : answer_is_no;
}

}  // namespace

void add_check(CLI::App& app, int& exit_code) {
    auto* const command =
        app.add_subcommand("check", "Everything that can be known of a configuration before start");
    auto const options = std::make_shared<Options>();
    command->add_option("CONFIG", options->path, "a YAML file, or a folder whose *.yaml files count as one");
    command->add_flag("--json", options->json, "the findings as one JSON object");
    command->add_flag("--schema", options->schema, "print the JSON Schema of configurations, for editors");
    command->footer(
        "Every finding at once, each with file:line:column, what is wrong and the nearest right thing. What "
        "passes, starts.\n"
        "Exit code: 0 no error, 1 errors, 2 CONFIG can't be read.\n\n"
        "Example:\n"
        "  hilum check hilum.yaml\n"
        "  hilum.yaml:3:16: error: unknown key \"lisen\"; did you mean \"listen\"?\n\n"
        "  hilum check --schema > hilum.schema.json");
    command->callback([options, &exit_code] { exit_code = check(*options); });
}

}  // namespace hilum::cli
