#include "engine/flow/space_watch.h"

namespace hilum::flow {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t filling_at = 80, nearly_full_at = 90;
constexpr std::uint32_t slack = 2;  // so far below a level it is over, or it would come and go
constexpr auto retention_every = 500ms;

}  // namespace

std::string_view SpaceWatch::name(Level level) {
    switch (level) {
        case Level::room:
            return "room";
        case Level::filling:
            return "filling";
        case Level::nearly_full:
            return "nearly_full";
        case Level::full:
            return "full";
    }
    return "full";
}

void SpaceWatch::saw(store::Space const& space) {
    auto const before = level();
    auto const from = [&](Level level, std::uint32_t at) {
        return space.percent >= at - (before >= level ? slack : 0);
    };
    auto const now = !space.takes                               ? Level::full
                     : from(Level::nearly_full, nearly_full_at) ? Level::nearly_full
                     : from(Level::filling, filling_at)         ? Level::filling
                                                                : Level::room;
    {
        std::lock_guard const lock(mutex_);
        level_ = now;
        space_ = space;
    }
    if (now == before) return;
    if (now == Level::full) {
        log_.error("store_full", {{"used", space.used},
                                  {"limit", space.limit},
                                  {"next",
                                   "messages are refused until there is room: `hilum queues list` shows "
                                   "what waits"}});
    } else if (now > before) {
        log_.warn(now == Level::filling ? "store_filling" : "store_nearly_full",
                  {{"percent", space.percent}, {"used", space.used}, {"limit", space.limit}});
    } else {
        log_.info("store_has_room",
                  {{"percent", space.percent}, {"used", space.used}, {"limit", space.limit}});
    }
}

bool SpaceWatch::wants_retention(std::chrono::steady_clock::time_point now) {
    // From three quarters of a budget on: what is not owed goes before anybody is alarmed.
    if (space().percent < filling_at - 5 || now < next_retention_) return false;
    next_retention_ = now + retention_every;
    return true;
}

SpaceWatch::Level SpaceWatch::level() const {
    std::lock_guard const lock(mutex_);
    return level_;
}

store::Space SpaceWatch::space() const {
    std::lock_guard const lock(mutex_);
    return space_;
}

}  // namespace hilum::flow
