#include "engine/cli/command_line.h"
#include "engine/cli/commands.h"
#include "engine/cli/output.h"
#include "engine/ops/json.h"

namespace hilum::cli {

void add_version(App& app, int& exit_code) {
    auto* const command = app.add_subcommand("version", "The version of this program");
    auto const as_json = std::make_shared<bool>(false);
    command->add_flag("--json", *as_json, R"(as JSON: {"name":"hilum","version":"0.1.0"})");
    command->callback([as_json, &exit_code] {
        ops::json::Writer w;
        w.object([&] {
            w.field("name", "hilum");
            w.field("version", HILUM_VERSION);
        });
        answer(*as_json ? w.text() + "\n" : std::string("hilum " HILUM_VERSION "\n"));
        exit_code = good;
    });
}

}  // namespace hilum::cli
