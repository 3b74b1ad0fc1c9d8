// A text as JSON writes it (RFC 8259 §7).
#pragma once

#include <string>
#include <string_view>

namespace hilum::fhir {

void append_quoted(std::string& out, std::string_view text);

}  // namespace hilum::fhir
