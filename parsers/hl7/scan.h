// Finding the n-th part of a delimited text: what every read and edit of a message comes down to.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace hilum::hl7 {

inline constexpr std::size_t nowhere = static_cast<std::size_t>(-1);
inline constexpr std::size_t sparse_after = 128;  // bytes without the delimiter

// Where a delimiter stands, and the bytes right behind it that are known to hold another one.
struct Hit {
    std::size_t at = nowhere;
    std::size_t next =
        nowhere;  // the one after it, if it was seen on the way; else look for it from `resume`
    std::size_t resume = 0;
};

// The position of the `count`-th `delimiter` (from 1) at or after `from`; nowhere when there are fewer.
// Fields are short, so a memchr for each costs more than counting delimiters eight bytes at a time; where
// there has been none for a while (a document in base64), memchr is the faster one.
inline Hit find_nth_hit(std::string_view text, char delimiter, std::uint32_t count, std::size_t from = 0) {
    char const* const data = text.data();
    std::size_t at = from;
    if constexpr (std::endian::native == std::endian::little) {
        constexpr std::uint64_t ones = 0x0101010101010101, low7 = 0x7f7f7f7f7f7f7f7f;
        std::uint64_t const pattern = ones * static_cast<unsigned char>(delimiter);
        std::size_t sparse = from + sparse_after;
        for (; at + 8 <= text.size(); at += 8) {
            if (at >= sparse) {
                auto const* hit =
                    static_cast<char const*>(std::memchr(data + at, delimiter, text.size() - at));
                if (hit == nullptr) return {};
                at = static_cast<std::size_t>(hit - data);
                if (at + 8 > text.size()) break;
                sparse = at + sparse_after;
            }
            std::uint64_t word;
            std::memcpy(&word, data + at, 8);
            word ^= pattern;
            // 0x80 in every byte that equals the delimiter, 0 elsewhere (exact: no carry crosses a byte).
            std::uint64_t hits = ~(((word & low7) + low7) | word | low7);
            auto const here = static_cast<std::uint32_t>(((hits >> 7) * ones) >> 56);
            if (here < count) {
                count -= here;
                if (here != 0) sparse = at + sparse_after;
                continue;
            }
            while (--count != 0) hits &= hits - 1;
            auto const position = [at](std::uint64_t bits) {
                return at + static_cast<std::size_t>(std::countr_zero(bits)) / 8;
            };
            std::uint64_t const later = hits & (hits - 1);
            return {position(hits), later == 0 ? nowhere : position(later), at + 8};
        }
    }
    for (; at < text.size(); ++at) {
        if (data[at] == delimiter && --count == 0) return {at, nowhere, at + 1};
    }
    return {};
}

inline std::size_t find_nth(std::string_view text, char delimiter, std::uint32_t count,
                            std::size_t from = 0) {
    return find_nth_hit(text, delimiter, count, from).at;
}

// The n-th part (from 1) of `text`; a view with data() == nullptr when there are fewer. A delimiter that is
// not declared ('\0') never splits.
inline std::string_view part(std::string_view text, char delimiter, std::uint32_t n) {
    if (text.data() == nullptr) return {};
    if (delimiter == '\0') return n == 1 ? text : std::string_view{};
    std::size_t begin = 0, end = nowhere;
    if (n > 1) {
        Hit const before = find_nth_hit(text, delimiter, n - 1);
        if (before.at == nowhere) return {};
        begin = before.at + 1;
        end = before.next != nowhere ? before.next : find_nth(text, delimiter, 1, before.resume);
    } else {
        end = find_nth(text, delimiter, 1);
    }
    return {text.data() + begin, (end == nowhere ? text.size() : end) - begin};
}

inline std::size_t count_parts(std::string_view text, char delimiter) {
    if (delimiter == '\0') return 1;
    std::size_t parts = 1;
    for (char const c : text) parts += c == delimiter ? 1 : 0;
    return parts;
}

}  // namespace hilum::hl7
