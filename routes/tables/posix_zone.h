// The rule for summer time in a POSIX TZ text, "CET-1CEST,M3.5.0,M10.5.0/3": what holds after the last
// transition of a TZif file (RFC 8536 section 3.3, with the extension of 3.3.1).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace hilum::routes {

// When another offset begins to count.
struct ZoneTransition {
    std::int64_t at = 0;      // seconds since 1970, UTC
    std::int32_t before = 0;  // offsets in seconds east of UTC
    std::int32_t after = 0;

    // The local time from which on a clock that is read shows `after`. Clocks put forward show no time in
    // between, which is read as if they had not been yet; of an hour they show twice the first counts.
    std::int64_t local() const { return at + (before > after ? before : after); }
};

class PosixZone {
  public:
    static std::optional<PosixZone> parse(std::string_view text);

    std::int32_t offset_at(std::int64_t moment) const;
    std::int32_t offset_of_local(std::int64_t local) const;

  private:
    struct Day {
        enum class Kind : unsigned char { julian, zero_based, month } kind = Kind::month;
        int month = 0, week = 0, day = 0;  // of julian and zero_based the day alone
        std::int64_t time = 7200;          // of the day, in local seconds
    };
    class Reader;

    static std::int64_t local_moment(Day const& day, int year);
    // Those of the years around, in order.
    std::vector<ZoneTransition> around(std::int64_t moment) const;

    std::int32_t standard_ = 0;
    std::int32_t summer_ = 0;
    bool changes_ = false;
    Day begin_, end_;  // of summer time
};

}  // namespace hilum::routes
