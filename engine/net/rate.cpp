#include "engine/net/rate.h"

#include <algorithm>
#include <charconv>

namespace hilum::net {

using namespace std::chrono_literals;

std::optional<Rate> Rate::read(std::string_view text) {
    Rate rate;
    auto const* const end = text.data() + text.size();
    auto const [slash, failed] = std::from_chars(text.data(), end, rate.count);
    if (failed != std::errc{} || rate.count == 0 || slash == end || *slash != '/') return std::nullopt;
    std::string_view const unit(slash + 1, static_cast<std::size_t>(end - slash - 1));
    if (unit == "s")
        rate.per = 1s;
    else if (unit == "min" || unit == "m")
        rate.per = 60s;
    else if (unit == "h")
        rate.per = 3600s;
    else
        return std::nullopt;
    return rate;
}

RateLimit::RateLimit(Rate rate, std::uint32_t burst)
    : interval_(Clock::duration(rate.per) / std::max(1U, rate.count)),
      tolerance_(interval_ * (std::max(1U, burst) - 1)) {}

std::optional<RateLimit::Clock::duration> RateLimit::take(Clock::time_point now, Clock::duration longest) {
    std::lock_guard const lock(mutex_);
    auto const turn = std::max(next_, now);
    auto const wait = std::max(turn - tolerance_ - now, Clock::duration::zero());
    if (wait > longest) return std::nullopt;
    next_ = turn + interval_;
    return wait;
}

}  // namespace hilum::net
