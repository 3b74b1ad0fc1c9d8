#include "routes/mapping/fhir_maps.h"

#include <algorithm>
#include <utility>

#include "routes/config/files.h"

namespace hilum::routes::mapping {

namespace {

constexpr std::size_t file_mebibytes = 4;
constexpr std::string_view extra = "extra_";  // files that count only where a site names them

}  // namespace

std::optional<CodeTable::Found> CodeTable::find(std::string_view code) const {
    if (site) {
        auto const found = site->find(code);
        return found ? std::optional(Found{*found, {}, {}}) : std::nullopt;
    }
    auto const found = codes.find(code);
    if (found == codes.end()) return std::nullopt;
    auto const& to = found->second;
    return Found{to.code, to.system, to.display};
}

MessageMap const* FhirMaps::message(std::string_view type, std::string_view event,
                                    std::string_view structure) const {
    auto found = of_event.find(std::string(type) + '^' + std::string(event));
    if (found != of_event.end()) return &messages[found->second];
    auto const same = [&](MessageMap const& map) {
        return std::string_view(map.name).substr(8) == structure;
    };
    auto const by_structure = std::find_if(messages.begin(), messages.end(), same);
    // An event that no map names means something else, such as a deletion, whatever its structure.
    return !event.empty() || structure.empty() || by_structure == messages.end() ? nullptr : &*by_structure;
}

MapFile const* extra_file(std::string_view name) {
    auto const whole = std::string(extra) + std::string(name);
    auto const& files = map_files();
    auto const found =
        std::find_if(files.begin(), files.end(), [&](MapFile const& f) { return f.name == whole; });
    return found == files.end() ? nullptr : &*found;
}

std::vector<MapFile> guide_files() {
    std::vector<MapFile> out;
    for (auto const& file : map_files())
        if (!file.name.starts_with(extra)) out.push_back(file);
    return out;
}

std::vector<MapFile> files_with(config::NameList const& names, config::Diagnostics& diagnostics) {
    auto out = guide_files();
    for (auto const& name : names) {
        if (auto const* const known = extra_file(name.name)) {
            out.push_back(*known);
            continue;
        }
        auto const path = config::beside(name.name, name.where);
        auto text = config::read_whole(path, name.where, "map", file_mebibytes, diagnostics);
        if (text) out.push_back({path, std::move(*text)});
    }
    return out;
}

}  // namespace hilum::routes::mapping
