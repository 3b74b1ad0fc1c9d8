// What UTF-8 is (RFC 3629), for those who read bytes that may be none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace hilum::hl7 {

inline constexpr std::string_view replacement_character = "\xef\xbf\xbd";  // U+FFFD

// No byte above 0x7f. Asked of every value that is read, of megabytes of base64 too.
inline bool is_ascii(std::string_view text) {
    char const* at = text.data();
    std::size_t left = text.size();
#if defined(__SSE2__)
    for (; left >= 64; at += 64, left -= 64) {
        auto const* const block = reinterpret_cast<__m128i const*>(at);
        __m128i const a = _mm_or_si128(_mm_loadu_si128(block), _mm_loadu_si128(block + 1));
        __m128i const b = _mm_or_si128(_mm_loadu_si128(block + 2), _mm_loadu_si128(block + 3));
        if (_mm_movemask_epi8(_mm_or_si128(a, b)) != 0) return false;
    }
#endif
    for (; left >= 8; at += 8, left -= 8) {
        std::uint64_t word;
        std::memcpy(&word, at, 8);
        if ((word & 0x8080808080808080) != 0) return false;
    }
    unsigned char high = 0;
    for (; left > 0; ++at, --left) high |= static_cast<unsigned char>(*at);
    return high < 0x80;
}

// The character at the front of `text` (not empty): its length and code point; length 0 when the bytes are
// none (overlong forms, surrogates and anything past U+10FFFF included).
struct Utf8Character {
    std::size_t length = 0;
    std::uint32_t point = 0;
};
inline Utf8Character first_utf8(std::string_view text) {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned const lead = byte(0);
    if (lead < 0x80) return {1, lead};
    std::size_t const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
    std::uint32_t point = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return {};
        point = point << 6 | (byte(i) & 0x3fU);
    }
    bool const overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    bool const surrogate = point >= 0xd800 && point <= 0xdfff;
    if (overlong || surrogate || point > 0x10ffff) return {};
    return {length, point};
}

// The length of the longest valid beginning of `text`.
inline std::size_t valid_utf8(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        if (static_cast<unsigned char>(text[at]) < 0x80) {
            while (at + 8 <= text.size()) {
                std::uint64_t word;
                std::memcpy(&word, text.data() + at, 8);
                if ((word & 0x8080808080808080) != 0) break;
                at += 8;
            }
            while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
            continue;
        }
        auto const character = first_utf8(text.substr(at));
        if (character.length == 0) break;
        at += character.length;
    }
    return at;
}

inline void append_utf8(std::uint32_t point, std::string& out) {
    auto const add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        add(point);
    } else if (point < 0x800) {
        add(0xc0 | point >> 6);
        add(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        add(0xe0 | point >> 12);
        add(0x80 | (point >> 6 & 0x3f));
        add(0x80 | (point & 0x3f));
    } else {
        add(0xf0 | point >> 18);
        add(0x80 | (point >> 12 & 0x3f));
        add(0x80 | (point >> 6 & 0x3f));
        add(0x80 | (point & 0x3f));
    }
}

}  // namespace hilum::hl7
