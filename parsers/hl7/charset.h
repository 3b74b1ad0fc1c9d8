// The character set a message is written in (HL7 v2.8.2 §2.15.9.18 MSH-18, table HL70211), to and from UTF-8.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "parsers/hl7/delimiters.h"

namespace hilum::hl7 {

enum class Coding : std::uint8_t {
    undeclared,   // MSH-18 is empty: read as UTF-8 where that is valid, else as windows-1252
    unknown,      // MSH-18 names none that we know, or contradicts itself: read as undeclared
    ascii,        // a byte above 0x7f is read as undeclared
    utf8,         // UNICODE UTF-8, UNICODE
    single_byte,  // 8859/n; 8859/1 is windows-1252, which is what senders mean by it
    iso2022,      // sets switched by escape sequences: ISO IR14, IR87, IR159, several of 8859
    korean,       // KS X 1001 as EUC-KR, with what windows-949 adds
    taiwanese,    // CNS 11643-1992 as EUC-TW
    gb18030,
    big5,
    shift_jis,  // not in HL70211; sent, and named by a listener's option
};

// A value, copied freely. Comparing tells whether the same bytes mean the same text.
struct Charset {
    Coding coding = Coding::undeclared;
    std::uint8_t part = 0;  // of 8859, for single_byte and as what iso2022 begins with; 0: none
    bool jis_x_0201 = false, jis_x_0208 = false, jis_x_0212 = false;  // iso2022: ISO IR14, IR87, IR159

    // The low bytes of its characters can be those of delimiters, so that raw text has a form of its own (see
    // charset_mask.h).
    bool masks() const {
        return coding == Coding::gb18030 || coding == Coding::big5 || coding == Coding::shift_jis ||
               coding == Coding::iso2022;
    }

    // One name: of table HL70211, or one that real senders write (UTF-8, utf8, ISO-8859-1, 8859-1, LATIN1,
    // CP1252, GBK, EUC-KR, SJIS ...). Case, blanks and punctuation don't matter. nullopt: none that is known.
    static std::optional<Charset> named(std::string_view name);
    // All of MSH-18, in raw text. The first repetition is what the message begins in, the others may be
    // switched to. UTF-16 and UTF-32 count as UTF-8: a message in which MSH-18 could be read is not in them.
    static Charset declared(std::string_view msh18, char repetition);

    // "UNICODE UTF-8", "8859/1 (windows-1252)", "undeclared": for people.
    std::string name() const;

    friend bool operator==(Charset const&, Charset const&) = default;
};

// Appends the UTF-8 of `bytes` to `out`. What can't be decoded becomes U+FFFD, one for each byte or damaged
// character; returns how many there were. `escape` is that of the message: where there is one, the sequences
// \Cxxyy\ and \Mxxyyzz\ switch sets as the ISO 2022 sequences do whose bytes they spell (§2.7.2).
std::size_t to_utf8(std::string_view bytes, Charset charset, std::string& out, char escape = '\0');

// Appends `text` (UTF-8) in `charset`. False when a character of it is not in that charset; `out` is then as
// it was. Undeclared and unknown take all that UTF-8 has, ASCII nothing else. Bytes that are no UTF-8 are
// refused by all but these and utf8, which copy them.
bool from_utf8(std::string_view text, Charset charset, std::string& out);

}  // namespace hilum::hl7
