// `hilum check --connect`: are the destinations there, and the systems that routes ask?
#pragma once

#include <string>
#include <vector>

#include "engine/flow/loading.h"

namespace hilum::cli {

struct Reached {
    std::string destination;  // its name; of what a route asks that of the queue it waits in, "(route NAME)"
    std::string kind;         // "mllp", "enrich sqlite"
    std::string where;        // what was tried: "lab.example:2575", "./out"
    std::string problem;      // "" when it is there
    std::string untried{};    // why it was not tried; else ""
};

// Of a configuration without errors. All at once, each for at most 3 s; nothing is sent or left behind.
std::vector<Reached> try_connections(flow::Loaded const& loaded);

}  // namespace hilum::cli
