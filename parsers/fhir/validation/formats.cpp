#include "parsers/fhir/validation/formats.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <vector>

namespace hilum::fhir {
namespace {

bool digit(char c) {
    return c >= '0' && c <= '9';
}
bool white(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool any_text(std::string_view) {
    return true;
}

// http://hl7.org/fhir/R4/datatypes.html#string: at most 1,048,576 characters, no control characters but tab
// and line ends; and an element without value is left out, not blank.
bool string_text(std::string_view text) {
    constexpr std::ptrdiff_t characters_max = std::ptrdiff_t{1} << 20U;
    auto const begins_one = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80; };
    return !std::all_of(text.begin(), text.end(), white) &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 32 || white(c); }) &&
           (std::ssize(text) <= characters_max ||
            std::count_if(text.begin(), text.end(), begins_one) <= characters_max);
}

bool integer(std::string_view text) {
    std::int32_t value = 0;
    bool const negative = text.starts_with('-');
    auto const digits = text.substr(negative ? 1 : 0);
    if (digits.empty() || (digits.size() > 1 && digits[0] == '0') || text == "-0") return false;
    auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
    return result.ec == std::errc() && result.ptr == text.data() + text.size();
}
bool unsigned_int(std::string_view text) {
    return integer(text) && text[0] != '-';
}
bool positive_int(std::string_view text) {
    return unsigned_int(text) && text != "0";
}

// JSON's reader has seen to its form; here to what no receiver can hold (18 digits is what FHIR guarantees,
// not what it allows).
bool decimal(std::string_view text) {
    double value = 0;
    return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc();
}

bool uri(std::string_view text) {
    return !text.empty() && std::none_of(text.begin(), text.end(), white);
}

// No blank at the ends, single ones inside.
bool code(std::string_view text) {
    if (text.empty() || white(text.front()) || white(text.back())) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
        if (white(text[i]) && (text[i] != ' ' || text[i + 1] == ' ')) return false;
    return string_text(text);
}

// urn:oid:[0-2](\.(0|[1-9][0-9]*))+
bool oid(std::string_view text) {
    if (!text.starts_with("urn:oid:")) return false;
    text.remove_prefix(8);
    if (text.size() < 3 || text[0] < '0' || text[0] > '2' || text[1] != '.') return false;
    for (text.remove_prefix(1); !text.empty();) {
        text.remove_prefix(1);
        auto const end = std::min(text.find('.'), text.size());
        auto const part = text.substr(0, end);
        if (part.empty() || (part.size() > 1 && part[0] == '0') ||
            !std::all_of(part.begin(), part.end(), digit))
            return false;
        text.remove_prefix(end);
    }
    return true;
}

bool uuid(std::string_view text) {
    if (!text.starts_with("urn:uuid:") || text.size() != 45) return false;
    for (std::size_t i = 9; i < 45; ++i) {
        bool const dash = i == 17 || i == 22 || i == 27 || i == 32;
        if (dash ? text[i] != '-' : !digit(text[i]) && !(text[i] >= 'a' && text[i] <= 'f')) return false;
    }
    return true;
}

bool base64(std::string_view text) {
    std::size_t count = 0, padding = 0;
    for (char const c : text) {
        if (white(c)) continue;
        ++count;
        bool const letter =
            digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/';
        if (c == '=') {
            ++padding;
        } else if (!letter || padding > 0) {
            return false;
        }
    }
    return count > 0 && count % 4 == 0 && padding <= 2;
}

// Takes a number of exactly `digits` digits between the limits from the front.
bool take(std::string_view& text, std::size_t digits, int low, int high, int& value) {
    if (text.size() < digits ||
        !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(digits), digit))
        return false;
    std::from_chars(text.data(), text.data() + digits, value);
    text.remove_prefix(digits);
    return value >= low && value <= high;
}
bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) return false;
    text.remove_prefix(1);
    return true;
}

int days_of(int year, int month) {
    if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
    return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// YYYY[-MM[-DD]]; `parts` is how many of the three there are.
bool take_date(std::string_view& text, int& parts) {
    int year = 0, month = 0, day = 0;
    parts = 1;
    if (!take(text, 4, 1, 9999, year)) return false;
    if (!take(text, '-')) return true;
    parts = 2;
    if (!take(text, 2, 1, 12, month)) return false;
    if (!take(text, '-')) return true;
    parts = 3;
    return take(text, 2, 1, days_of(year, month), day);
}

// hh:mm:ss[.fff]; 60 is a leap second.
bool take_time(std::string_view& text, int second_max) {
    int value = 0;
    if (!take(text, 2, 0, 23, value) || !take(text, ':') || !take(text, 2, 0, 59, value) ||
        !take(text, ':') || !take(text, 2, 0, second_max, value))
        return false;
    if (!take(text, '.')) return true;
    auto const digits = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(digits);
    return digits > 0;
}

bool zone(std::string_view text) {
    if (text == "Z") return true;
    int hour = 0, minute = 0;
    return (take(text, '+') || take(text, '-')) && take(text, 2, 0, 14, hour) && take(text, ':') &&
           take(text, 2, 0, hour == 14 ? 0 : 59, minute) && text.empty();
}

bool date(std::string_view text) {
    int parts = 0;
    return take_date(text, parts) && text.empty();
}
bool instant(std::string_view text) {
    int parts = 0;
    return take_date(text, parts) && parts == 3 && take(text, 'T') && take_time(text, 60) && zone(text);
}
bool date_time(std::string_view text) {
    return date(text) || instant(text);
}
bool time(std::string_view text) {
    return take_time(text, 60) && text.empty();
}

struct Row {
    std::string_view type;
    Kind kind;
    bool (*good)(std::string_view);
};
constexpr Row rows[] = {
    {"boolean", Kind::boolean, any_text},
    {"integer", Kind::number, integer},
    {"unsignedInt", Kind::number, unsigned_int},
    {"positiveInt", Kind::number, positive_int},
    {"decimal", Kind::number, decimal},
    {"string", Kind::string, string_text},
    {"markdown", Kind::string, string_text},
    {"xhtml", Kind::string, any_text},
    {"code", Kind::string, code},
    {"id", Kind::string, is_id},
    {"uri", Kind::string, uri},
    {"url", Kind::string, uri},
    {"canonical", Kind::string, uri},
    {"oid", Kind::string, oid},
    {"uuid", Kind::string, uuid},
    {"base64Binary", Kind::string, base64},
    {"date", Kind::string, date},
    {"dateTime", Kind::string, date_time},
    {"instant", Kind::string, instant},
    {"time", Kind::string, time},
};

// By the type's number.
Row const& row_of(Type type) {
    static std::vector<Row> const by_number = [] {
        std::vector<Row> out(Type::count(), Row{"", Kind::string, any_text});
        for (auto const& row : rows) out[Type::find(row.type).number()] = row;
        return out;
    }();
    return by_number[type.number()];
}

}  // namespace

bool is_id(std::string_view text) {
    return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
        return digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.';
    });
}

bool right_kind(Type type, Kind kind) {
    return row_of(type).kind == kind;
}

bool well_formed(Type type, std::string_view text) {
    return row_of(type).good(text);
}

}  // namespace hilum::fhir
