// `hilum check --connect`: are the destinations there?
#pragma once

#include <string>
#include <vector>

#include "routes/config/config.h"

namespace hilum::cli {

struct Reached {
    std::string destination, kind;
    std::string where;    // what was tried: "lab.example:2575", "./out"
    std::string problem;  // "" when it is there
};

// Of a configuration without errors. All at once, each for at most 3 s; nothing is sent or left behind.
std::vector<Reached> try_destinations(config::Config const& config);

}  // namespace hilum::cli
