// FHIRPath Decimal: exact base-ten numbers (http://hl7.org/fhirpath/N1/#decimal), so that 0.1 + 0.2 = 0.3.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hilum::expression {

// coefficient * 10^-scale with up to 36 significant digits. What doesn't fit is nullopt: FHIRPath makes an
// overflow empty.
class Decimal {
  public:
    static constexpr int scale_max = 30;
    static constexpr int division_scale = 16;  // fractional digits a quotient is rounded to

    Decimal() = default;
    explicit Decimal(std::int64_t whole) : coefficient_(whole) {}
    // [+-] digits [. digits]; also ".5" and "5." which HL7's NM allows. The whole of `text`, no blanks.
    static std::optional<Decimal> parse(std::string_view text);
    // The same with an exponent behind, as JSON may have: "1.5e-3".
    static std::optional<Decimal> scientific(std::string_view text);
    // The nearest with 15 significant digits.
    static std::optional<Decimal> nearest(double value);

    std::string text() const;  // trailing zeros are kept: they are precision
    int scale() const { return scale_; }
    bool zero() const { return coefficient_ == 0; }
    bool negative() const { return coefficient_ < 0; }
    Decimal trimmed() const;  // without zeros at the end of the fraction
    Decimal negated() const;
    Decimal shifted(int digits) const;  // times 10^digits, digits <= 0
    double approximate() const;
    Decimal floored(
        int scale) const;  // to so many fractional digits, towards minus infinity; zeros are added
    Decimal rounded(int scale) const;  // half away from zero; unchanged when it has no more digits than that
    std::optional<std::int64_t> truncated() const;  // towards zero; nullopt when it does not fit

    std::strong_ordering operator<=>(Decimal const& other) const;
    bool operator==(Decimal const& other) const { return (*this <=> other) == 0; }

    std::optional<Decimal> plus(Decimal const& other) const;
    std::optional<Decimal> times(Decimal const& other) const;
    std::optional<Decimal> over(Decimal const& other) const;            // nullopt for a zero divisor too
    std::optional<Decimal> whole_quotient(Decimal const& other) const;  // div: truncated
    std::optional<Decimal> remainder(Decimal const& other) const;       // mod: sign of the dividend

  private:
    __int128 coefficient_ = 0;
    int scale_ = 0;

    Decimal(__int128 coefficient, int scale) : coefficient_(coefficient), scale_(scale) {}

    static bool align(Decimal& a, Decimal& b);  // to one scale; false when that overflows
};

}  // namespace hilum::expression
