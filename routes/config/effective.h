// The configuration as it counts, after includes, inheritance and ${...}: for people to read, and to load
// again.
#pragma once

#include <string>

#include "routes/config/config.h"

namespace hilum::config {

// YAML that loads to the same configuration. A secret that comes from a file or a variable stands there as
// the
// ${...} it was written as; one in plain text as ***, which is marked. Relative paths of tables and profiles
// are made absolute, for they counted from the file that named them.
std::string effective_yaml(Config const& config);

}  // namespace hilum::config
