#include "routes/steps/date_format.h"

#include <algorithm>
#include <array>
#include <chrono>

namespace hilum::routes {
namespace {

using Precision = Timestamp::Precision;

constexpr std::array<std::string_view, 12> months = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
                                                     "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::size_t fraction_max = 9;

char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// Reads a text from left to right.
class Reader {
  public:
    explicit Reader(std::string_view text) : rest_(text) {}

    bool done() const { return rest_.empty(); }
    bool next_is_digit() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }

    bool take(char c) {
        if (rest_.empty() || rest_[0] != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    bool number(std::size_t digits, int& out) {
        if (rest_.size() < digits) return false;
        int value = 0;
        for (char const c : rest_.substr(0, digits)) {
            if (c < '0' || c > '9') return false;
            value = value * 10 + (c - '0');
        }
        rest_.remove_prefix(digits);
        out = value;
        return true;
    }

    bool fraction(std::string& out) {
        while (next_is_digit() && out.size() < fraction_max) {
            out += rest_[0];
            rest_.remove_prefix(1);
        }
        return !out.empty();
    }

    bool month_name(int& out) {
        if (rest_.size() < 3) return false;
        std::string const name{upper(rest_[0]), upper(rest_[1]), upper(rest_[2])};
        auto const found = std::find(months.begin(), months.end(), name);
        if (found == months.end()) return false;
        rest_.remove_prefix(3);
        out = static_cast<int>(found - months.begin()) + 1;
        return true;
    }

    bool offset(std::optional<int>& out) {
        if (take('Z')) {
            out = 0;
            return true;
        }
        int const sign = take('-') ? -1 : take('+') ? 1 : 0;
        int hours = 0;
        int minutes = 0;
        if (sign == 0 || !number(2, hours)) return false;
        take(':');
        if (!number(2, minutes) || hours > 14 || minutes > 59) return false;
        out = sign * (hours * 3600 + minutes * 60);
        return true;
    }

  private:
    std::string_view rest_;
};

void digits(std::string& out, int value, std::size_t width) {
    auto const text = std::to_string(value);
    out.append(width - std::min(width, text.size()), '0');
    out += text;
}

void write_offset(std::string& out, int offset, bool colon) {
    out += offset < 0 ? '-' : '+';
    digits(out, std::abs(offset) / 3600, 2);
    if (colon) out += ':';
    digits(out, std::abs(offset) / 60 % 60, 2);
}

// HL7: YYYY[MM[DD[HH[MM[SS[.S]]]]]][+/-ZZZZ].
std::optional<Timestamp> read_hl7(std::string_view text) {
    Timestamp time;
    Reader in(text);
    if (!in.number(4, time.year)) return std::nullopt;
    int* const parts[] = {&time.month, &time.day, &time.hour, &time.minute, &time.second};
    for (std::size_t i = 0; i < std::size(parts) && in.next_is_digit(); ++i) {
        if (!in.number(2, *parts[i])) return std::nullopt;
        time.precision = static_cast<Precision>(i + 1);
    }
    if (time.precision == Precision::second && in.take('.')) {
        if (!in.fraction(time.fraction)) return std::nullopt;
        time.precision = Precision::fraction;
    }
    if (!in.done() && !in.offset(time.offset)) return std::nullopt;
    return in.done() ? std::optional(time) : std::nullopt;
}

std::string write_hl7(Timestamp const& time) {
    std::string out;
    digits(out, time.year, 4);
    int const parts[] = {time.month, time.day, time.hour, time.minute, time.second};
    for (std::size_t i = 0; i < std::size(parts) && static_cast<std::size_t>(time.precision) > i; ++i)
        digits(out, parts[i], 2);
    // HL7 has four decimals at most.
    if (time.precision == Precision::fraction) out += '.' + time.fraction.substr(0, 4);
    if (time.offset && time.precision >= Precision::hour) write_offset(out, *time.offset, false);
    return out;
}

// ISO 8601: YYYY[-MM[-DD[THH:MM[:SS[.S]][offset]]]].
std::optional<Timestamp> read_iso(std::string_view text) {
    Timestamp time;
    Reader in(text);
    if (!in.number(4, time.year)) return std::nullopt;
    if (in.take('-')) {
        if (!in.number(2, time.month)) return std::nullopt;
        time.precision = Precision::month;
        if (in.take('-')) {
            if (!in.number(2, time.day)) return std::nullopt;
            time.precision = Precision::day;
        }
    }
    if (time.precision == Precision::day && (in.take('T') || in.take(' '))) {
        if (!in.number(2, time.hour) || !in.take(':') || !in.number(2, time.minute)) return std::nullopt;
        time.precision = Precision::minute;
        if (in.take(':')) {
            if (!in.number(2, time.second)) return std::nullopt;
            time.precision = Precision::second;
            if (in.take('.')) {
                if (!in.fraction(time.fraction)) return std::nullopt;
                time.precision = Precision::fraction;
            }
        }
        if (!in.done() && !in.offset(time.offset)) return std::nullopt;
    }
    return in.done() ? std::optional(time) : std::nullopt;
}

std::string write_iso(Timestamp const& time) {
    std::string out;
    digits(out, time.year, 4);
    if (time.precision >= Precision::month) digits(out += '-', time.month, 2);
    if (time.precision >= Precision::day) digits(out += '-', time.day, 2);
    if (time.precision < Precision::hour) return out;
    digits(out += 'T', time.hour, 2);
    digits(out += ':', time.minute, 2);
    if (time.precision >= Precision::second) digits(out += ':', time.second, 2);
    if (time.precision == Precision::fraction) out += '.' + time.fraction;
    if (!time.offset) return out;
    if (*time.offset == 0) return out + 'Z';
    write_offset(out, *time.offset, true);
    return out;
}

// What a letter behind % stands for.
Precision precision_of(char letter) {
    switch (letter) {
        case 'Y':
            return Precision::year;
        case 'm':
        case 'b':
            return Precision::month;
        case 'd':
            return Precision::day;
        case 'M':
            return Precision::minute;
        case 'S':
            return Precision::second;
        case 'f':
            return Precision::fraction;
        default:
            return Precision::hour;
    }
}

bool read_part(Reader& in, char letter, Timestamp& time) {
    switch (letter) {
        case 'Y':
            return in.number(4, time.year);
        case 'm':
            return in.number(2, time.month);
        case 'b':
            return in.month_name(time.month);
        case 'd':
            return in.number(2, time.day);
        case 'H':
            return in.number(2, time.hour);
        case 'M':
            return in.number(2, time.minute);
        case 'S':
            return in.number(2, time.second);
        case 'f':
            return in.fraction(time.fraction);
        case 'z':
            return in.offset(time.offset);
        default:
            return in.take('%');
    }
}

void write_part(std::string& out, char letter, Timestamp const& time) {
    switch (letter) {
        case 'Y':
            return digits(out, time.year, 4);
        case 'm':
            return digits(out, time.month, 2);
        case 'b':
            out += months[static_cast<std::size_t>(time.month - 1)];
            return;
        case 'd':
            return digits(out, time.day, 2);
        case 'H':
            return digits(out, time.hour, 2);
        case 'M':
            return digits(out, time.minute, 2);
        case 'S':
            return digits(out, time.second, 2);
        case 'f':
            out += time.fraction;
            return;
        case 'z':
            return write_offset(out, *time.offset, true);
        default:
            out += '%';
    }
}

}  // namespace

bool Timestamp::valid() const {
    std::chrono::year_month_day const date{std::chrono::year(year),
                                           std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day))};
    return date.ok() && hour < 24 && minute < 60 && second < 60;
}

