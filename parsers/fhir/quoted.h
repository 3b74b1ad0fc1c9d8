// A text as JSON writes it (RFC 8259 §7).
#pragma once

#include <string>
#include <string_view>

namespace hilum::fhir {

// Where the first byte from `at` on stands that JSON has to escape: a quote, a backslash, a control
// character. The size: there is none.
std::size_t next_escaped(std::string_view text, std::size_t at);
void append_quoted(std::string& out, std::string_view text);

}  // namespace hilum::fhir
