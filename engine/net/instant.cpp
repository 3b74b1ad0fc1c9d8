#include "engine/net/instant.h"

#include <chrono>

#include "parsers/time_text.h"

namespace hilum::net {

std::string instant(std::int64_t time_us) {
    constexpr std::size_t to_milliseconds = std::string_view("2026-01-02T03:04:05.678").size();
    return rfc3339(time_us).substr(0, to_milliseconds) + "Z";
}

std::int64_t now_us() {
    using namespace std::chrono;
    return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace hilum::net
