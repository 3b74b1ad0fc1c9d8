// Text in which escape sequences switch between sets of characters (ISO/IEC 2022, ECMA-35), as MSH-18 with
// several repetitions announces it: `ESC $ B` for JIS X 0208 and its like (HL7 v2.8.2 §2.7.2, §2.15.9.18).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parsers/hl7/charset.h"

namespace hilum::hl7 {

// Reads such bytes piece by piece, from the beginning of a value or message. A line break brings back the
// sets of the beginning, and so does what no character of a double-byte set can be: senders forget to switch
// back before a delimiter.
class Iso2022Reader {
  public:
    enum class Set : std::uint8_t {
        none,
        ascii,  // and ISO IR14 (JIS X 0201, left half): its yen sign and overline are \ and ~ of HL7
        katakana,
        jis_x_0208,
        jis_x_0212,
        korean,
        chinese,
        iso_8859  // right half
    };
    struct Piece {
        Set set = Set::none;    // none: an escape sequence, which is no text, or what can't be decoded
        std::uint8_t part = 0;  // of ISO 8859
        std::size_t length = 0;
        bool sequence = false;
        bool shifted = false;  // a character made of bytes below 0x80 that mean something else in ASCII
    };

    // `escape`: see to_utf8.
    Iso2022Reader(Charset charset, char escape);
    // The piece at the front of `rest` (not empty).
    Piece next(std::string_view rest);

  private:
    struct Half {
        Set set = Set::none;
        std::uint8_t part = 0;
    };
    // The escape sequence at the front, its form included; 0 when there is none.
    std::size_t sequence(std::string_view rest);
    // What stands behind the ESC: changes a half. Returns its length, 0 for one that is not known.
    std::size_t designate(std::string_view bytes);
    Piece pair(std::string_view rest);

    Half left_{Set::ascii, 0}, right_, right_at_start_;
    char escape_;
};

// In a `charset` of another coding, what no sequence has switched is that coding's.
std::size_t iso2022_to_utf8(std::string_view bytes, Charset charset, char escape, std::string& out);
// False when a character is in none of the sets of `charset`; `out` is then as it was. ASCII stands again at
// the end and before each ASCII character.
bool iso2022_from_utf8(std::string_view text, Charset charset, std::string& out);

}  // namespace hilum::hl7
