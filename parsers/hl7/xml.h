// A message in XML and back (HL7 Version 2: XML Encoding Syntax, Release 2; v2.8.2 §2.3.3).
//
// What the standard's encoding can't say has a form of its own, so that a message read as XML and written as
// ER7 again is the same bytes but for what ends segments and blank lines: docs/xml.md lists these forms.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/message.h"
#include "parsers/result.h"

namespace hilum::hl7 {

inline constexpr std::string_view xml_namespace = "urn:hl7-org:v2xml";
// Of the elements for lines that are no segments.
inline constexpr std::string_view xml_namespace_own = "urn:hilum:er7";

struct XmlOptions {
    bool indented = true;                            // one element a line
    std::size_t bytes_max = std::size_t{256} << 20;  // of the document
};

// The document, in UTF-8 with an XML declaration. Errors: "xml_too_large".
Result<std::string> to_xml(Message const& message, Dictionary const& dictionary = Dictionary::standard(),
                           XmlOptions const& options = {});

// What is refused before anything is built in memory, and what the result may grow to.
struct XmlLimits {
    std::size_t bytes_max = std::size_t{64} << 20;          // of the document
    std::size_t depth_max = 64;                             // elements in one another
    std::size_t nodes_max = 4'000'000;                      // elements, texts, attributes and all else
    std::size_t attributes_max = 64;                        // of one element
    std::size_t message_bytes_max = std::size_t{64} << 20;  // of the message
};

// Whether `text` is UTF-8, within the limits and nested and quoted as XML wants it, without a document type
// declaration and with no entities but XML's own five; linear time, no recursion. Errors, with place "byte
// N": "xml_too_large", "xml_too_deep", "not_xml", "xml_not_utf8", "xml_doctype", "xml_entity".
Result<void> check_xml(std::string_view text, XmlLimits const& limits = {});

// The bytes of the message, segments ended by CR: in the delimiters of MSH.1 and MSH.2 (|^~\& where these
// are missing) and in the charset of MSH.18. Element names decide; namespaces, attributes and comments don't
// matter. Positions that are missing are made. Errors: those of check_xml and, with place "byte N",
// "not_a_message" (no MSH first, or elements that are no group, segment or field), "bad_position",
// "bad_escape", "not_in_charset", "message_too_large".
Result<std::string> from_xml(std::string_view text, XmlLimits const& limits = {});

}  // namespace hilum::hl7
