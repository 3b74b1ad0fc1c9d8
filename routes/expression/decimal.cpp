#include "routes/expression/decimal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace hilum::expression {
namespace {

constexpr int digits_max = 36;

bool times_ten(__int128& value, int times) {
    for (; times > 0; --times) {
        if (value == 0) return true;
        if (__builtin_mul_overflow(value, static_cast<__int128>(10), &value)) return false;
    }
    return true;
}

// a / b, half away from zero.
__int128 divide_rounded(__int128 a, __int128 b) {
    __int128 const quotient = a / b;
    __int128 const rest = a % b;
    __int128 const size_of_rest = rest < 0 ? -rest : rest;
    __int128 const size_of_b = b < 0 ? -b : b;
    if (size_of_rest < size_of_b - size_of_rest) return quotient;
    return quotient + ((a < 0) == (b < 0) ? 1 : -1);
}

}  // namespace

std::optional<Decimal> Decimal::parse(std::string_view text) {
    bool const minus = text.starts_with('-');
    if (minus || text.starts_with('+')) text.remove_prefix(1);
    __int128 value = 0;
    int digits = 0;
    int significant = 0;
    int scale = 0;
    bool point = false;
    for (char const c : text) {
        if (c == '.') {
            if (point) return std::nullopt;
            point = true;
            continue;
        }
        if (c < '0' || c > '9') return std::nullopt;
        ++digits;
        if (significant > 0 || c != '0') ++significant;
        if (point) ++scale;
        if (significant > digits_max || scale > scale_max) return std::nullopt;
        value = value * 10 + (c - '0');
    }
    if (digits == 0) return std::nullopt;
    return Decimal(minus ? -value : value, scale);
}

std::optional<Decimal> Decimal::scientific(std::string_view text) {
    auto const e = text.find_first_of("eE");
    auto value = parse(text.substr(0, e));
    if (!value || e == std::string_view::npos) return value;
    auto digits = text.substr(e + 1);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    int exponent = 0;
    auto const result = std::from_chars(digits.data(), digits.data() + digits.size(), exponent);
    if (result.ec != std::errc() || result.ptr != digits.data() + digits.size()) return std::nullopt;
    if (exponent > digits_max || exponent < -scale_max) return std::nullopt;
    value->scale_ -= exponent;
    if (value->scale_ > scale_max) return std::nullopt;
    if (value->scale_ < 0) {
        if (!times_ten(value->coefficient_, -value->scale_)) return std::nullopt;
        value->scale_ = 0;
    }
    return value;
}

std::optional<Decimal> Decimal::nearest(double value) {
    if (!std::isfinite(value)) return std::nullopt;
    std::array<char, 64> buffer{};
    auto const result =
        std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific, 14);
    auto const d = scientific({buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data())});
    return d ? std::optional(d->trimmed()) : std::nullopt;
}

Decimal Decimal::shifted(int digits) const {
    return {coefficient_, scale_ - digits};
}

double Decimal::approximate() const {
    auto const written = text();
    double value = 0;
    std::from_chars(written.data(), written.data() + written.size(), value);
    return value;
}

Decimal Decimal::floored(int scale) const {
    Decimal d = *this;
    if (scale >= scale_) {
        if (times_ten(d.coefficient_, scale - scale_)) d.scale_ = scale;
        return d;
    }
    __int128 divisor = 1;
    if (!times_ten(divisor, scale_ - scale)) return {coefficient_ < 0 ? -1 : 0, scale};
    d.coefficient_ = coefficient_ / divisor - (coefficient_ % divisor < 0 ? 1 : 0);
    d.scale_ = scale;
    return d;
}

std::string Decimal::text() const {
    __int128 rest = coefficient_;
    bool const minus = rest < 0;
    std::string reversed;
    int position = 0;
    while (rest != 0 || position <= scale_) {
        if (position == scale_ && scale_ > 0) reversed += '.';
        auto const digit = static_cast<int>(rest % 10);
        reversed += static_cast<char>('0' + (digit < 0 ? -digit : digit));
        rest /= 10;
        ++position;
    }
    if (minus) reversed += '-';
    std::reverse(reversed.begin(), reversed.end());
    return reversed;
}

