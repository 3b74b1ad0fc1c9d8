#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "engine/cli/check_connect.h"
#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/output.h"
#include "engine/cli/reference.h"
#include "engine/flow/loading.h"
#include "engine/ops/api_json.h"
#include "engine/ops/json.h"
#include "routes/config/effective.h"

namespace hilum::cli {
namespace {

struct Options {
    std::string path;
    bool json = false, schema = false, reference = false, effective = false, connect = false;
};

std::string counted(std::size_t n, std::string_view noun) {
    return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

std::string as_json(std::optional<flow::Loaded> const& loaded, config::Diagnostics const& diagnostics,
                    std::vector<Reached> const* reached) {
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
        ops::write_diagnostics(w, diagnostics);
        if (!reached) return;
        w.key("connections");
        w.array([&] {
            for (auto const& one : *reached) {
                w.object([&] {
                    w.field("destination", one.destination);
                    w.field("kind", one.kind);
                    w.field("where", one.where);
                    if (one.untried.empty()) w.field("reached", one.problem.empty());
                    w.field_if("problem", one.problem);
                    w.field_if("not_tried", one.untried);
                });
            }
        });
    });
    return w.text() + "\n";
}

std::string as_text(std::vector<Reached> const& reached) {
    std::vector<std::vector<std::string>> rows{{"DESTINATION", "KIND", "WHERE", "REACHED"}};
    for (auto const& one : reached)
        rows.push_back({one.destination, one.kind, printable(one.where),
                        !one.untried.empty()  ? "not tried: " + one.untried
                        : one.problem.empty() ? "yes"
                                              : "no: " + printable(one.problem)});
    return table(rows);
}

int check(Options const& options) {
    if (options.schema) {
        answer(flow::configuration_schema() + "\n");
        return good;
    }
    if (options.reference) {
        answer(configuration_reference(flow::configuration_schema()));
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
    if (options.effective) {
        std::fputs(diagnostics.text().c_str(), stderr);
        if (loaded) answer(config::effective_yaml(loaded->config));
        return loaded ? good : answer_is_no;
    }
    std::vector<Reached> reached;
    bool const connect = options.connect && loaded;
    if (connect) reached = try_connections(*loaded);
    if (options.json) {
        answer(as_json(loaded, diagnostics, connect ? &reached : nullptr));
    } else {
        answer(diagnostics.text());
        if (loaded) {
            answer("ok: " + counted(loaded->config.listeners.size(), "listener") + ", " +
                   counted(loaded->config.destinations.size(), "destination") + ", " +
                   counted(loaded->config.routes.size(), "route") + "\n");
        }
        if (connect) answer(as_text(reached));
    }
    bool const all =
        std::all_of(reached.begin(), reached.end(), [](auto const& one) { return one.problem.empty(); });
    return loaded && all ? good : answer_is_no;
}

}  // namespace

void add_check(App& app, int& exit_code) {
    auto* const command =
        app.add_subcommand("check", "Everything that can be known of a configuration before start");
    auto const options = std::make_shared<Options>();
    command->add_option("CONFIG", options->path, "a YAML file, or a folder whose *.yaml files count as one");
    command->add_flag("--json", options->json, "the findings as one JSON object");
    command->add_flag("--schema", options->schema, "print the JSON Schema of configurations, for editors");
    command->add_flag("--reference", options->reference,
                      "print the page of every key of listeners, destinations and steps");
    auto* const effective = command->add_flag(
        "--effective", options->effective,
        "print the configuration as it counts: included files, what is inherited and ${...} "
        "in their places, secrets left out");
    command
        ->add_flag("--connect", options->connect,
                   "also try every destination, and every system that an enrich asks: a TCP connection, a "
                   "folder that can be written to, a database that knows the query")
        ->excludes(effective);
    command->footer(
        "Every finding at once, each with file:line:column, what is wrong and the nearest right thing. What "
        "passes, starts.\n"
        "Exit code: 0 no error, 1 errors or (--connect) one that can't be reached, 2 CONFIG can't "
        "be "
        "read.\n\n"
        "Example:\n"
        "  hilum check hilum.yaml\n"
        "  hilum.yaml:3:16: error: unknown key \"lisen\"; did you mean \"listen\"?\n\n"
        "  hilum check --schema > hilum.schema.json");
    command->callback([options, &exit_code] { exit_code = check(*options); });
}

}  // namespace hilum::cli
