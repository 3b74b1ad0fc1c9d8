#include "routes/expression/ucum.h"

#include <algorithm>
#include <iterator>

namespace hilum::expression {
namespace {

constexpr int nesting_max = 8;
constexpr int power_max = 9;

// Places in Unit::powers. From `alone` on: units that convert to no other kind.
enum Dimension : std::size_t { m, s, g, rad, kelvin, coulomb, cd, mol, alone };

struct Atom {
    std::string_view code;
    std::string_view factor;  // a decimal
    int exponent;             // of ten
    std::string_view
        base;             // such as "g1m-1s-2", letters as in `letters`; or "#3": the third that stands alone
    bool metric = false;  // takes prefixes
    std::string_view divisor = "1";
};

constexpr std::string_view letters = "msgrKCdM";

// https://ucum.org/ucum, tables 1 to 23: what clinical data uses.
constexpr Atom atoms[] = {
    {"m", "1", 0, "m1", true},
    {"s", "1", 0, "s1", true},
    {"g", "1", 0, "g1", true},
    {"rad", "1", 0, "r1", true},
    {"K", "1", 0, "K1", true},
    {"C", "1", 0, "C1", true},
    {"cd", "1", 0, "d1", true},
    {"mol", "1", 0, "M1", true},
    {"eq", "1", 0, "M1", true},
    {"osm", "1", 0, "M1", true},
    {"%", "1", -2, ""},
    {"[ppth]", "1", -3, ""},
    {"[ppm]", "1", -6, ""},
    {"[ppb]", "1", -9, ""},
    {"[pptr]", "1", -12, ""},
    {"10*", "1", 1, ""},
    {"10^", "1", 1, ""},
    {"[pi]", "3.14159265358979323846", 0, ""},
    {"sr", "1", 0, "r2", true},
    {"deg", "3.14159265358979323846", 0, "r1", false, "180"},
    {"min", "60", 0, "s1"},
    {"h", "3600", 0, "s1"},
    {"d", "86400", 0, "s1"},
    {"wk", "604800", 0, "s1"},
    {"mo", "2629800", 0, "s1"},
    {"a", "31557600", 0, "s1"},
    {"l", "1", -3, "m3", true},
    {"L", "1", -3, "m3", true},
    {"ar", "1", 2, "m2", true},
    {"t", "1", 6, "g1", true},
    {"u", "1.6605402", -24, "g1", true},
    {"Hz", "1", 0, "s-1", true},
    {"N", "1", 3, "g1m1s-2", true},
    {"Pa", "1", 3, "g1m-1s-2", true},
    {"J", "1", 3, "g1m2s-2", true},
    {"W", "1", 3, "g1m2s-3", true},
    {"A", "1", 0, "C1s-1", true},
    {"V", "1", 3, "g1m2s-2C-1", true},
    {"F", "1", -3, "g-1m-2s2C2", true},
    {"Ohm", "1", 3, "g1m2s-1C-2", true},
    {"S", "1", -3, "g-1m-2s1C2", true},
    {"Wb", "1", 3, "g1m2s-1C-1", true},
    {"T", "1", 3, "g1s-1C-1", true},
    {"H", "1", 3, "g1m2C-2", true},
    {"lm", "1", 0, "d1r2", true},
    {"lx", "1", 0, "d1r2m-2", true},
    {"Bq", "1", 0, "s-1", true},
    {"Ci", "3.7", 10, "s-1", true},
    {"Gy", "1", 0, "m2s-2", true},
    {"RAD", "1", -2, "m2s-2", true},
    {"Sv", "1", 0, "m2s-2", true},
    {"REM", "1", -2, "m2s-2", true},
    {"R", "2.58", -7, "C1g-1", true},
    {"kat", "1", 0, "M1s-1", true},
    {"U", "1", -6, "M1s-1", true, "60"},
    {"cal", "4.184", 3, "g1m2s-2", true},
    {"[Cal]", "4.184", 6, "g1m2s-2"},
    {"erg", "1", -4, "g1m2s-2", true},
    {"dyn", "1", -2, "g1m1s-2", true},
    {"eV", "1.60217733", -16, "g1m2s-2", true},
    {"bar", "1", 8, "g1m-1s-2", true},
    {"atm", "1.01325", 8, "g1m-1s-2"},
    {"m[Hg]", "1.333220", 8, "g1m-1s-2", true},
    {"m[H2O]", "9.80665", 6, "g1m-1s-2", true},
    {"P", "1", 2, "g1m-1s-1", true},
    {"St", "1", -4, "m2s-1", true},
    {"[S]", "1", -13, "s1"},
    {"[diop]", "1", 0, "m-1"},
    {"[in_i]", "2.54", -2, "m1"},
    {"[ft_i]", "0.3048", 0, "m1"},
    {"[yd_i]", "0.9144", 0, "m1"},
    {"[mi_i]", "1609.344", 0, "m1"},
    {"[nmi_i]", "1852", 0, "m1"},
    {"[gr]", "0.06479891", 0, "g1"},
    {"[oz_av]", "28.349523125", 0, "g1"},
    {"[lb_av]", "453.59237", 0, "g1"},
    {"[st_av]", "6350.29318", 0, "g1"},
    {"[car_m]", "0.2", 0, "g1"},
    {"[gal_us]", "3.785411784", -3, "m3"},
    {"[qt_us]", "0.946352946", -3, "m3"},
    {"[pt_us]", "0.473176473", -3, "m3"},
    {"[cup_us]", "2.365882365", -4, "m3"},
    {"[foz_us]", "2.95735295625", -5, "m3"},
    {"[tbs_us]", "1.478676478125", -5, "m3"},
    {"[tsp_us]", "4.92892159375", -6, "m3"},
    {"[drp]", "5", -8, "m3"},
    // Calendar durations of no fixed length: twelve months are a year, but neither is a UCUM 'mo' or 'a'.
    {"month", "1", 0, "#0"},
    {"year", "12", 0, "#0"},
    // Scales with a zero of their own, logarithms and arbitrary units.
    {"Cel", "1", 0, "#1", true},
    {"[degF]", "1", 0, "#2"},
    {"[degRe]", "1", 0, "#3"},
    {"[pH]", "1", 0, "#4"},
    {"B", "1", 0, "#5", true},
    {"Np", "1", 0, "#6", true},
    {"[iU]", "1", 0, "#7", true},
    {"[IU]", "1", 0, "#7", true},
    {"[arb'U]", "1", 0, "#8"},
    {"[USP'U]", "1", 0, "#9"},
    {"[CFU]", "1", 0, "#:"},
    {"[pfU]", "1", 0, "#;"},
    {"[HPF]", "1", 0, ""},
    {"[LPF]", "1", 2, ""},
    {"[GPL'U]", "1", 0, "#<"},
    {"[MPL'U]", "1", 0, "#="},
    {"[tb'U]", "1", 0, "#>"},
};

struct Prefix {
    std::string_view code;
    int exponent;
};
constexpr Prefix prefixes[] = {{"da", 1},  {"Y", 24},  {"Z", 21},  {"E", 18},  {"P", 15},
                               {"T", 12},  {"G", 9},   {"M", 6},   {"k", 3},   {"h", 2},
                               {"d", -1},  {"c", -2},  {"m", -3},  {"u", -6},  {"n", -9},
                               {"p", -12}, {"f", -15}, {"a", -18}, {"z", -21}, {"y", -24}};

Unit unit_of(Atom const& atom, int prefix) {
    Unit u;
    u.numerator = *Decimal::parse(atom.factor);
    u.denominator = *Decimal::parse(atom.divisor);
    u.exponent = atom.exponent + prefix;
    if (atom.base.starts_with('#')) {
        u.powers[alone + static_cast<std::size_t>(atom.base[1] - '0')] = 1;
        return u;
    }
    for (std::size_t i = 0; i < atom.base.size(); ++i) {
        auto const dimension = letters.find(atom.base[i]);
        bool const negative = atom.base[++i] == '-';
        if (negative) ++i;
        auto const power = static_cast<std::int8_t>(atom.base[i] - '0');
        u.powers[dimension] = negative ? static_cast<std::int8_t>(-power) : power;
    }
    return u;
}

std::optional<Unit> find_atom(std::string_view code) {
    auto const find = [](std::string_view wanted) {
        return std::find_if(std::begin(atoms), std::end(atoms),
                            [&](Atom const& a) { return a.code == wanted; });
    };
    if (auto const* const whole = find(code); whole != std::end(atoms)) return unit_of(*whole, 0);
    for (auto const& prefix : prefixes) {
        if (!code.starts_with(prefix.code)) continue;
        auto const* const rest = find(code.substr(prefix.code.size()));
        if (rest != std::end(atoms) && rest->metric) return unit_of(*rest, prefix.exponent);
    }
    return std::nullopt;
}

// a * b^power, |power| <= power_max.
std::optional<Unit> product(Unit a, Unit const& b, int power) {
    int const count = power < 0 ? -power : power;
    for (int i = 0; i < count; ++i) {
        auto const up = a.numerator.times(power < 0 ? b.denominator : b.numerator);
        auto const down = a.denominator.times(power < 0 ? b.numerator : b.denominator);
        if (!up || !down) return std::nullopt;
        a.numerator = *up;
        a.denominator = *down;
    }
    a.exponent += b.exponent * power;
    for (std::size_t i = 0; i < Unit::dimensions; ++i) {
        int const sum = a.powers[i] + b.powers[i] * power;
        if (sum < -100 || sum > 100) return std::nullopt;
        a.powers[i] = static_cast<std::int8_t>(sum);
    }
    return a;
}

bool digit(char c) {
    return c >= '0' && c <= '9';
}

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    std::optional<Unit> run() {
        auto const unit = term(0);
        return text_.empty() ? unit : std::nullopt;
    }

