// The tags of an XML document one after the other, over text that hl7::check_xml has approved: well-formed,
// bounded in depth, without document type and entities of its own. Nothing is copied.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hilum::fhir {

struct XmlAttribute {
    std::string_view name;   // as written, its prefix included
    std::string_view value;  // as written, its references included
    std::size_t at = 0;
};

struct XmlTag {
    enum class Kind : unsigned char { start, end, none };  // none: the document is over
    Kind kind = Kind::none;
    bool empty = false;           // <x/>: no end tag follows
    std::string_view name;        // as written
    std::size_t at = 0, end = 0;  // of the tag in the text
    std::vector<XmlAttribute> attributes;
    bool text_before = false;  // characters other than white space stand in front of it
};

class XmlTags {
  public:
    explicit XmlTags(std::string_view text) : text_(text) {}
    void next(XmlTag& tag);

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

// An attribute's value as it counts: references resolved, white space as XML 1.0 §3.3.3 has it. Appends.
void append_xml_value(std::string& out, std::string_view written);

inline bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace hilum::fhir
