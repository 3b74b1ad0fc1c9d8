// Dates and times as texts: HL7 (DT, DTM, TS; v2.8.2 §2A.3.21), ISO 8601 as FHIR has it, and patterns of %Y
// %m %d %b %H %M %S %f %z %%. Pure, and without time zone names: offsets only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/result.h"

namespace hilum::routes {

struct Timestamp {
    enum class Precision : unsigned char { year, month, day, hour, minute, second, fraction };

    int year = 0;
    int month = 1;
    int day = 1;
    int hour = 0;
    int minute = 0;
    int second = 0;
    std::string fraction;  // digits behind the second
    Precision precision = Precision::year;
    std::optional<int> offset;  // seconds east of UTC

    bool valid() const;
    // What a clock that shows this says, in seconds since 1970 as if it were UTC.
    std::int64_t local_seconds() const;
    // The same moment at another offset; a day or less precise stays as it is. It has to have an offset.
    // nullopt when it is in no year of four digits.
    std::optional<Timestamp> at(int other_offset) const;
};

class DateFormat {
  public:
    // "hl7", "iso" or a pattern. Error "bad_format".
    static Result<DateFormat> compile(std::string_view text);

    // The whole of `text`; nullopt when it is no such date.
    std::optional<Timestamp> read(std::string_view text) const;
    // nullopt when the pattern asks for more than the value has, or the offset, of times long ago, is not in
    // whole minutes and has to be written.
    std::optional<std::string> write(Timestamp const& time) const;

  private:
    enum class Kind : unsigned char { hl7, iso, pattern };
    Kind kind_ = Kind::pattern;
    std::string pattern_;

    bool writes_offset(Timestamp const& time) const;
};

// "+01:00" "-0500" "Z": seconds east of UTC.
std::optional<int> offset_named(std::string_view text);

}  // namespace hilum::routes
