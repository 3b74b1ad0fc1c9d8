#include "routes/tables/time_zones.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "routes/config/diagnostics.h"

namespace hilum::routes {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t name_max = 64;
constexpr std::size_t file_max = 1U << 20U;  // what is read at most; the largest of the database have 4 KiB

std::string contents(std::string const& path) {
    std::ifstream in(path, std::ios::binary);
    std::string out(file_max, '\0');
    in.read(out.data(), static_cast<std::streamsize>(out.size()));
    out.resize(static_cast<std::size_t>(in.gcount()));
    return out;
}

}  // namespace

bool TimeZones::is_name(std::string_view name) {
    if (name.empty() || name.size() > name_max) return false;
    bool begins = true;
    for (char const c : name) {
        bool const capital = c >= 'A' && c <= 'Z';
        bool const other =
            (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-';
        if (begins ? !capital : !capital && !other && c != '/') return false;
        begins = c == '/';
    }
    return !begins;
}

std::string TimeZones::nearest_to(std::string_view name) const {
    std::vector<std::string> names;
    std::error_code problem;
    fs::recursive_directory_iterator files(folder_, problem);
    fs::recursive_directory_iterator const end;
    for (; !problem && files != end; files.increment(problem)) {
        auto const found = files->path().string().substr(folder_.size() + 1);
        if (is_name(found) && files->is_regular_file(problem)) names.push_back(found);
    }
    std::sort(names.begin(), names.end());
    std::vector<std::string_view> const candidates(names.begin(), names.end());
    return std::string(config::nearest(name.substr(0, name_max), candidates));
}

Result<std::shared_ptr<TimeZone const>> TimeZones::find(std::string_view name) {
    if (auto const known = known_.find(name); known != known_.end()) return known->second;
    std::error_code ignored;
    if (!fs::is_directory(folder_, ignored))
        return error("no_zones", "", "names of time zones can't be looked up: there is no " + folder_,
                     "install the package tzdata, or write offset and to_offset");
    auto const path = folder_ + '/' + std::string(name);
    if (!is_name(name) || !fs::is_regular_file(path, ignored)) {
        auto const near = nearest_to(name);
        return error("no_zone", "", "there is no time zone " + config::in_quotes(name),
                     near.empty() ? "name one of the tz database, such as Europe/Berlin"
                                  : "did you mean " + config::in_quotes(near) + "?");
    }
    auto zone = TimeZone::parse(contents(path));
    if (!zone) return zone.error();
    auto const shared = std::make_shared<TimeZone const>(std::move(*zone));
    known_.emplace(name, shared);
    return shared;
}

}  // namespace hilum::routes
