// The time zone of this machine, for showing times as its people read them.
#pragma once

#include <cstdint>
#include <string>

namespace hilum::ops {

// "Europe/Zurich": of TZ or /etc/localtime; "UTC" when neither names one.
std::string local_zone();
// East of UTC, at that time.
int utc_offset_minutes(std::int64_t us);

}  // namespace hilum::ops