std::int64_t Timestamp::local_seconds() const {
    using namespace std::chrono;
    sys_days const days{year_month_day{std::chrono::year(year),
                                       std::chrono::month(static_cast<unsigned>(month)),
                                       std::chrono::day(static_cast<unsigned>(day))}};
    sys_seconds const moment = days + hours(hour) + minutes(minute) + seconds(second);
    return moment.time_since_epoch().count();
}

std::optional<Timestamp> Timestamp::at(int other_offset) const {
    if (precision < Precision::hour || !offset) return *this;
    using namespace std::chrono;
    sys_seconds const moment{seconds(local_seconds() + other_offset - *offset)};
    auto const date = floor<std::chrono::days>(moment);
    year_month_day const ymd{date};
    hh_mm_ss const clock{moment - date};
    Timestamp time = *this;
    time.year = static_cast<int>(ymd.year());
    if (time.year < 0 || time.year > 9999) return std::nullopt;
    time.month = static_cast<int>(static_cast<unsigned>(ymd.month()));
    time.day = static_cast<int>(static_cast<unsigned>(ymd.day()));
    time.hour = static_cast<int>(clock.hours().count());
    time.minute = static_cast<int>(clock.minutes().count());
    time.second = static_cast<int>(clock.seconds().count());
    if (time.minute != 0) time.precision = std::max(time.precision, Precision::minute);
    if (time.second != 0) time.precision = std::max(time.precision, Precision::second);
    time.offset = other_offset;
    return time;
}

