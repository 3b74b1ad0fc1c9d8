// Escape sequences (HL7 v2.8.2 §2.7).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "parsers/hl7/charset.h"
#include "parsers/hl7/delimiters.h"

namespace hilum::hl7 {

// Raw field text to the text a person means. Returns `raw` itself when nothing is escaped (no copy), else a
// view of `scratch`; `raw` must not lie in `scratch`.
//
//   \F\ \S\ \T\ \R\ \E\ \P\  the delimiter, where the message declares it
//   \Xhh..\                   bytes; those of adjacent sequences belong together
//   \.br\ \.ce\ \.sp n\       a line feed; .sp gives n of them, at most 64
//   \.sk n\ \.ti n\           n blanks, at most 64
//   \.in n\ \.fi\ \.nf\       nothing: they concern lines that only a printer knows
//   \H\ \N\                  nothing: highlighting is no text
//   \Cxxyy\ \Mxxyyzz\        stay: to_utf8 has read them where they mean something
//   \Zdd..\, unknown ones     stay
//
// Letters of formatting commands may be upper case, and a blank may stand before n.
std::string_view unescape(std::string_view raw, Delimiters const& delimiters, std::string& scratch);
// The same for text that is UTF-8 already, with the bytes of \Xhh..\ decoded as `charset`'s.
std::string_view unescape(std::string_view raw, Delimiters const& delimiters, Charset charset,
                          std::string& scratch);

// In raw field text that is UTF-8 already, and was `charset` before: characters that \Xhh..\ spells become
// themselves, for in UTF-8 their bytes are others; ASCII stays spelt. Returns how many bytes are no
// characters.
std::size_t decode_spelt_bytes(std::string& raw, Delimiters const& delimiters, Charset charset);

// Text to raw field text: delimiters become escapes, a line feed \.br\, CR LF and other control bytes \Xhh\.
// Appends to `out`. Bytes above 0x7f are kept, and so is a sequence \Zdd..\, which only sender and receiver
// know. unescape(escape(text)) is `text` for all bytes. In a message that declares no escape character there
// is no way to write a delimiter or control byte as text: each becomes '?' (Message::set refuses instead).
void escape(std::string_view text, Delimiters const& delimiters, std::string& out);

}  // namespace hilum::hl7