  private:
    char peek() const { return text_.empty() ? '\0' : text_[0]; }

    std::optional<Unit> term(int nesting) {
        if (nesting > nesting_max) return std::nullopt;
        std::optional<Unit> result(Unit{});
        int sign = 1;
        if (peek() == '/') {
            sign = -1;
            text_.remove_prefix(1);
        }
        while (true) {
            int power = 1;
            auto const unit = component(nesting, power);
            if (!unit) return std::nullopt;
            result = product(*result, *unit, sign * power);
            if (!result || (peek() != '.' && peek() != '/')) return result;
            sign = peek() == '/' ? -1 : 1;
            text_.remove_prefix(1);
        }
    }

    std::optional<Unit> component(int nesting, int& power) {
        if (peek() == '{') return annotation() ? std::optional(Unit{}) : std::nullopt;
        if (peek() == '(') {
            text_.remove_prefix(1);
            auto const inner = term(nesting + 1);
            if (!inner || peek() != ')') return std::nullopt;
            text_.remove_prefix(1);
            return inner;
        }
        std::size_t digits = 0;
        while (digits < text_.size() && digit(text_[digits])) ++digits;
        bool const ten = digits == 2 && (text_.starts_with("10*") || text_.starts_with("10^"));
        if (digits > 0 && !ten) {
            Unit number;
            auto const value = digits <= 9 ? Decimal::parse(text_.substr(0, digits)) : std::nullopt;
            if (!value || value->zero()) return std::nullopt;
            number.numerator = *value;
            text_.remove_prefix(digits);
            return number;
        }
        auto const atom = find_atom(symbol(ten ? 3 : 0));
        if (!atom || !exponent(power) || (peek() == '{' && !annotation())) return std::nullopt;
        return atom;
    }

