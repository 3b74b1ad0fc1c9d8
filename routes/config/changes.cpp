#include "routes/config/changes.h"

#include <map>

#include "routes/config/sections.h"

namespace hilum::config {
namespace {

// The named parts of a section, or the section itself under "".
std::map<std::string, Node const*> parts(Config const& config, std::string_view section) {
    std::map<std::string, Node const*> out;
    Node const* found = config.effective ? config.effective->find(section) : nullptr;
    if (!found) return out;
    if (section == "routes") {
        for (Node const& route : found->items) {
            if (Node const* name = route.find("name")) out.emplace(name->scalar, &route);
        }
    } else if (section == "listeners" || section == "destinations" || section == "step_lists" ||
               section == "tables") {
        for (Entry const& entry : found->entries) out.emplace(entry.key, &entry.value);
    } else {
        out.emplace("", found);
    }
    return out;
}

}  // namespace

std::vector<Change> changes(Config const& before, Config const& after) {
    std::vector<Change> out;
    for (std::string_view const section : top_level_keys) {
        auto const old_parts = parts(before, section), new_parts = parts(after, section);
        auto all = old_parts;
        all.insert(new_parts.begin(), new_parts.end());
        for (auto const& [name, any] : all) {
            auto const was = old_parts.find(name), is = new_parts.find(name);
            if (was == old_parts.end()) {
                out.push_back({section, name, "added"});
            } else if (is == new_parts.end()) {
                out.push_back({section, name, "removed"});
            } else if (!same(*was->second, *is->second)) {
                out.push_back({section, name, "changed"});
            }
        }
    }
    return out;
}

}  // namespace hilum::config
