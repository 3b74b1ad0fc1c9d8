#include "routes/expression/quantity.h"

#include <algorithm>

#include "routes/expression/text.h"

namespace hilum::expression {
namespace {

bool simple(std::string_view unit) {
    return unit.find_first_of("./") == std::string_view::npos;
}

std::string bracketed(std::string_view unit) {
    return simple(unit) ? std::string(unit) : "(" + std::string(unit) + ")";
}

// `~` takes calendar years and months for UCUM's (N1 §6.1.2).
std::string_view similar_unit(Quantity const& q) {
    auto const unit = q.calendar ? ucum_of(q.unit) : q.unit;
    return unit == "year" || unit == "years" ? "a" : unit == "month" || unit == "months" ? "mo" : unit;
}

}  // namespace

std::string text_of(Quantity const& quantity) {
    if (quantity.calendar) return quantity.value.text() + " " + std::string(quantity.unit);
    return quantity.value.text() + " '" + std::string(quantity.unit) + "'";
}

std::optional<Quantity> parse_quantity(std::string_view text) {
    text = trim(text);
    auto const end = std::min(text.find_first_not_of("+-0123456789."), text.size());
    auto const number = text.substr(0, end);
    // Not ".5" or "5.", which HL7's numbers may be.
    if (number.empty() || number.back() == '.' || number.find_first_of("0123456789") > number.find('.'))
        return std::nullopt;
    auto const value = Decimal::parse(number);
    if (!value) return std::nullopt;
    auto const rest = text.substr(end);
    auto const unit = trim(rest);
    if (unit.empty()) return rest.empty() ? std::optional(Quantity{*value}) : std::nullopt;
    if (unit.size() > 2 && unit.front() == '\'' && unit.back() == '\'') {
        auto const code = unit.substr(1, unit.size() - 2);
        if (code.find_first_of("' \t") != std::string_view::npos) return std::nullopt;
        return Quantity{*value, code};
    }
    if (rest.front() != ' ' || calendar_unit(unit) == Calendar::none) return std::nullopt;
    return Quantity{*value, unit, true};
}

std::string_view ucum_of(std::string_view word) {
    switch (calendar_unit(word)) {
        case Calendar::week:
            return "wk";
        case Calendar::day:
            return "d";
        case Calendar::hour:
            return "h";
        case Calendar::minute:
            return "min";
        case Calendar::second:
            return "s";
        case Calendar::millisecond:
            return "ms";
        default:
            return word;
    }
}

std::optional<Unit> unit_of(Quantity const& quantity) {
    auto unit = ucum_of(quantity.unit);
    if (unit == "years" || unit == "months") unit.remove_suffix(1);
    return Unit::parse(unit);
}

std::optional<std::strong_ordering> compare(Quantity const& a, Quantity const& b) {
    if (a.unit == b.unit) return a.value <=> b.value;
    auto const ua = unit_of(a);
    auto const ub = unit_of(b);
    return ua && ub ? ua->compare(a.value, *ub, b.value) : std::nullopt;
}

Truth equal(Quantity const& a, Quantity const& b) {
    auto const order = compare(a, b);
    return order ? truth(*order == 0) : Truth::unknown;
}

bool equivalent(Quantity const& a, Quantity const& b) {
    auto const ua = Unit::parse(similar_unit(a));
    auto const ub = Unit::parse(similar_unit(b));
    std::optional<Decimal> converted = b.value;
    if (similar_unit(a) != similar_unit(b)) converted = ua && ub ? ub->convert(b.value, *ua) : std::nullopt;
    if (!converted) return false;
    // At the precision of the less precise, after b's digits moved with its unit.
    int const scale = std::min(a.value.scale(), converted->trimmed().scale());
    return a.value.rounded(scale) == converted->rounded(scale);
}

std::optional<Quantity> add(Quantity const& a, Quantity const& b) {
    if (a.unit == b.unit) {
        auto const sum = a.value.plus(b.value);
        return sum ? std::optional(Quantity{*sum, a.unit, a.calendar}) : std::nullopt;
    }
    auto const ua = unit_of(a);
    auto const ub = unit_of(b);
    if (!ua || !ub || !ua->commensurable(*ub)) return std::nullopt;
    // In the finer unit.
    auto const order = ua->compare(Decimal(1), *ub, Decimal(1));
    if (!order) return std::nullopt;
    bool const first = *order <= 0;
    auto const converted = first ? ub->convert(b.value, *ua) : ua->convert(a.value, *ub);
    auto const& kept = first ? a : b;
    auto const sum = converted ? converted->plus(kept.value) : std::nullopt;
    return sum ? std::optional(Quantity{*sum, kept.unit, kept.calendar}) : std::nullopt;
}

std::optional<Quantity> multiply(Quantity const& a, Quantity const& b, Storage& storage) {
    auto const product = a.value.times(b.value);
    if (!product) return std::nullopt;
    if (b.unit == "1") return Quantity{*product, a.unit, a.calendar};
    if (a.unit == "1") return Quantity{*product, b.unit, b.calendar};
    if (!unit_of(a) || !unit_of(b)) return std::nullopt;
    return Quantity{*product,
                    storage.keep(std::string(ucum_of(a.unit)) + "." + std::string(ucum_of(b.unit)))};
}

std::optional<Quantity> divide(Quantity const& a, Quantity const& b, Storage& storage) {
    auto const quotient = a.value.over(b.value);
    if (!quotient) return std::nullopt;
    if (b.unit == "1") return Quantity{*quotient, a.unit, a.calendar};
    if (a.unit == b.unit) return Quantity{*quotient};
    if (!unit_of(a) || !unit_of(b)) return std::nullopt;
    auto const left = a.unit == "1" ? std::string() : std::string(ucum_of(a.unit));
    return Quantity{*quotient, storage.keep(left + "/" + bracketed(ucum_of(b.unit)))};
}

}  // namespace hilum::expression
