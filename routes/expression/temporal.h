// FHIRPath Date, DateTime and Time: as much of a moment as was written (http://hl7.org/fhirpath/N1/#date).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "routes/expression/decimal.h"

namespace hilum::expression {

// What a value says down to. A second may have a fraction; `second` and its fraction count as one precision.
enum class Precision : unsigned char { year, month, day, hour, minute, second };

// Calendar durations (http://hl7.org/fhirpath/N1/#time-valued-quantities).
enum class Calendar : unsigned char { none, year, month, week, day, hour, minute, second, millisecond };
// Of "year" and "years"; none for other words.
Calendar calendar_unit(std::string_view word);

// One of the three; which one the Item knows that holds it.
class Temporal {
  public:
    // "2014" to "2014-01-25"; with a T behind, as in a literal, a DateTime of that precision.
    static std::optional<Temporal> date(std::string_view text);
    // "2014", "2014T", "2014-01-25T14:30:14.559+10:00"
    static std::optional<Temporal> date_time(std::string_view text);
    // "14", "14:30", "14:30:14.559"
    static std::optional<Temporal> time(std::string_view text);
    // HL7's DT and TS: "20140125", "20140125143014.5+0100"
    static std::optional<Temporal> hl7(std::string_view text);
    // In UTC, with milliseconds.
    static Temporal at(std::int64_t unix_us);

    std::string text(bool is_time, bool is_date_time) const;
    Precision precision() const { return precision_; }
    // Digits as precision() and the boundaries count them: @2014-01 is 6, @T10:30 is 4, a DateTime with
    // ms 17.
    int digits(bool is_time) const;
    Temporal only_date() const;  // of a DateTime, no zone
    Temporal only_time() const;

    // nullopt: one is less precise and they are the same as far as it goes, or only one has a zone and they
    // are closer than zones are apart.
    std::optional<std::strong_ordering> compare(Temporal const& other) const;
    bool same_precision(Temporal const& other) const {
        return precision_ == other.precision_ && zoned_ == other.zoned_;
    }
    // The duration's fraction counts from seconds down only; nullopt beyond the years 1 to 9999.
    std::optional<Temporal> plus(Decimal const& amount, Calendar unit, bool is_time) const;
    // The first or last moment it may mean, in so many digits; nullopt when no precision has that many.
    std::optional<Temporal> boundary(bool high, int digits, bool is_time, bool is_date_time) const;

  private:
    std::int64_t local_us_ = 0;  // since 1970-01-01T00:00 by its own clock; of a Time since midnight
    std::int16_t offset_ = 0;    // minutes east of UTC
    Precision precision_ = Precision::year;
    std::uint8_t fraction_ : 7 = 0;  // digits of the second's fraction, at most 6
    bool zoned_ : 1 = false;

    static std::optional<Temporal> read(std::string_view text, bool is_time);
    std::int64_t length_us() const;  // of what it may mean: a day for 2014-01-25
};

}  // namespace hilum::expression
