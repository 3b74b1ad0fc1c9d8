#include "engine/delivery/hours.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "routes/config/diagnostics.h"

namespace hilum::delivery {
namespace {

constexpr std::string_view day_names[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
constexpr std::int32_t days_a_week = 7, day_minutes = 24 * 60, week_minutes = days_a_week * day_minutes;
constexpr std::int64_t minute = 60, day = 24 * 3600, week = days_a_week * day;
constexpr std::int64_t first_monday = 4 * day;  // 1970 began on a Thursday
constexpr std::int64_t longest_change = 3 * 3600;
constexpr std::int64_t us = 1'000'000;

Error bad(std::string what) {
    return error("bad_hours", "", std::move(what),
                 "write \"mon-fri 22:00-05:00\", \"sat,sun\" or \"08:00-18:00\"");
}

std::int64_t floor_to(std::int64_t value, std::int64_t unit) {
    std::int64_t const rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

std::string_view trimmed(std::string_view text) {
    auto const from = text.find_first_not_of(' ');
    if (from == std::string_view::npos) return {};
    return text.substr(from, text.find_last_not_of(' ') - from + 1);
}

std::optional<std::int32_t> day_of(std::string_view name) {
    auto const found = std::find(std::begin(day_names), std::end(day_names), name);
    if (found == std::end(day_names)) return std::nullopt;
    return static_cast<std::int32_t>(found - std::begin(day_names));
}

Error no_day(std::string_view name) {
    return error("bad_hours", "", config::in_quotes(name) + " is no day of the week",
                 config::suggest(name, day_names, "days"));
}

// "mon-fri,sun": which days; "fri-mon" goes over the end of the week.
Result<void> read_days(std::string_view text, bool (&days)[days_a_week]) {
    while (!text.empty()) {
        auto const comma = text.find(',');
        auto const item = trimmed(text.substr(0, comma));
        text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
        auto const dash = item.find('-');
        auto const first = item.substr(0, dash);
        auto const last = dash == std::string_view::npos ? first : item.substr(dash + 1);
        auto const from = day_of(first), to = day_of(last);
        if (!from) return no_day(first);
        if (!to) return no_day(last);
        for (auto d = *from;; d = (d + 1) % days_a_week) {
            days[d] = true;
            if (d == *to) break;
        }
    }
    return {};
}

// "22:00", and "24:00", as minutes of the day.
std::optional<std::int32_t> read_time(std::string_view text) {
    auto const colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || colon > 2 || text.size() != colon + 3)
        return std::nullopt;
    std::int32_t hours = 0, minutes = 0;
    auto const number = [](std::string_view digits, std::int32_t& out) {
        auto const [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
        return problem == std::errc() && end == digits.data() + digits.size() && out >= 0;
    };
    if (!number(text.substr(0, colon), hours) || !number(text.substr(colon + 1), minutes))
        return std::nullopt;
    std::int32_t const time = hours * 60 + minutes;
    return minutes > 59 || time > day_minutes ? std::nullopt : std::optional(time);
}

}  // namespace

Result<void> Hours::read(std::string_view text, std::vector<Window>& into) {
    text = trimmed(text);
    if (text.empty()) return bad("no hours are given");
    bool const has_days = text[0] < '0' || text[0] > '9';
    auto const space = has_days ? text.find(' ') : 0;
    bool days[days_a_week] = {};
    if (has_days) {
        if (auto r = read_days(text.substr(0, space), days); !r) return r;
    } else {
        std::fill(std::begin(days), std::end(days), true);
    }
    std::int32_t begin = 0, end = day_minutes;
    if (space != std::string_view::npos) {
        auto const hours = trimmed(text.substr(space));
        auto const dash = hours.find('-');
        auto const from = read_time(hours.substr(0, dash));
        auto const to = dash == std::string_view::npos ? std::nullopt : read_time(hours.substr(dash + 1));
        if (!from || !to || *from == day_minutes) return bad(config::in_quotes(hours) + " are no hours");
        if (*from == *to)
            return error("bad_hours", "", config::in_quotes(hours) + " is no time at all",
                         "leave the hours out for the whole day");
        begin = *from;
        end = *to > *from ? *to : *to + day_minutes;
    }
    for (std::int32_t d = 0; d < days_a_week; ++d) {
        if (days[d]) into.push_back({d * day_minutes + begin, d * day_minutes + end});
    }
    return {};
}

bool Hours::open_at(std::int64_t second) const {
    std::int64_t const local = second + zone_->offset_at(second) - first_monday;
    auto const now = static_cast<std::int32_t>((local - floor_to(local, week)) / minute);
    return std::any_of(windows_.begin(), windows_.end(), [now](Window const& w) {
        return (w.begin <= now && now < w.end) || now + week_minutes < w.end;
    });
}

bool Hours::open(std::int64_t now_us) const {
    return open_at(floor_to(now_us, us) / us);
}

std::int64_t Hours::open_from(std::int64_t now_us) const {
    std::int64_t const now = floor_to(now_us, us) / us;
    if (open_at(now)) return now_us;
    std::int64_t const local_week = floor_to(now + zone_->offset_at(now) - first_monday, week) + first_monday;
    std::int64_t best = now + 4 * week;
    for (std::int64_t begins = local_week; begins <= local_week + 2 * week; begins += week) {
        for (auto const& window : windows_) {
            std::int64_t const local = begins + window.begin * minute;
            auto const before = zone_->offset_of_local(local);
            auto const after = zone_->offset_at(local - before + longest_change);
            // A clock that is put back shows the time twice.
            for (auto const offset : {before, after}) {
                std::int64_t const at = local - offset;
                if (at > now && at < best && open_at(at)) best = at;
            }
        }
    }
    // Or a change of the clocks leads right into the hours.
    if (std::int64_t const change = next_change(now, best); open_at(change)) return change * us;
    return best * us;
}

// The first second with the offset that there is at `until`.
std::int64_t Hours::next_change(std::int64_t from, std::int64_t until) const {
    auto const offset = zone_->offset_at(until);
    if (zone_->offset_at(from) == offset) return until;
    while (until - from > 1) {
        std::int64_t const middle = from + (until - from) / 2;
        (zone_->offset_at(middle) == offset ? until : from) = middle;
    }
    return until;
}

}  // namespace hilum::delivery