    // Letters, and brackets with whatever is in them.
    std::string_view symbol(std::size_t length) {
        bool bracket = false;
        for (; length < text_.size(); ++length) {
            char const c = text_[length];
            if (c == '[') bracket = true;
            bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '%' || c == '\'';
            if (!bracket && !letter) break;
            if (c == ']') bracket = false;
        }
        auto const found = text_.substr(0, length);
        text_.remove_prefix(length);
        return found;
    }

    bool exponent(int& power) {
        bool const negative = peek() == '-';
        std::size_t const begin = negative || peek() == '+' ? 1 : 0;
        std::size_t end = begin;
        int value = 0;
        for (; end < text_.size() && digit(text_[end]) && value <= 100; ++end)
            value = value * 10 + (text_[end] - '0');
        if (end == begin) return begin == 0;
        if (value > power_max * 3) return false;
        text_.remove_prefix(end);
        power = negative ? -value : value;
        return true;
    }

    bool annotation() {
        auto const end = text_.find('}');
        if (end == std::string_view::npos) return false;
        text_.remove_prefix(end + 1);
        return true;
    }

    std::string_view text_;
};

std::optional<Decimal> scaled(Decimal const& value, int exponent) {
    std::optional<Decimal> out = value;
    auto const ten = Decimal(10);
    auto const tenth = *Decimal::parse("0.1");
    for (; out && exponent > 0; --exponent) out = out->times(ten);
    for (; out && exponent < 0; ++exponent) out = out->times(tenth);
    return out;
}

}  // namespace

std::optional<Unit> Unit::parse(std::string_view text) {
    if (text.empty() || text.size() > 100) return std::nullopt;
    return Parser(text).run();
}

std::optional<std::strong_ordering> Unit::compare(Decimal const& a, Unit const& other,
                                                  Decimal const& b) const {
    if (!commensurable(other)) return std::nullopt;
    // a * n / d * 10^e against b * n' / d' * 10^e', without a division.
    auto left = a.times(numerator);
    if (left) left = left->times(other.denominator);
    auto right = b.times(other.numerator);
    if (right) right = right->times(denominator);
    if (!left || !right) return std::nullopt;
    int const difference = exponent - other.exponent;
    left = scaled(*left, std::max(difference, 0));
    right = scaled(*right, std::max(-difference, 0));
    if (!left || !right) return std::nullopt;
    return *left <=> *right;
}

std::optional<Decimal> Unit::convert(Decimal const& amount, Unit const& other) const {
    if (!commensurable(other)) return std::nullopt;
    auto up = amount.times(numerator);
    if (up) up = up->times(other.denominator);
    auto const down = denominator.times(other.numerator);
    if (!up || !down) return std::nullopt;
    up = scaled(*up, exponent - other.exponent);
    if (!up) return std::nullopt;
    if (*down == Decimal(1)) return up;
    return up->over(*down);
}

}  // namespace hilum::expression
