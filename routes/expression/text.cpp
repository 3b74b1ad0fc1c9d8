#include "routes/expression/text.h"

#include <cstdint>

namespace hilum::expression {
namespace {

bool blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

std::uint32_t decode(std::string_view character) {
    auto const byte = [&](std::size_t i) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(character[i]));
    };
    switch (character.size()) {
        case 2:
            return (byte(0) & 0x1fU) << 6U | (byte(1) & 0x3fU);
        case 3:
            return (byte(0) & 0x0fU) << 12U | (byte(1) & 0x3fU) << 6U | (byte(2) & 0x3fU);
        default:
            return byte(0);
    }
}

void append_two(std::string& out, std::uint32_t code) {
    out += static_cast<char>(0xc0U | code >> 6U);
    out += static_cast<char>(0x80U | (code & 0x3fU));
}

// Unicode's simple case mappings for U+00C0..U+045F, the letters of two bytes that stay two bytes.
std::uint32_t lower_of(std::uint32_t c) {
    if (c >= 0xc0 && c <= 0xde && c != 0xd7) return c + 0x20;
    if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) || (c >= 0x14a && c <= 0x177)) return c | 1U;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) return (c & 1U) ? c + 1 : c;
    if (c == 0x178) return 0xff;
    if (c >= 0x391 && c <= 0x3ab && c != 0x3a2) return c + 0x20;
    if (c >= 0x410 && c <= 0x42f) return c + 0x20;
    if (c >= 0x400 && c <= 0x40f) return c + 0x50;
    return c;
}

std::uint32_t upper_of(std::uint32_t c) {
    if (c >= 0xe0 && c <= 0xfe && c != 0xf7) return c - 0x20;
    if (c == 0xff) return 0x178;
    if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) || (c >= 0x14a && c <= 0x177))
        return c & ~1U;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e)) return (c & 1U) ? c : c - 1;
    if (c == 0x3c2) return 0x3a3;  // final sigma
    if (c >= 0x3b1 && c <= 0x3cb) return c - 0x20;
    if (c >= 0x430 && c <= 0x44f) return c - 0x20;
    if (c >= 0x450 && c <= 0x45f) return c - 0x50;
    return c;
}

template <class Ascii, class Wide>
std::string mapped(std::string_view text, Ascii ascii, Wide wide) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        auto const length = character_length(text);
        auto const character = text.substr(0, length);
        if (length == 1) {
            out += ascii(character[0]);
        } else if (length == 2) {
            append_two(out, wide(decode(character)));
        } else {
            out += character;
        }
        text.remove_prefix(length);
    }
    return out;
}

}  // namespace

std::size_t character_length(std::string_view text) {
    auto const first = static_cast<unsigned char>(text[0]);
    std::size_t const wanted = first < 0xc2 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 1;
    if (wanted > text.size()) return 1;
    for (std::size_t i = 1; i < wanted; ++i)
        if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80U) return 1;
    return wanted;
}

std::size_t character_count(std::string_view text) {
    std::size_t count = 0;
    for (; !text.empty(); ++count) text.remove_prefix(character_length(text));
    return count;
}

std::size_t offset_of(std::string_view text, std::size_t index) {
    std::size_t offset = 0;
    for (; index > 0 && offset < text.size(); --index) offset += character_length(text.substr(offset));
    return offset;
}

std::string upper(std::string_view text) {
    return mapped(
        text, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; }, upper_of);
}

std::string lower(std::string_view text) {
    return mapped(
        text, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }, lower_of);
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

std::string folded(std::string_view text) {
    std::string out;
    for (char const c : lower(trim(text))) {
        if (!blank(c)) {
            out += c;
        } else if (!out.ends_with(' ')) {
            out += ' ';
        }
    }
    return out;
}

}  // namespace hilum::expression
