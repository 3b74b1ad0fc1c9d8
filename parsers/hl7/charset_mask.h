// Keeping delimiters and characters apart where a character's bytes look like delimiters.
//
// In BIG-5, GB 18030 and Shift_JIS the second byte of a character, in ISO 2022 both, can be | ^ ~ \ or &.
// Such a message is read in a masked form: each byte of a character that equals a declared delimiter is
// written as 0xff and the byte with its high bit set. 0xff is in none of these charsets; one that came anyway
// is written twice. So the form splits at real delimiters only, and unmasking gives back the bytes that came,
// whatever they were. A message without such bytes is its own masked form.
#pragma once

#include <string>
#include <string_view>

#include "parsers/hl7/charset.h"
#include "parsers/hl7/delimiters.h"

namespace hilum::hl7 {

// `charset.masks()` holds. False when `bytes` are their own masked form: nothing is then appended to `out`.
bool mask(std::string_view bytes, Charset charset, Delimiters const& delimiters, std::string& out);
// Appends the bytes behind a masked form or a part of one.
void unmask(std::string_view masked, std::string& out);

}  // namespace hilum::hl7
