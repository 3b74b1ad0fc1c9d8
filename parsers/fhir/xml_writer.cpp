// The recursion is as deep as the resource, which its reader has bounded.
#include <algorithm>
#include <utility>

#include "parsers/fhir/location.h"
#include "parsers/fhir/resource.h"
#include "parsers/fhir/schema.h"
#include "parsers/fhir/xhtml.h"

namespace hilum::fhir {
namespace {

class XmlWriter {
  public:
    explicit XmlWriter(Element root) : root_(root) {}

    Result<std::string> run() {
        out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        if (auto good = resource(root_, true); !good) return good.error();
        out_ += '\n';
        return {boost::system::in_place_value, std::move(out_)};
    }

  private:
    struct Child {
        Property const* property;
        Element element;
        bool attribute;
    };

    Error refuse(Element at, char const* code, std::string what) const {
        return error(code, location(at, root_), std::move(what));
    }
    Result<void> resource(Element element, bool outermost);
    Result<void> element(std::string_view name, Element element, Type type, std::string_view attributes);
    Result<std::vector<Child>> children(Element parent, Type type) const;
    Result<void> attribute(std::string_view name, Element value);
    Result<void> child(Child const& c);

    Element root_;
    std::string out_;
};

// In the order of the definitions, which JSON does not have to keep.
Result<std::vector<XmlWriter::Child>> XmlWriter::children(Element parent, Type type) const {
    static Type const extension = Type::find("Extension");
    std::vector<Child> out;
    for (auto e = parent.first(); e.exists(); e = e.next()) {
        if (type.kind() == Type::Kind::resource && e.name() == "resourceType") continue;
        auto const* const property = Schema::r4().find(type, e.name());
        if (!property) return refuse(e, "unknown_element", "FHIR R4 has no such element here");
        bool const attribute = (e.name() == "id" && type.kind() != Type::Kind::resource) ||
                               (e.name() == "url" && type == extension);
        out.push_back({property, e, attribute});
    }
    std::stable_sort(out.begin(), out.end(), [](Child const& a, Child const& b) {
        return a.property->ordinal < b.property->ordinal;
    });
    return out;
}

Result<void> XmlWriter::resource(Element resource, bool outermost) {
    auto const name = resource.resource_type();
    auto const type = Type::find(name);
    if (!type.exists() || type.kind() != Type::Kind::resource || type.is_abstract())
        return refuse(resource, "unknown_resource", "FHIR R4 has no such resource");
    return element(name, resource, type, outermost ? " xmlns=\"http://hl7.org/fhir\"" : "");
}

Result<void> XmlWriter::element(std::string_view name, Element element, Type type,
                                std::string_view attributes) {
    auto const all = children(element, type);
    if (!all) return all.error();
    ((out_ += '<') += name) += attributes;
    bool inside = false;
    for (auto const& c : *all) {
        inside = inside || !c.attribute;
        if (!c.attribute) continue;
        if (auto good = attribute(c.property->name, c.element); !good) return good;
    }
    if (element.has_value())
        if (auto good = attribute("value", element); !good) return good;
    if (!inside) {
        out_ += "/>";
        return {};
    }
    out_ += '>';
    for (auto const& c : *all)
        if (!c.attribute)
            if (auto good = child(c); !good) return good;
    ((out_ += "</") += name) += '>';
    return {};
}

Result<void> XmlWriter::attribute(std::string_view name, Element value) {
    if (name != "value" && (!value.has_value() || value.first().exists()))
        return refuse(value, "not_in_xml", "an attribute in XML has a value and nothing else");
    ((out_ += ' ') += name) += "=\"";
    for (char const c : value.text()) {
        static constexpr std::string_view special = "<>&\"\n\r\t";
        static constexpr std::string_view written[] = {"&lt;",  "&gt;",  "&amp;", "&quot;",
                                                       "&#10;", "&#13;", "&#9;"};
        if (auto const at = special.find(c); at != special.npos) {
            out_ += written[at];
        } else if (static_cast<unsigned char>(c) < 0x20) {
            return refuse(value, "not_in_xml", "XML has no way to write a control character");
        } else {
            out_ += c;
        }
    }
    out_ += '"';
    return {};
}

Result<void> XmlWriter::child(Child const& c) {
    auto const type = c.property->type;
    bool const complex = type.kind() != Type::Kind::primitive;
    if (complex != (c.element.kind() == Kind::object))
        return refuse(c.element, "bad_value",
                      complex ? "there is a value where elements have to be"
                              : "there are elements where a value has to be");
    if (type.kind() == Type::Kind::resource) {
        ((out_ += '<') += c.property->name) += '>';
        if (auto good = resource(c.element, false); !good) return good;
        ((out_ += "</") += c.property->name) += '>';
        return {};
    }
    if (type.name() != "xhtml") return element(c.property->name, c.element, type, "");
    if (c.element.first().exists())
        return refuse(c.element, "not_in_xml", "a div in XML has no place for extensions");
    if (check_xhtml(c.element.text()) == Xhtml::not_xml)
        return refuse(c.element, "bad_xhtml", "the narrative is no div of XHTML");
    out_ += c.element.text();
    return {};
}

}  // namespace

Result<std::string> Element::xml() const {
    return XmlWriter(*this).run();
}

}  // namespace hilum::fhir
