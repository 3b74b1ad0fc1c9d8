// What works but surely isn't meant: the warnings of `hilum check` that need no error to be wrong.
#pragma once

#include "routes/config/config.h"

namespace hilum::routes {

// Of a configuration without errors: secrets in plain text, a `when` that is always or never true, paths that
// no message can have by the dictionary. Only what is certain is told.
void advise(config::Config const& config, config::Diagnostics& diagnostics);

}  // namespace hilum::routes
