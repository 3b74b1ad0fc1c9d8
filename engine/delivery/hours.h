// The hours in which a destination may be tried (destination keys retry.between and retry.zone): for a
// receiver that takes messages at night only, or is away for its backup.
//
//   between: [ mon-fri 22:00-05:00, sat-sun ]
//   zone: Europe/Berlin
//
// What clocks show there counts. Hours that a change to summer time leaves out are left out; those that it
// shows twice, when it ends, come twice. Hours over midnight belong to the day on which they begin. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "parsers/result.h"
#include "routes/tables/time_zone.h"

namespace hilum::delivery {

class Hours {
  public:
    // One line of `between`: minutes of the week, from Monday 00:00 on.
    struct Window {
        std::int32_t begin = 0, end = 0;  // an end may lie in the next week
    };
    // Adds what "mon-fri 22:00-05:00", "sat,sun" or "08:00-18:00" stands for. Error "bad_hours".
    static Result<void> read(std::string_view text, std::vector<Window>& into);

    Hours(std::vector<Window> windows, std::shared_ptr<routes::TimeZone const> zone)
        : windows_(std::move(windows)), zone_(std::move(zone)) {}

    // Times are Unix time in microseconds.
    bool open(std::int64_t now_us) const;
    // When it is open next: now, if it is; else the first minute that is.
    std::int64_t open_from(std::int64_t now_us) const;

  private:
    bool open_at(std::int64_t second) const;
    std::int64_t next_change(std::int64_t from, std::int64_t until) const;

    std::vector<Window> windows_;
    std::shared_ptr<routes::TimeZone const> zone_;
};

}  // namespace hilum::delivery
