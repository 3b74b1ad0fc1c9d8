// Escape sequences (HL7 v2.8.2 §2.7).
#pragma once

#include <string>
#include <string_view>

#include "parsers/hl7/delimiters.h"

namespace hilum::hl7 {

// Raw field text to the text a person means: \F\ \S\ \T\ \R\ \E\ \P\ \Xhh..\ decoded; formatting (\.br\,
// \H\, \N\), charset (\C..\ \M..\), local (\Z..\) and unknown sequences stay as they are. Returns `raw`
// itself when nothing is escaped (no copy), else a view of `scratch`. `raw` must not lie in `scratch`.
std::string_view unescape(std::string_view raw, Delimiters const& delimiters, std::string& scratch);

// Text to raw field text: delimiters become escapes, CR and LF and other control bytes \Xhh\. Appends to
// `out`. Bytes above 0x7f are kept. A text that contains the escape character of a kept sequence (\.br\,
// \H\ ...) keeps that sequence. unescape(escape(text)) is `text` for all bytes. In a message that declares no
// escape character there is no way to write a delimiter or control byte as text: each becomes '?'
// (Message::set refuses instead).
void escape(std::string_view text, Delimiters const& delimiters, std::string& out);

}  // namespace hilum::hl7
