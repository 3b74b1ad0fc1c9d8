// The written form of primitive datatypes, version by version (HL7 v2.8.2 §2.A; §2.8 up to 2.4).
#pragma once

#include <string_view>

#include "parsers/hl7/version.h"

namespace hilum::hl7 {

enum class Lexical : unsigned char {
    any,         // nothing to check: ST, TX, FT, ID, IS, and what is not known
    number,      // NM: [+|-]digits[.digits]
    sequence,    // SI: 0 to 9999
    date8,       // DT up to 2.2: YYYYMMDD
    date,        // DT since 2.3: YYYY[MM[DD]]
    time4,       // TM up to 2.2: HHMM[SS[.SSSS]][+/-ZZZZ]
    time,        // TM since 2.3: HH[MM[SS[.S[S[S[S]]]]]][+/-ZZZZ]
    stamp8,      // TS up to 2.2: YYYYMMDD[HHMM[SS[.SSSS]]][+/-ZZZZ]
    stamp,       // TS 2.3 to 2.4: YYYY[MM[DD[HHMM[SS[.S[S[S[S]]]]]]]][+/-ZZZZ]
    dtm,         // DTM and TS since 2.5: YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]
    comparator,  // SN.1: > < >= <= = <>
    separator,   // SN.3: - + / . :
};

// What a value of that datatype has to look like; `any` for one that is no such primitive. TS counts as its
// first component.
Lexical lexical_of(Version version, std::string_view datatype);

// Whether a value has that form; days of the month and leap years included. `text` is not empty.
bool fits(Lexical form, std::string_view text);

// The form for people: "YYYY[MM[DD]]".
std::string_view pattern(Lexical form);

}  // namespace hilum::hl7
