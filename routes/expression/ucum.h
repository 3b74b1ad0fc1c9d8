// Units of measure, as far as quantities need them (https://ucum.org): what a unit is made of and how units
// of one kind convert. The common atoms and all metric prefixes; a unit that is not known here equals only
// itself.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "routes/expression/decimal.h"

namespace hilum::expression {

// factor = numerator / denominator * 10^exponent of the base units m s g rad K C cd mol and those that stand
// alone.
struct Unit {
    static constexpr std::size_t dimensions = 24;

    Decimal numerator{1}, denominator{1};
    int exponent = 0;
    std::array<std::int8_t, dimensions> powers{};

    static std::optional<Unit> parse(std::string_view text);
    bool commensurable(Unit const& other) const { return powers == other.powers; }
    // a * this <=> b * other; nullopt when they are of different kinds or too far apart for exact numbers.
    std::optional<std::strong_ordering> compare(Decimal const& a, Unit const& other, Decimal const& b) const;
    // `amount` of this unit in the other; nullopt likewise.
    std::optional<Decimal> convert(Decimal const& amount, Unit const& other) const;
};

}  // namespace hilum::expression
