#include "parsers/time_text.h"

#include <algorithm>
#include <chrono>

namespace hilum {
namespace {

namespace chrono = std::chrono;

void append_number(std::string& out, std::int64_t number, std::size_t digits) {
    std::string const text = std::to_string(number);
    out.append(digits > text.size() ? digits - text.size() : 0, '0');
    out += text;
}

// Reads text from the front, piece by piece; `good` stays false once something was missing.
struct Reader {
    std::string_view rest;
    bool good = true;

    int number(std::size_t digits) {
        int value = 0;
        if (rest.size() < digits) return good = false, 0;
        for (char const c : rest.substr(0, digits)) {
            if (c < '0' || c > '9') return good = false, 0;
            value = value * 10 + (c - '0');
        }
        rest.remove_prefix(digits);
        return value;
    }
    bool take(char c) {
        if (!rest.starts_with(c)) return false;
        rest.remove_prefix(1);
        return true;
    }
    void expect(char c) { good = take(c) && good; }
};

}  // namespace

std::string rfc3339(std::int64_t us) {
    constexpr chrono::sys_days first{chrono::year{0} / 1 / 1}, past{chrono::year{10000} / 1 / 1};
    auto const least = chrono::sys_time<chrono::microseconds>(first).time_since_epoch().count();
    auto const most = chrono::sys_time<chrono::microseconds>(past).time_since_epoch().count() - 1;
    chrono::sys_time<chrono::microseconds> const time{
        chrono::microseconds{std::clamp<std::int64_t>(us, least, most)}};
    auto const day = chrono::floor<chrono::days>(time);
    chrono::year_month_day const date{day};
    chrono::hh_mm_ss const clock{time - day};
    std::string out;
    append_number(out, int{date.year()}, 4);
    out += '-';
    append_number(out, unsigned{date.month()}, 2);
    out += '-';
    append_number(out, unsigned{date.day()}, 2);
    out += 'T';
    append_number(out, clock.hours().count(), 2);
    out += ':';
    append_number(out, clock.minutes().count(), 2);
    out += ':';
    append_number(out, clock.seconds().count(), 2);
    out += '.';
    append_number(out, clock.subseconds().count(), 6);
    out += 'Z';
    return out;
}

std::optional<std::int64_t> parse_rfc3339(std::string_view text) {
    Reader in{text};
    int const year = in.number(4);
    in.expect('-');
    int const month = in.number(2);
    in.expect('-');
    int const day = in.number(2);
    chrono::year_month_day const date{chrono::year{year}, chrono::month{static_cast<unsigned>(month)},
                                      chrono::day{static_cast<unsigned>(day)}};
    if (!in.good || !date.ok()) return std::nullopt;
    chrono::sys_time<chrono::microseconds> time{chrono::sys_days{date}};
    if (in.rest.empty()) return time.time_since_epoch().count();

    if (!in.take('T') && !in.take('t') && !in.take(' ')) return std::nullopt;
    int const hours = in.number(2);
    in.expect(':');
    int const minutes = in.number(2);
    in.expect(':');
    int const seconds = in.number(2);
    int micros = 0;
    if (in.take('.')) {
        int unit = 100'000;
        if (in.rest.empty() || in.rest.front() < '0' || in.rest.front() > '9') return std::nullopt;
        for (; !in.rest.empty() && in.rest.front() >= '0' && in.rest.front() <= '9'; unit /= 10) {
            micros += (in.rest.front() - '0') * unit;  // past the sixth digit the unit is 0
            in.rest.remove_prefix(1);
        }
    }
    int offset = 0;
    if (!in.take('Z') && !in.take('z')) {
        bool const west = in.rest.starts_with('-');
        if (!west && !in.rest.starts_with('+')) return std::nullopt;
        in.rest.remove_prefix(1);
        int const offset_hours = in.number(2);
        in.expect(':');
        int const offset_minutes = in.number(2);
        if (offset_hours > 23 || offset_minutes > 59) return std::nullopt;
        offset = (offset_hours * 60 + offset_minutes) * (west ? -1 : 1);
    }
    // 60 is a leap second (RFC 3339 §5.6); Unix time has none, it is the next second's first.
    if (!in.good || !in.rest.empty() || hours > 23 || minutes > 59 || seconds > 60) return std::nullopt;
    time += chrono::hours(hours) + chrono::minutes(minutes - offset) + chrono::seconds(seconds) +
            chrono::microseconds(micros);
    return time.time_since_epoch().count();
}

}  // namespace hilum