Decimal Decimal::negated() const {
    return {-coefficient_, scale_};
}

Decimal Decimal::rounded(int scale) const {
    if (scale >= scale_) return *this;
    __int128 divisor = 1;
    if (!times_ten(divisor, scale_ - scale)) return {0, scale};
    return {divide_rounded(coefficient_, divisor), scale};
}

std::optional<std::int64_t> Decimal::truncated() const {
    __int128 value = coefficient_;
    for (int i = 0; i < scale_; ++i) value /= 10;
    if (value < INT64_MIN || value > INT64_MAX) return std::nullopt;
    return static_cast<std::int64_t>(value);
}

Decimal Decimal::trimmed() const {
    Decimal d = *this;
    while (d.scale_ > 0 && d.coefficient_ % 10 == 0) {
        d.coefficient_ /= 10;
        --d.scale_;
    }
    return d;
}

bool Decimal::align(Decimal& a, Decimal& b) {
    int const scale = std::max(a.scale_, b.scale_);
    if (!times_ten(a.coefficient_, scale - a.scale_) || !times_ten(b.coefficient_, scale - b.scale_))
        return false;
    a.scale_ = b.scale_ = scale;
    return true;
}

std::strong_ordering Decimal::operator<=>(Decimal const& other) const {
    Decimal a = *this;
    Decimal b = other;
    if (align(a, b)) return a.coefficient_ <=> b.coefficient_;
    // Only the one with fewer fractional digits can have overflowed, and then it is the larger by far.
    if (scale_ < other.scale_)
        return coefficient_ > 0 ? std::strong_ordering::greater : std::strong_ordering::less;
    return other.coefficient_ > 0 ? std::strong_ordering::less : std::strong_ordering::greater;
}

std::optional<Decimal> Decimal::plus(Decimal const& other) const {
    Decimal a = *this;
    Decimal b = other;
    __int128 sum = 0;
    if (!align(a, b) || __builtin_add_overflow(a.coefficient_, b.coefficient_, &sum)) return std::nullopt;
    return Decimal(sum, a.scale_);
}

std::optional<Decimal> Decimal::times(Decimal const& other) const {
    for (bool const trim : {false, true}) {
        Decimal const a = trim ? trimmed() : *this;
        Decimal const b = trim ? other.trimmed() : other;
        __int128 product = 0;
        if (__builtin_mul_overflow(a.coefficient_, b.coefficient_, &product)) continue;
        Decimal const result(product, a.scale_ + b.scale_);
        return result.rounded(scale_max);
    }
    return std::nullopt;
}

std::optional<Decimal> Decimal::over(Decimal const& other) const {
    if (other.zero()) return std::nullopt;
    Decimal const a = trimmed();
    Decimal const b = other.trimmed();
    __int128 dividend = a.coefficient_;
    int scale = a.scale_ - b.scale_;
    while (scale < division_scale) {
        __int128 larger = dividend;
        if (!times_ten(larger, 1)) break;
        dividend = larger;
        ++scale;
    }
    if (scale < 0) return std::nullopt;
    return Decimal(divide_rounded(dividend, b.coefficient_), scale).rounded(division_scale).trimmed();
}

std::optional<Decimal> Decimal::whole_quotient(Decimal const& other) const {
    Decimal a = *this;
    Decimal b = other;
    if (other.zero() || !align(a, b)) return std::nullopt;
    return Decimal(a.coefficient_ / b.coefficient_, 0);
}

std::optional<Decimal> Decimal::remainder(Decimal const& other) const {
    Decimal a = *this;
    Decimal b = other;
    if (other.zero() || !align(a, b)) return std::nullopt;
    return Decimal(a.coefficient_ % b.coefficient_, a.scale_);
}

}  // namespace hilum::expression
