#include "parsers/hl7/line_ends.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace hilum::hl7 {

namespace {

using Block = std::array<char, 64>;

// The last bytes of a text as a whole block: zeros are no line ends.
Block last_block(std::string_view text, std::size_t block) {
    Block padded{};
    std::memcpy(padded.data(), text.data() + block, text.size() - block);
    return padded;
}

// Bit n: byte n of the word (in memory order) is `c`.
std::uint64_t equal_bytes(std::uint64_t word, char c) {
    constexpr std::uint64_t ones = 0x0101010101010101, low7 = 0x7f7f7f7f7f7f7f7f;
    word ^= ones * static_cast<unsigned char>(c);
    std::uint64_t const hits = ~(((word & low7) + low7) | word | low7);
    // Gathers the eight top bits into one byte.
    return ((hits >> 7) * 0x0102040810204080) >> 56;
}

std::uint64_t portable_mask(char const* bytes) {
    std::uint64_t mask = 0;
    if constexpr (std::endian::native == std::endian::little) {
        for (unsigned i = 0; i < 8; ++i) {
            std::uint64_t word;
            std::memcpy(&word, bytes + 8 * i, 8);
            mask |= (equal_bytes(word, '\r') | equal_bytes(word, '\n')) << (8 * i);
        }
    } else {
        for (unsigned i = 0; i < 64; ++i) {
            if (bytes[i] == '\r' || bytes[i] == '\n') mask |= std::uint64_t{1} << i;
        }
    }
    return mask;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) inline __m256i avx2_hits(char const* bytes) {
    __m256i const chunk = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(bytes));
    return _mm256_or_si256(_mm256_cmpeq_epi8(chunk, _mm256_set1_epi8('\r')),
                           _mm256_cmpeq_epi8(chunk, _mm256_set1_epi8('\n')));
}

__attribute__((target("avx2"))) inline std::uint64_t avx2_bits(__m256i low, __m256i high) {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(low)) |
           std::uint64_t{static_cast<std::uint32_t>(_mm256_movemask_epi8(high))} << 32;
}

__attribute__((target("avx2"))) std::uint64_t scan_avx2(std::string_view text, std::size_t& block) {
    for (; block + 64 <= text.size(); block += 64) {
        __m256i const low = avx2_hits(text.data() + block), high = avx2_hits(text.data() + block + 32);
        __m256i const any = _mm256_or_si256(low, high);
        if (_mm256_testz_si256(any, any) == 0) return avx2_bits(low, high);
    }
    if (block >= text.size()) return 0;
    Block const padded = last_block(text, block);
    return avx2_bits(avx2_hits(padded.data()), avx2_hits(padded.data() + 32));
}
#endif

LineEndScan choose() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) return scan_avx2;
#endif
    return scan_line_ends_portable;
}

}  // namespace

std::uint64_t scan_line_ends_portable(std::string_view text, std::size_t& block) {
    for (; block + 64 <= text.size(); block += 64) {
        if (auto const mask = portable_mask(text.data() + block); mask != 0) return mask;
    }
    return block < text.size() ? portable_mask(last_block(text, block).data()) : 0;
}

LineEndScan fastest_line_end_scan() {
    static LineEndScan const chosen = choose();
    return chosen;
}

}  // namespace hilum::hl7
