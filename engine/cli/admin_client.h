// The ops API's client: what `messages` and `queues` talk to the running engine through.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/ops/json.h"
#include "parsers/result.h"

namespace hilum::cli {

class App;

struct ApiReply {
    unsigned status = 0;
    std::string body;
};

// One request on a connection of its own, at most 30 s. `body` empty: none. Errors: "unreachable",
// "bad_endpoint", "bad_reply".
Result<ApiReply> call_api(std::string const& admin, std::string_view method, std::string const& target,
                          std::string const& body = {});

// What every command of this kind takes.
struct ApiOptions {
    std::string admin = "127.0.0.1:8080";
    bool json = false;
};
// --admin (or the environment's HILUM_ADMIN) and --json.
void add_api_options(App& command, ApiOptions& options);

// Calls; what was replied, as it came and as it reads. When there is nothing, it has complained and set
// `exit_code`.
struct ApiAnswer {
    std::string raw;
    ops::json::Value value;
};
std::optional<ApiAnswer> fetch(ApiOptions const& options, std::string_view method, std::string const& target,
                               std::string const& body, int& exit_code);

// Calls, and prints: as it came with --json, else what `show` makes of it. Returns the exit code; complains
// about what went wrong.
int ask(ApiOptions const& options, std::string_view method, std::string const& target,
        std::string const& body, std::function<std::string(ops::json::Value const&)> const& show);

// "2h" counts back from now; anything else goes to the engine as it is.
std::string time_parameter(std::string const& text);
std::string coming_time_parameter(std::string const& text);  // "2h" is in two hours
// Who asks, for the trace: "cli:ada".
std::string asked_by();

// The findings in a reply, as `hilum check` prints them.
std::string diagnostics_text(ops::json::Value const& reply);

}  // namespace hilum::cli
