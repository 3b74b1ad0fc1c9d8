#include "engine/cli/admin_client.h"
#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/output.h"

namespace hilum::cli {
namespace {

std::string show(ops::json::Value const& reply) {
    std::string out = diagnostics_text(reply);
    for (auto const& change : reply["changes"].items) {
        std::string const name = printable(change.text("name"));
        out += printable(change.text("change")) + ' ' + printable(change.text("section")) +
               (name.empty() ? "" : ": " + name) + '\n';
    }
    std::string const hash = printable(reply.text("hash"));
    if (reply["changes"].items.empty()) return out + "nothing has changed: configuration " + hash + '\n';
    return out + "in force: configuration " + hash + ", was " + printable(reply.text("was")) + '\n';
}

}  // namespace

void add_reload(App& app, int& exit_code) {
    auto* const command =
        app.add_subcommand("reload", "Put the configuration in force as it stands now, whole or not at all");
    auto const options = std::make_shared<ApiOptions>();
    add_api_options(*command, *options);
    command->footer(
        "The running engine reads its configuration anew, from the path it was started with. Connections and "
        "queues\nthat are not changed are not touched.\n"
        "Exit code: 0 in force, 1 refused (the old one stays) or no engine is there, 2 used wrongly.\n"
        "Example:\n  hilum reload");
    command->callback(
        [options, &exit_code] { exit_code = ask(*options, "POST", "/api/v1/reload", {}, show); });
}

}  // namespace hilum::cli
