// What the commands that send again share: plan with the running engine, wait for the preview, show it,
// start.
#pragma once

#include <optional>
#include <string>

#include "engine/cli/admin_client.h"

namespace hilum::cli {

// Asks for a plan (`body` as the API takes it) and waits until its preview is worked out. Nothing, when it
// was refused.
std::optional<ApiAnswer> planned_replay(ApiOptions const& options, std::string const& body, int& exit_code);
// Forgets a plan that was only looked at.
void drop_replay(ApiOptions const& options, ops::json::Value const& job);
// Starts it; with `wait` until it has ended. Prints; the exit code.
int started_replay(ApiOptions const& options, ops::json::Value const& job, bool wait);

// For people.
std::string preview_text(ops::json::Value const& job);
std::string replay_text(ops::json::Value const& job);
std::string replays_text(ops::json::Value const& reply);

}  // namespace hilum::cli
