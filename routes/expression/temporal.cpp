#include "routes/expression/temporal.h"

#include <algorithm>
#include <chrono>

namespace hilum::expression {
namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t minute_us = 60 * second_us;
constexpr std::int64_t hour_us = 60 * minute_us;
constexpr std::int64_t day_us = 24 * hour_us;

// So many digits at the front of `text`, which then begins behind them.
bool take(std::string_view& text, std::size_t count, int& value) {
    if (text.size() < count) return false;
    value = 0;
    for (char const c : text.substr(0, count)) {
        if (c < '0' || c > '9') return false;
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(count);
    return true;
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

std::string padded(std::int64_t value, std::size_t width) {
    auto text = std::to_string(value);
    return std::string(width > text.size() ? width - text.size() : 0, '0') + text;
}

struct Day {
    int year = 1970;
    int month = 1, day = 1;
};

std::int64_t days_of(Day const& d) {
    using namespace std::chrono;
    return sys_days(year(d.year) / d.month / d.day).time_since_epoch().count();
}

Day day_of(std::int64_t days) {
    using namespace std::chrono;
    year_month_day const ymd{sys_days(std::chrono::days(days))};
    return {static_cast<int>(ymd.year()), static_cast<int>(static_cast<unsigned>(ymd.month())),
            static_cast<int>(static_cast<unsigned>(ymd.day()))};
}

int days_in(int year, int month) {
    using namespace std::chrono;
    return static_cast<int>(static_cast<unsigned>(
        (std::chrono::year(year) / std::chrono::month(static_cast<unsigned>(month)) / last).day()));
}

std::int64_t floor_days(std::int64_t us) {
    return (us >= 0 ? us : us - day_us + 1) / day_us;
}

// HL7's DT and TS as FHIRPath writes them: 20260102030405.6+0100 is 2026-01-02T03:04:05.6+01:00.
std::string iso_of(std::string_view text) {
    auto const zone = std::min(text.find_first_of("+-"), text.size());
    auto const moment = text.substr(0, zone);
    auto const digits = std::min(moment.find('.'), moment.size());
    std::string out;
    for (std::size_t i = 0; i < digits; i += i == 0 ? 4U : 2U) {
        static constexpr std::string_view separators = "--T::";
        if (i > 0) out += i / 2 - 2 < separators.size() ? separators[i / 2 - 2] : '?';
        out += moment.substr(i, i == 0 ? 4 : 2);
    }
    out += moment.substr(digits);
    if (zone < text.size())
        out += std::string(text.substr(zone, 3)) + ":" +
               std::string(text.substr(std::min(zone + 3, text.size())));
    return out;
}

}  // namespace

Calendar calendar_unit(std::string_view word) {
    if (word.ends_with('s') && word.size() > 1) word.remove_suffix(1);
    static constexpr std::string_view names[] = {"",     "year",   "month",  "week",       "day",
                                                 "hour", "minute", "second", "millisecond"};
    for (std::size_t i = 1; i < std::size(names); ++i)
        if (word == names[i]) return static_cast<Calendar>(i);
    return Calendar::none;
}

std::optional<Temporal> Temporal::read(std::string_view text, bool is_time) {
    Temporal t;
    Day day;
    if (!is_time) {
        if (!take(text, 4, day.year) || day.year == 0) return std::nullopt;
        if (take(text, '-')) {
            if (!take(text, 2, day.month) || day.month < 1 || day.month > 12) return std::nullopt;
            t.precision_ = Precision::month;
            if (take(text, '-')) {
                if (!take(text, 2, day.day) || day.day < 1 || day.day > days_in(day.year, day.month))
                    return std::nullopt;
                t.precision_ = Precision::day;
            }
        }
        t.local_us_ = days_of(day) * day_us;
        if (text.empty()) return t;
        if (!take(text, 'T')) return std::nullopt;
        if (text.empty()) return t;
        if (t.precision_ != Precision::day) return std::nullopt;
    }
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!take(text, 2, hour) || hour > 23) return std::nullopt;
    t.precision_ = Precision::hour;
    if (take(text, ':')) {
        if (!take(text, 2, minute) || minute > 59) return std::nullopt;
        t.precision_ = Precision::minute;
        if (take(text, ':')) {
            if (!take(text, 2, second) || second > 60) return std::nullopt;
            second = std::min(second, 59);  // a leap second
            t.precision_ = Precision::second;
            if (take(text, '.')) {
                std::int64_t unit = second_us;
                int digit = 0;
                std::size_t digits = 0;
                for (; take(text, 1, digit); ++digits) {
                    unit /= 10;
                    t.local_us_ += digit * unit;
                }
                if (digits == 0) return std::nullopt;
                t.fraction_ = static_cast<std::uint8_t>(std::min<std::size_t>(digits, 6)) & 0x7fU;
            }
        }
    }
    t.local_us_ += hour * hour_us + minute * minute_us + second * second_us;
    if (text.empty()) return t;
    if (is_time) return std::nullopt;
    t.zoned_ = true;
    if (text == "Z") return t;
    bool const west = text[0] == '-';
    int zone_minute = 0;
    if (!west && text[0] != '+') return std::nullopt;
    text.remove_prefix(1);
    if (!take(text, 2, hour) || !take(text, ':') || !take(text, 2, zone_minute) || !text.empty() ||
        hour > 14 || zone_minute > 59)
        return std::nullopt;
    int const offset = hour * 60 + zone_minute;
    t.offset_ = static_cast<std::int16_t>(west ? -offset : offset);
    return t;
}

std::optional<Temporal> Temporal::date(std::string_view text) {
    return text.find('T') == std::string_view::npos ? read(text, false) : std::nullopt;
}
std::optional<Temporal> Temporal::date_time(std::string_view text) {
    return read(text, false);
}
std::optional<Temporal> Temporal::time(std::string_view text) {
    return read(text, true);
}
std::optional<Temporal> Temporal::hl7(std::string_view text) {
    return read(iso_of(text), false);
}

Temporal Temporal::at(std::int64_t unix_us) {
    Temporal t;
    t.local_us_ = unix_us - ((unix_us % 1000) + 1000) % 1000;
    t.precision_ = Precision::second;
    t.fraction_ = 3;
    t.zoned_ = true;
    return t;
}

Temporal Temporal::only_date() const {
    Temporal t;
    t.precision_ = std::min(precision_, Precision::day);
    t.local_us_ = floor_days(local_us_) * day_us;
    return t;
}

Temporal Temporal::only_time() const {
    Temporal t = *this;
    t.zoned_ = false;
    t.offset_ = 0;
    t.local_us_ = local_us_ - floor_days(local_us_) * day_us;
    return t;
}

std::string Temporal::text(bool is_time, bool is_date_time) const {
    std::string out;
    auto const days = floor_days(local_us_);
    auto const rest = local_us_ - days * day_us;
    if (!is_time) {
        auto const day = day_of(days);
        out = padded(day.year, 4);
        if (precision_ >= Precision::month) out += "-" + padded(day.month, 2);
        if (precision_ >= Precision::day) out += "-" + padded(day.day, 2);
        if (!is_date_time || precision_ <= Precision::day) return out;
        out += 'T';
    }
    out += padded(rest / hour_us, 2);
    if (precision_ >= Precision::minute) out += ":" + padded(rest / minute_us % 60, 2);
    if (precision_ >= Precision::second) out += ":" + padded(rest / second_us % 60, 2);
    if (fraction_ > 0) out += "." + padded(rest % second_us, 6).substr(0, fraction_);
    if (!zoned_) return out;
    if (offset_ == 0) return out + "Z";
    int const size = offset_ < 0 ? -offset_ : offset_;
    return out + (offset_ < 0 ? "-" : "+") + padded(size / 60, 2) + ":" + padded(size % 60, 2);
}

int Temporal::digits(bool is_time) const {
    static constexpr int counts[] = {4, 6, 8, 10, 12, 14};
    int const count = counts[static_cast<std::size_t>(precision_)] + (fraction_ > 0 ? 3 : 0);
    return is_time ? count - 8 : count;
}

std::int64_t Temporal::length_us() const {
    auto const day = day_of(floor_days(local_us_));
    switch (precision_) {
        case Precision::year:
            return (days_of({day.year + 1, 1, 1}) - days_of({day.year, 1, 1})) * day_us;
        case Precision::month:
            return days_in(day.year, day.month) * day_us;
        case Precision::day:
            return day_us;
        case Precision::hour:
            return hour_us;
        case Precision::minute:
            return minute_us;
        case Precision::second:
            break;
    }
    return 1;
}

std::optional<std::strong_ordering> Temporal::compare(Temporal const& other) const {
    auto const start = [](Temporal const& t) { return t.local_us_ - t.offset_ * minute_us; };
    if (zoned_ == other.zoned_ && precision_ == other.precision_) return start(*this) <=> start(other);
    // As intervals. What has no zone may be anywhere between UTC-12 and UTC+14 where the other has one.
    std::int64_t const ahead = 14 * hour_us;
    std::int64_t const behind = 12 * hour_us;
    auto const from = [&](Temporal const& t, bool vague) { return start(t) - (vague ? ahead : 0); };
    auto const to = [&](Temporal const& t, bool vague) {
        return start(t) + t.length_us() - 1 + (vague ? behind : 0);
    };
    bool const vague = !zoned_ && other.zoned_;
    bool const other_vague = zoned_ && !other.zoned_;
    if (to(*this, vague) < from(other, other_vague)) return std::strong_ordering::less;
    if (from(*this, vague) > to(other, other_vague)) return std::strong_ordering::greater;
    return std::nullopt;
}

std::optional<Temporal> Temporal::plus(Decimal const& amount, Calendar unit, bool is_time) const {
    auto const whole = amount.truncated();
    constexpr std::int64_t most = 400'000'000'000;  // more than ten thousand years in seconds
    if (!whole || *whole > most || *whole < -most) return std::nullopt;
    Temporal t = *this;
    auto const day = day_of(floor_days(local_us_));
    auto const finer_than = [&](Precision p) { return static_cast<int>(precision_) < static_cast<int>(p); };
    std::int64_t months = 0;
    std::int64_t us = 0;
    switch (unit) {
        case Calendar::none:
            return std::nullopt;
        case Calendar::year:
            months = *whole * 12;
            break;
        case Calendar::month:
            // On a value without months only whole years count; so on with the finer units.
            months = finer_than(Precision::month) ? *whole / 12 * 12 : *whole;
            break;
        case Calendar::week:
            us = *whole * 7 * day_us;
            break;
        case Calendar::day:
            us = *whole * day_us;
            break;
        case Calendar::hour:
            us = *whole * hour_us;
            break;
        case Calendar::minute:
            us = *whole * minute_us;
            break;
        case Calendar::second:
        case Calendar::millisecond: {
            auto const scaled = amount.times(Decimal(unit == Calendar::second ? second_us : 1000));
            auto const exact = scaled ? scaled->truncated() : std::nullopt;
            if (!exact || *exact > most * second_us / 1000 || *exact < -most * second_us / 1000) {
                us = *whole * (unit == Calendar::second ? second_us : 1000);
            } else {
                us = *exact;
            }
            break;
        }
    }
    if (us != 0) {
        // A value to the month or year moves by months of 30 and years of 365 days (N1 §6.6.7), one to the
        // day by whole days.
        if (precision_ == Precision::year) months = us / day_us / 365 * 12;
        if (precision_ == Precision::month) months = us / day_us / 30;
        if (precision_ == Precision::day) us = us / day_us * day_us;
        if (precision_ == Precision::hour) us = us / hour_us * hour_us;
        if (precision_ == Precision::minute) us = us / minute_us * minute_us;
        if (precision_ <= Precision::month) us = 0;
    }
    if (is_time) {
        if (months != 0) return std::nullopt;
        t.local_us_ = ((local_us_ + us % day_us) % day_us + day_us) % day_us;
    } else if (months != 0) {
        if (months > 120'000 || months < -120'000) return std::nullopt;
        auto const count = day.year * 12 + (day.month - 1) + months;
        Day moved{static_cast<int>(count / 12), static_cast<int>(count % 12) + 1, day.day};
        if (count < 12 || moved.year > 9999) return std::nullopt;
        moved.day = std::min(day.day, days_in(moved.year, moved.month));
        t.local_us_ = days_of(moved) * day_us + (local_us_ - floor_days(local_us_) * day_us);
    } else {
        if (__builtin_add_overflow(local_us_, us, &t.local_us_)) return std::nullopt;
        auto const days = floor_days(t.local_us_);
        if (days < days_of({1, 1, 1}) || days > days_of({9999, 12, 31})) return std::nullopt;
    }
    if (unit >= Calendar::second && us % second_us != 0)
        t.fraction_ =
            static_cast<std::uint8_t>(std::max<unsigned>(fraction_, us % 1000 == 0 ? 3U : 6U)) & 0x7fU;
    return t;
}

std::optional<Temporal> Temporal::boundary(bool high, int digits, bool is_time, bool is_date_time) const {
    struct Step {
        int digits;
        Precision precision;
        std::uint8_t fraction;
    };
    static constexpr Step steps[] = {{4, Precision::year, 0},    {6, Precision::month, 0},
                                     {8, Precision::day, 0},     {10, Precision::hour, 0},
                                     {12, Precision::minute, 0}, {14, Precision::second, 0},
                                     {17, Precision::second, 3}};
    int const wanted = is_time ? digits + 8 : digits;
    auto const* const step =
        std::find_if(std::begin(steps), std::end(steps), [&](Step const& s) { return s.digits == wanted; });
    bool const date_only = !is_time && !is_date_time;
    if (step == std::end(steps) || (is_time && wanted < 10) || (date_only && wanted > 8)) return std::nullopt;
    Temporal t = *this;
    if (high) {
        // An hour stands for its first minute, as the specification's example has it: T08 ends at
        // 08:00:59.999.
        auto const length = precision_ == Precision::hour     ? minute_us
                            : precision_ == Precision::second ? (fraction_ > 0 ? 1 : second_us)
                                                              : length_us();
        t.local_us_ += length - 1;
        if (fraction_ == 0 || precision_ != Precision::second) t.local_us_ -= t.local_us_ % 1000;
    }
    t.precision_ = step->precision;
    t.fraction_ = step->fraction & 0x7fU;
    if (wanted <= 8) t = t.only_date();
    t.precision_ = step->precision;
    if (wanted > 8 && !is_time && !zoned_) {
        // Without a zone the first moment is where the day begins first, the last where it ends last.
        t.zoned_ = true;
        t.offset_ = high ? -12 * 60 : 14 * 60;
    }
    return t;
}

}  // namespace hilum::expression
