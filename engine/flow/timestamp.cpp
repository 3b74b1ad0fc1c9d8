#include "engine/flow/timestamp.h"

#include <ctime>

namespace hilum::flow {

std::string hl7_timestamp(std::int64_t unix_us) {
    // localtime_r takes a lock and looks at the time zone file's state: once a second and thread is enough.
    thread_local std::time_t last = -1;
    thread_local std::string text;
    auto const seconds = static_cast<std::time_t>(unix_us / 1'000'000);
    if (seconds == last) return text;
    std::tm local{};
    localtime_r(&seconds, &local);
    char buffer[32];
    text.assign(buffer, std::strftime(buffer, sizeof buffer, "%Y%m%d%H%M%S%z", &local));
    last = seconds;
    return text;
}

}  // namespace hilum::flow
