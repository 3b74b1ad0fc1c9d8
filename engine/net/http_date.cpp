#include "engine/net/http_date.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace hilum::net {

namespace {

// Not strftime and strptime: they would follow the locale.
constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void pad(std::string& out, int value, std::size_t width) {
    auto const digits = std::to_string(value);
    out.append(width - std::min(width, digits.size()), '0');
    out += digits;
}

bool number(std::string_view text, int least, int most, int& out) {
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), out);
    return problem == std::errc() && end == text.data() + text.size() && out >= least && out <= most;
}

}  // namespace

std::string http_date(std::time_t time) {
    std::tm tm{};
    gmtime_r(&time, &tm);
    std::string out(days[static_cast<std::size_t>(tm.tm_wday)]);
    out += ", ";
    pad(out, tm.tm_mday, 2);
    out += ' ';
    out += months[static_cast<std::size_t>(tm.tm_mon)];
    out += ' ';
    pad(out, tm.tm_year + 1900, 4);
    for (auto const& [before, value] : {std::pair{' ', tm.tm_hour}, {':', tm.tm_min}, {':', tm.tm_sec}}) {
        out += before;
        pad(out, value, 2);
    }
    return out + " GMT";
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
    if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT") return std::nullopt;
    if (text[7] != ' ' || text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':')
        return std::nullopt;
    auto const month = std::find(months.begin(), months.end(), text.substr(8, 3));
    std::tm tm{};
    int year = 0;
    if (month == months.end() || !number(text.substr(5, 2), 1, 31, tm.tm_mday) ||
        !number(text.substr(12, 4), 1970, 9999, year) || !number(text.substr(17, 2), 0, 23, tm.tm_hour) ||
        !number(text.substr(20, 2), 0, 59, tm.tm_min) || !number(text.substr(23, 2), 0, 60, tm.tm_sec)) {
        return std::nullopt;
    }
    tm.tm_year = year - 1900;
    tm.tm_mon = static_cast<int>(month - months.begin());
    return timegm(&tm);
}

}  // namespace hilum::net
