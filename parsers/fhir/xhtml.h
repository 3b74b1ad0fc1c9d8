// The narrative (http://hl7.org/fhir/R4/narrative.html): XHTML in one div, kept as text.
#pragma once

#include <string_view>

namespace hilum::fhir {

inline constexpr std::string_view xhtml_namespace = "http://www.w3.org/1999/xhtml";

enum class Xhtml : unsigned char {
    good,
    not_xml,    // not well-formed, or not one div in the namespace of XHTML
    forbidden,  // elements or attributes that a narrative may not have, such as scripts: txt-1
    empty,      // nothing to read in it: txt-2
};

Xhtml check_xhtml(std::string_view div);

}  // namespace hilum::fhir
