#include "parsers/fhir/xhtml.h"

#include <algorithm>
#include <iterator>

#include "parsers/fhir/xml_tags.h"
#include "parsers/hl7/xml.h"

namespace hilum::fhir {
namespace {

// Sorted. What txt-1 allows, in the words of its XPath.
constexpr std::string_view elements[] = {
    "a",   "abbr",     "acronym", "b",     "big",  "blockquote", "br",  "caption", "cite",  "code",
    "col", "colgroup", "dd",      "dfn",   "div",  "dl",         "dt",  "em",      "h1",    "h2",
    "h3",  "h4",       "h5",      "h6",    "hr",   "i",          "img", "li",      "ol",    "p",
    "pre", "q",        "samp",    "small", "span", "strong",     "sub", "sup",     "table", "tbody",
    "td",  "tfoot",    "th",      "thead", "tr",   "tt",         "ul",  "var"};
constexpr std::string_view attributes[] = {
    "abbr",        "accesskey",   "align",      "alt",   "axis",     "bgcolor", "border", "cellhalign",
    "cellpadding", "cellspacing", "cellvalign", "char",  "charoff",  "charset", "cite",   "class",
    "colspan",     "compact",     "coords",     "dir",   "frame",    "headers", "height", "href",
    "hreflang",    "hspace",      "id",         "lang",  "longdesc", "name",    "nowrap", "rel",
    "rev",         "rowspan",     "rules",      "scope", "shape",    "span",    "src",    "start",
    "style",       "summary",     "tabindex",   "title", "type",     "valign",  "value",  "vspace",
    "width",       "xml:lang",    "xmlns"};

template <std::size_t N>
bool among(std::string_view const (&sorted)[N], std::string_view name) {
    return std::binary_search(std::begin(sorted), std::end(sorted), name);
}

// An address that runs a script when it is followed.
bool runs(std::string_view address) {
    static constexpr std::string_view script = "javascript:";
    std::string text;
    append_xml_value(text, address);
    std::erase_if(text, [](char c) { return static_cast<unsigned char>(c) <= ' '; });
    return std::equal(script.begin(), script.end(), text.begin(),
                      text.begin() + static_cast<std::ptrdiff_t>(std::min(text.size(), script.size())),
                      [](char a, char b) { return a == b || (b >= 'A' && b <= 'Z' && a == (b | 0x20)); });
}

}  // namespace

Xhtml check_xhtml(std::string_view div) {
    if (!div.starts_with("<div") || !hl7::check_xml(div)) return Xhtml::not_xml;
    XmlTags tags(div);
    XmlTag tag;
    bool content = false, forbidden = false;
    for (tags.next(tag); tag.kind != XmlTag::Kind::none; tags.next(tag)) {
        if (tag.at == 0) {
            bool const ours = std::any_of(tag.attributes.begin(), tag.attributes.end(), [](auto const& a) {
                return a.name == "xmlns" && a.value == xhtml_namespace;
            });
            if (tag.name != "div" || !ours) return Xhtml::not_xml;
        }
        content = content || tag.text_before || tag.name == "img";
        forbidden = forbidden || !among(elements, tag.name);
        for (auto const& a : tag.attributes)
            forbidden = forbidden || !among(attributes, a.name) ||
                        ((a.name == "href" || a.name == "src") && runs(a.value)) ||
                        (a.name == "xmlns" && a.value != xhtml_namespace);
    }
    return forbidden ? Xhtml::forbidden : content ? Xhtml::good : Xhtml::empty;
}

}  // namespace hilum::fhir
