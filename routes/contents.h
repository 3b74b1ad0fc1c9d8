// What comes to each route and destination, HL7 v2 or FHIR: from the listeners on, before any message does.
#pragma once

#include <set>
#include <vector>

#include "routes/config/config.h"

namespace hilum::routes {

struct Contents {
    std::vector<config::Content> of_route;                  // parallel to config.routes
    std::vector<std::set<config::Content>> of_destination;  // parallel to config.destinations
};

// Reports a route to which both come, and a destination that does not take what a route sends it.
Contents contents_of(config::Config const& config, config::Diagnostics& diagnostics);

}  // namespace hilum::routes
