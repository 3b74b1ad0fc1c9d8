// What a reload changes, for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "routes/config/config.h"

namespace hilum::config {

struct Change {
    std::string_view section;  // "listeners", "store"
    std::string name;          // in it; "" where a section has no names
    std::string_view kind;     // "added", "changed", "removed"
};

// In the order of the sections, then of the names. Of the order of routes nothing depends.
std::vector<Change> changes(Config const& before, Config const& after);

}  // namespace hilum::config
