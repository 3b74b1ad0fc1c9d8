#include "routes/tables/posix_zone.h"

#include <algorithm>
#include <chrono>

namespace hilum::routes {
namespace {

constexpr std::int64_t day_seconds = 86'400;

std::int64_t days_of(int year, int month, int day) {
    using namespace std::chrono;
    return sys_days(std::chrono::year(year) / month / day).time_since_epoch().count();
}

bool leap(int year) {
    return std::chrono::year(year).is_leap();
}

// chrono's years end at 32767, and no calendar of a hospital gets there.
int year_of(std::int64_t seconds) {
    using namespace std::chrono;
    constexpr std::int64_t far = 300'000'000'000;  // more than 9,000 years
    auto const days =
        floor<std::chrono::days>(sys_seconds{std::chrono::seconds(std::clamp(seconds, -far, far))});
    return static_cast<int>(year_month_day(days).year());
}

}  // namespace

class PosixZone::Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}
    bool done() const { return rest_.empty(); }
    char next() const { return rest_.empty() ? '\0' : rest_[0]; }

    bool take(char c) {
        if (next() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    // "CET" or "<+03>".
    bool name() {
        bool const quoted = take('<');
        std::size_t length = 0;
        auto const letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
        auto const more = [&](char c) { return (c >= '0' && c <= '9') || c == '+' || c == '-'; };
        while (!rest_.empty() && (letter(rest_[0]) || (quoted && more(rest_[0])))) {
            rest_.remove_prefix(1);
            ++length;
        }
        return length >= 3 && (!quoted || take('>'));
    }

    bool number(int at_most, int& out) {
        std::size_t digits = 0;
        out = 0;
        while (!rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9' && digits < 3) {
            out = out * 10 + (rest_[0] - '0');
            rest_.remove_prefix(1);
            ++digits;
        }
        return digits != 0 && out <= at_most;
    }

    // [+-]hh[:mm[:ss]], in seconds.
    bool time(int hours_max, std::int64_t& out) {
        int const sign = take('-') ? -1 : 1;
        if (sign == 1) take('+');
        int parts[3] = {};
        if (!number(hours_max, parts[0])) return false;
        if (take(':') && (!number(59, parts[1]) || (take(':') && !number(59, parts[2])))) return false;
        out = sign * (parts[0] * 3600 + parts[1] * 60 + parts[2]);
        return true;
    }

    // ",M3.5.0/2", ",J60", ",59".
    bool day(Day& out) {
        if (!take(',')) return false;
        if (take('M')) {
            out.kind = Day::Kind::month;
            if (!number(12, out.month) || !take('.') || !number(5, out.week) || !take('.') ||
                !number(6, out.day) || out.month == 0 || out.week == 0)
                return false;
        } else if (take('J')) {
            out.kind = Day::Kind::julian;
            if (!number(365, out.day) || out.day == 0) return false;
        } else {
            out.kind = Day::Kind::zero_based;
            if (!number(365, out.day)) return false;
        }
        return !take('/') || time(167, out.time);
    }

  private:
    std::string_view rest_;
};

std::optional<PosixZone> PosixZone::parse(std::string_view text) {
    PosixZone zone;
    Reader in(text);
    std::int64_t west = 0;
    if (!in.name() || !in.time(24, west)) return std::nullopt;
    zone.standard_ = static_cast<std::int32_t>(-west);
    if (in.done()) return zone;
    west -= 3600;
    if (!in.name() || (in.next() != ',' && !in.time(24, west))) return std::nullopt;
    zone.summer_ = static_cast<std::int32_t>(-west);
    zone.changes_ = true;
    // Without rules POSIX leaves open when, and so no TZif file does without.
    if (!in.day(zone.begin_) || !in.day(zone.end_) || !in.done()) return std::nullopt;
    return zone;
}

// Seconds since 1970 of that day and time, as a clock there shows them.
std::int64_t PosixZone::local_moment(Day const& day, int year) {
    std::int64_t days = 0;
    if (day.kind != Day::Kind::month) {
        days = days_of(year, 1, 1) + day.day;
        // Jn never counts the 29th of February, and counts from 1.
        if (day.kind == Day::Kind::julian && !(leap(year) && day.day >= 60)) --days;
    } else {
        std::int64_t const first = days_of(year, day.month, 1);
        std::int64_t const weekday = ((first + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday
        days = first + (day.day - weekday + 7) % 7 + 7 * (day.week - 1);
        std::int64_t const next = day.month == 12 ? days_of(year + 1, 1, 1) : days_of(year, day.month + 1, 1);
        if (days >= next) days -= 7;  // the fifth means the last
    }
    return days * day_seconds + day.time;
}

std::vector<ZoneTransition> PosixZone::around(std::int64_t moment) const {
    std::vector<ZoneTransition> out;
    int const middle = year_of(moment);
    for (int year = middle - 1; year <= middle + 1; ++year) {
        out.push_back({local_moment(begin_, year) - standard_, standard_, summer_});
        out.push_back({local_moment(end_, year) - summer_, summer_, standard_});
    }
    std::stable_sort(out.begin(), out.end(),
                     [](ZoneTransition const& a, ZoneTransition const& b) { return a.at < b.at; });
    return out;
}

std::int32_t PosixZone::offset_at(std::int64_t moment) const {
    if (!changes_) return standard_;
    std::int32_t offset = standard_;
    for (auto const& transition : around(moment))
        if (transition.at <= moment) offset = transition.after;
    return offset;
}

std::int32_t PosixZone::offset_of_local(std::int64_t local) const {
    if (!changes_) return standard_;
    std::int32_t offset = standard_;
    for (auto const& transition : around(local))
        if (transition.local() <= local) offset = transition.after;
    return offset;
}

}  // namespace hilum::routes