Result<DateFormat> DateFormat::compile(std::string_view text) {
    DateFormat format;
    if (text == "hl7" || text == "iso") {
        format.kind_ = text == "hl7" ? Kind::hl7 : Kind::iso;
        return {boost::system::in_place_value, std::move(format)};
    }
    bool year = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') continue;
        ++i;
        if (i == text.size() || std::string_view("YmbdHMSfz%").find(text[i]) == std::string_view::npos)
            return error("bad_format", std::to_string(i), "a % is followed by none of Y m b d H M S f z %",
                         "write it like %d.%m.%Y, or hl7, or iso");
        year = year || text[i] == 'Y';
    }
    if (!year)
        return error("bad_format", "1", "the format has no year", "write it like %d.%m.%Y, or hl7, or iso");
    format.pattern_ = text;
    return {boost::system::in_place_value, std::move(format)};
}

std::optional<Timestamp> DateFormat::read(std::string_view text) const {
    std::optional<Timestamp> time;
    if (kind_ == Kind::hl7) {
        time = read_hl7(text);
    } else if (kind_ == Kind::iso) {
        time = read_iso(text);
    } else {
        time.emplace();
        Reader in(text);
        bool good = true;
        for (std::size_t i = 0; i < pattern_.size() && good; ++i) {
            if (pattern_[i] != '%') {
                good = in.take(pattern_[i]);
                continue;
            }
            char const letter = pattern_[++i];
            good = read_part(in, letter, *time);
            if (letter != 'z' && letter != '%')
                time->precision = std::max(time->precision, precision_of(letter));
        }
        if (!good || !in.done()) return std::nullopt;
    }
    return time && time->valid() ? time : std::nullopt;
}

bool DateFormat::writes_offset(Timestamp const& time) const {
    if (kind_ != Kind::pattern) return time.precision >= Precision::hour;
    for (std::size_t i = 0; i + 1 < pattern_.size(); ++i)
        if (pattern_[i] == '%' && pattern_[++i] == 'z') return true;
    return false;
}

std::optional<std::string> DateFormat::write(Timestamp const& time) const {
    if (time.offset && *time.offset % 60 != 0 && writes_offset(time)) return std::nullopt;
    if (kind_ == Kind::hl7) return write_hl7(time);
    if (kind_ == Kind::iso) return write_iso(time);
    std::string out;
    for (std::size_t i = 0; i < pattern_.size(); ++i) {
        if (pattern_[i] != '%') {
            out += pattern_[i];
            continue;
        }
        char const letter = pattern_[++i];
        if (letter == 'z' ? !time.offset : letter != '%' && time.precision < precision_of(letter))
            return std::nullopt;
        write_part(out, letter, time);
    }
    return out;
}

std::optional<int> offset_named(std::string_view text) {
    Reader in(text);
    std::optional<int> offset;
    return in.offset(offset) && in.done() ? offset : std::nullopt;
}

}  // namespace hilum::routes
