#include "engine/ops/zone.h"

#include <cstdlib>
#include <ctime>
#include <filesystem>

namespace hilum::ops {

std::string local_zone() {
    constexpr std::string_view folder = "zoneinfo/";
    std::string text;
    if (char const* const set = std::getenv("TZ"); set && *set) {
        text = set[0] == ':' ? set + 1 : set;
    } else {
        std::error_code ec;
        text = std::filesystem::read_symlink("/etc/localtime", ec).string();
        if (ec) return "UTC";
    }
    if (auto const at = text.find(folder); at != std::string::npos) text.erase(0, at + folder.size());
    // A rule as POSIX writes it (CET-1CEST) is no name that a browser knows.
    bool const named =
        text.find('/') != std::string::npos && text.front() != '/' && text.find(',') == std::string::npos;
    return named ? text : "UTC";
}

int utc_offset_minutes(std::int64_t us) {
    std::time_t const seconds = us / 1'000'000;
    std::tm local{};
    localtime_r(&seconds, &local);
    return static_cast<int>(local.tm_gmtoff / 60);
}

}  // namespace hilum::ops
