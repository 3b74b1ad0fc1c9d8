#include "engine/net/instant.h"

#include <cstdio>
#include <ctime>

namespace hilum::net {

std::string instant(std::int64_t time_us) {
    auto const seconds = static_cast<std::time_t>(time_us / 1'000'000);
    auto const milliseconds = static_cast<int>(time_us / 1000 % 1000);
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char date[32];
    auto const size = std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &utc);
    char fraction[8];
    std::snprintf(fraction, sizeof fraction, ".%03dZ", milliseconds);
    return std::string(date, size) + fraction;
}

}  // namespace hilum::net
