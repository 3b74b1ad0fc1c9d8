// A time zone as the tz database has it: the bytes of a TZif file (RFC 8536), version 2 or later. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "parsers/result.h"
#include "routes/tables/posix_zone.h"

namespace hilum::routes {

class TimeZone {
  public:
    // Error "bad_zone".
    static Result<TimeZone> parse(std::string_view bytes);

    // In seconds east of UTC; of moments and local times counted from 1970, the latter as if they were UTC.
    std::int32_t offset_at(std::int64_t moment) const;
    // What a clock there shows may have been left out or shown twice, where clocks are changed: then the
    // offset before the change counts.
    std::int32_t offset_of_local(std::int64_t local) const;

  private:
    std::int32_t first_ = 0;  // before every transition
    std::vector<ZoneTransition> transitions_;
    std::optional<PosixZone> after_;  // from the last transition on
};

}  // namespace hilum::routes
