#include "parsers/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace hilum {
namespace {

constexpr std::string_view plain_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view url_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t none = 0xff, blank = 0xfe;

constexpr std::array<std::uint8_t, 256> values_of(std::string_view digits) {
    std::array<std::uint8_t, 256> values{};
    values.fill(none);
    for (std::size_t i = 0; i < digits.size(); ++i)
        values[static_cast<unsigned char>(digits[i])] = static_cast<std::uint8_t>(i);
    for (char const c : {' ', '\n', '\r', '\t'}) values[static_cast<unsigned char>(c)] = blank;
    return values;
}
constexpr auto plain_values = values_of(plain_digits);
constexpr auto url_values = values_of(url_digits);

}  // namespace

std::string to_base64(std::string_view bytes, Base64 alphabet) {
    auto const digits = alphabet == Base64::url ? url_digits : plain_digits;
    auto const byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(bytes[i])}; };
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        auto const left = std::min<std::size_t>(bytes.size() - i, 3);
        std::uint32_t const bits =
            byte(i) << 16U | (left > 1 ? byte(i + 1) << 8U : 0U) | (left > 2 ? byte(i + 2) : 0U);
        for (unsigned d = 0; d < 4; ++d) out += d <= left ? digits[bits >> (18U - 6U * d) & 63U] : '=';
    }
    return out;
}

std::optional<std::string> from_base64(std::string_view text, Base64 alphabet) {
    auto const& values = alphabet == Base64::url ? url_values : plain_values;
    std::string out;
    out.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t bits = 0;
    unsigned count = 0;
    while (text.ends_with('=')) text.remove_suffix(1);
    for (char const c : text) {
        auto const value = values[static_cast<unsigned char>(c)];
        if (value == blank) continue;
        if (value == none) return std::nullopt;
        bits = (bits << 6U | value) & 0xffffffU;
        count = (count + 1) % 4;
        if (count != 1) out += static_cast<char>(bits >> (6U - 2U * ((count + 3U) % 4U)) & 0xffU);
    }
    return count == 1 ? std::nullopt : std::optional(std::move(out));
}

}  // namespace hilum
