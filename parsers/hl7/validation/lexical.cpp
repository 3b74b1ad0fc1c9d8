#include "parsers/hl7/validation/lexical.h"

#include "parsers/hl7/characters.h"

namespace hilum::hl7 {

namespace {

// The number in the first `count` characters; -1 when there are fewer or one is no digit. Takes them.
int take(std::string_view& text, std::size_t count) {
    if (text.size() < count) return -1;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i) {
        if (!digit(text[i])) return -1;
        value = value * 10 + (text[i] - '0');
    }
    text.remove_prefix(count);
    return value;
}

bool number(std::string_view text) {
    if (text[0] == '+' || text[0] == '-') text.remove_prefix(1);
    bool digits = false;
    bool point = false;
    for (char const c : text) {
        if (digit(c)) {
            digits = true;
        } else if (c == '.' && !point) {
            point = true;
        } else {
            return false;
        }
    }
    return digits;
}

bool sequence(std::string_view text) {
    // §2.A.66: a non-negative integer of up to four digits
    return text.size() <= 4 && take(text, text.size()) >= 0;
}

bool day_of(int year, int month, int day) {
    static constexpr int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (day < 1 || day > days[month - 1]) return false;
    bool const leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month != 2 || day != 29 || leap;
}

// YYYY[MM[DD]], all eight when `whole`. Takes it; `complete` says whether the day is there.
bool date(std::string_view& text, bool whole, bool& complete) {
    complete = false;
    int const year = take(text, 4);
    if (year < 0) return false;
    bool const month_follows = !text.empty() && digit(text[0]);
    if (!month_follows) return !whole;
    int const month = take(text, 2);
    if (month < 1 || month > 12) return false;
    if (text.empty() || !digit(text[0])) return !whole;
    int const day = take(text, 2);
    complete = true;
    return day >= 0 && day_of(year, month, day);
}

// HH[MM[SS[.S[S[S[S]]]]]], the minutes too when `minutes_needed`. Takes it.
bool time(std::string_view& text, bool minutes_needed) {
    int const hour = take(text, 2);
    if (hour < 0 || hour > 23) return false;
    if (text.empty() || !digit(text[0])) return !minutes_needed;
    int const minute = take(text, 2);
    if (minute < 0 || minute > 59) return false;
    if (text.empty() || !digit(text[0])) return true;
    int const second = take(text, 2);
    if (second < 0 || second > 59) return false;
    if (text.empty() || text[0] != '.') return true;
    text.remove_prefix(1);
    std::size_t digits = 0;
    while (digits < text.size() && digit(text[digits])) ++digits;
    text.remove_prefix(digits);
    return digits >= 1 && digits <= 4;
}

// [+/-ZZZZ] and the end. Offsets in use lie between -1200 and +1400.
bool offset(std::string_view text) {
    if (text.empty()) return true;
    bool const west = text[0] == '-';
    if (!west && text[0] != '+') return false;
    text.remove_prefix(1);
    int const hours = take(text, 2);
    int const minutes = take(text, 2);
    if (hours < 0 || minutes < 0 || minutes > 59 || !text.empty()) return false;
    return hours * 60 + minutes <= (west ? 12 : 14) * 60;
}

bool stamp(std::string_view text, bool whole, bool minutes_needed) {
    bool complete = false;
    if (!date(text, whole, complete)) return false;
    if (complete && !text.empty() && digit(text[0]) && !time(text, minutes_needed)) return false;
    return offset(text);
}

}  // namespace

Lexical lexical_of(Version version, std::string_view datatype) {
    bool const old = version < Version::v2_3;
    if (datatype == "NM") return Lexical::number;
    if (datatype == "SI") return Lexical::sequence;
    if (datatype == "DT") return old ? Lexical::date8 : Lexical::date;
    if (datatype == "TM") return old ? Lexical::time4 : Lexical::time;
    if (datatype == "DTM") return Lexical::dtm;
    if (datatype == "TS") {
        if (old) return Lexical::stamp8;
        return version < Version::v2_5 ? Lexical::stamp : Lexical::dtm;
    }
    return Lexical::any;
}

bool fits(Lexical form, std::string_view text) {
    bool complete = false;
    switch (form) {
        case Lexical::any:
            return true;
        case Lexical::number:
            return number(text);
        case Lexical::sequence:
            return sequence(text);
        case Lexical::date8:
            return date(text, true, complete) && text.empty();
        case Lexical::date:
            return date(text, false, complete) && text.empty();
        case Lexical::time4:
            return time(text, true) && offset(text);
        case Lexical::time:
            return time(text, false) && offset(text);
        case Lexical::stamp8:
            return stamp(text, true, true);
        case Lexical::stamp:
            return stamp(text, false, true);
        case Lexical::dtm:
            return stamp(text, false, false);
        case Lexical::comparator:
            return text == ">" || text == "<" || text == ">=" || text == "<=" || text == "=" || text == "<>";
        case Lexical::separator:
            return text == "-" || text == "+" || text == "/" || text == "." || text == ":";
    }
    return true;
}

std::string_view pattern(Lexical form) {
    switch (form) {
        case Lexical::any:
            return "any text";
        case Lexical::number:
            return "a number";
        case Lexical::sequence:
            return "a number from 0 to 9999";
        case Lexical::date8:
            return "YYYYMMDD";
        case Lexical::date:
            return "YYYY[MM[DD]]";
        case Lexical::time4:
            return "HHMM[SS[.SSSS]][+/-ZZZZ]";
        case Lexical::time:
            return "HH[MM[SS[.S[S[S[S]]]]]][+/-ZZZZ]";
        case Lexical::stamp8:
            return "YYYYMMDD[HHMM[SS[.SSSS]]][+/-ZZZZ]";
        case Lexical::stamp:
            return "YYYY[MM[DD[HHMM[SS[.S[S[S[S]]]]]]]][+/-ZZZZ]";
        case Lexical::dtm:
            return "YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]";
        case Lexical::comparator:
            return "> < >= <= = or <>";
        case Lexical::separator:
            return "- + / . or :";
    }
    return {};
}

}  // namespace hilum::hl7
