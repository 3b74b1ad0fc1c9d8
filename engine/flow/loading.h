// From a configuration's path to what the engine starts with. `hilum check` and `hilum run` go the same way,
// so that what check accepts, starts.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "routes/config/config.h"
#include "routes/pipeline.h"

namespace hilum::flow {

struct Loaded {
    config::Config config;
    std::shared_ptr<routes::Pipeline const> pipeline;
};

// Loads, checks and compiles; every finding goes to `diagnostics`. nullopt when there was an error.
std::optional<Loaded> load_configuration(std::string const& path, config::Diagnostics& diagnostics);
// The same with an environment of the caller's (for ${...}).
std::optional<Loaded> load_configuration(std::string const& path, config::Environment const& environment,
                                         config::Diagnostics& diagnostics);

// What the loader has to know of the engine: its listeners, destinations and steps.
config::Catalogue engine_catalogue();
// JSON Schema of the whole configuration.
std::string configuration_schema();

// What no part can see alone: addresses and ports that exclude each other, folders watched twice, an admin
// port that is not on loopback.
void check_together(config::Config const& config, config::Diagnostics& diagnostics);

}  // namespace hilum::flow
