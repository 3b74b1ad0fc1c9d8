// In which forms messages may come to destinations: what can be told from the configuration alone.
#pragma once

#include <functional>

#include "routes/steps/step.h"

namespace hilum::routes {

// Those that a route's steps make of `forms`; by the route's place in the configuration.
using FormsThrough = std::function<Forms(std::size_t route, Forms forms)>;

// Warns of a route that may send by MLLP what is not ER7: its receivers answer that with an error, or not at
// all.
void warn_of_forms(config::Config const& config, FormsThrough const& through,
                   config::Diagnostics& diagnostics);

}  // namespace hilum::routes
