// What kind a byte of a message is (ASCII alone, whatever the locale), and a name that it begins with.
#pragma once

#include <string_view>

namespace hilum::hl7 {

constexpr bool upper(char c) {
    return c >= 'A' && c <= 'Z';
}
constexpr bool digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool letter(char c) {
    return upper(c) || (c >= 'a' && c <= 'z');
}
constexpr bool letter_or_digit(char c) {
    return letter(c) || digit(c);
}
constexpr bool control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
constexpr bool ascii(char c) {
    return static_cast<unsigned char>(c) < 0x80;
}

constexpr bool capital_or_digit(char c) {
    return upper(c) || digit(c);
}
// 0 to 15; -1 when it is no hexadecimal digit.
constexpr int hex_value(char c) {
    if (digit(c)) return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return -1;
}

// A letter and two letters or digits, all capitals (HL7 v2.8.2 §2.5.2).
// Without branches, since it is asked of every segment; `three` has that many bytes.
constexpr bool named(char const* three) {
    auto const among = [](char c, char first, unsigned count) -> unsigned {
        return static_cast<unsigned char>(c) - static_cast<unsigned>(first) < count;
    };
    auto const capital_or_digit_there = [among](char c) { return among(c, 'A', 26) | among(c, '0', 10); };
    return (among(three[0], 'A', 26) & capital_or_digit_there(three[1]) & capital_or_digit_there(three[2])) !=
           0;
}
constexpr bool segment_name(std::string_view name) {
    return name.size() == 3 && named(name.data());
}
// FHS and BHS declare the delimiters as MSH does (§2.10.3), and count their fields like it.
constexpr bool header_name(std::string_view name) {
    return name == "MSH" || name == "FHS" || name == "BHS";
}

// Without the blanks (0x20) around it.
constexpr std::string_view trimmed(std::string_view text) {
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    return text;
}

}  // namespace hilum::hl7
