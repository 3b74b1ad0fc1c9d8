// XML to the JSON of the same resource (http://hl7.org/fhir/R4/xml.html), which is then read: so there is but
// one way to build the tree. The text has passed hl7::check_xml, whose limit of depth bounds the recursion
// here.
#include <algorithm>
#include <charconv>

#include "parsers/fhir/quoted.h"
#include "parsers/fhir/resource.h"
#include "parsers/fhir/schema.h"
#include "parsers/fhir/xhtml.h"
#include "parsers/fhir/xml_tags.h"
#include "parsers/hl7/xml.h"

namespace hilum::fhir {
namespace {

constexpr std::string_view fhir_namespace = "http://hl7.org/fhir";
constexpr std::string_view schema_instance = "http://www.w3.org/2001/XMLSchema-instance";

// What JSON calls a number (RFC 8259 §6).
bool is_number(std::string_view text) {
    auto const whole_text = text;
    auto const digits = [&] {
        auto const count = std::min(text.find_first_not_of("0123456789"), text.size());
        text.remove_prefix(count);
        return count;
    };
    if (text.starts_with('-')) text.remove_prefix(1);
    bool const zero = text.starts_with('0');
    auto const whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        if (digits() == 0) return false;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        if (digits() == 0) return false;
    }
    double value = 0;  // beyond what a double holds, JSON's reader would refuse it
    return text.empty() &&
           std::from_chars(whole_text.data(), whole_text.data() + whole_text.size(), value).ec == std::errc();
}

class XmlReader {
  public:
    explicit XmlReader(std::string_view text) : text_(text), tags_(text) {}

    Result<std::string> run() {
        if (auto good = next(); !good) return good.error();
        if (auto good = resource(); !good) return good.error();
        return {boost::system::in_place_value, std::move(out_)};
    }

  private:
    struct Binding {
        std::string_view prefix, uri;
        std::size_t depth;
    };
    // The elements of one property, which follow each other.
    struct Open {
        Property const* property = nullptr;
        std::size_t count = 0;
        bool first = true;       // nothing stands in the object yet
        std::string companions;  // what goes into `_name`; "" until there is one
    };

    Error refuse(std::size_t at, char const* code, std::string what, std::string next = {}) const {
        auto const line =
            1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at), '\n');
        auto place = "line " + std::to_string(line) + ", byte " + std::to_string(at + 1);
        if (!path_.empty()) place += ", " + path_;
        return error(code, std::move(place), std::move(what), std::move(next));
    }

    // The next tag; of a start tag its namespaces count from here to its end.
    Result<void> next();
    Result<void> namespaces();
    std::string_view uri_of(std::string_view name) const;
    static std::string_view local(std::string_view name) { return name.substr(name.find(':') + 1); }

    Result<void> resource();
    Result<void> contained_resource();
    Result<void> attributes(Type type, bool primitive, bool& first, std::string_view* value);
    Result<void> content(Type type, bool first, bool& any);
    Result<void> child(Open& open, Property const& property);
    Result<void> primitive(Property const& property, std::string& companion);
    Result<void> complex(Property const& property);
    Result<void> xhtml();
    void key(Open& open, std::string_view mark, std::string_view name);
    void close(Open& open);
    Result<void> value(Type type, std::string_view written);

    std::string_view text_;
    XmlTags tags_;
    XmlTag tag_;
    std::size_t depth_ = 0;
    std::vector<Binding> bindings_;
    std::string path_, out_;
};

std::string_view XmlReader::uri_of(std::string_view name) const {
    auto const colon = name.find(':');
    auto const prefix = colon == name.npos ? std::string_view() : name.substr(0, colon);
    for (auto b = bindings_.rbegin(); b != bindings_.rend(); ++b)
        if (b->prefix == prefix) return b->uri;
    return {};
}

Result<void> XmlReader::namespaces() {
    ++depth_;
    for (auto a = tag_.attributes.begin(); a != tag_.attributes.end();) {
        if (std::any_of(tag_.attributes.begin(), a, [&](auto const& b) { return a->name == b.name; }))
            return refuse(a->at, "not_xml", "an attribute stands twice in one tag");
        if (a->name == "xmlns" || a->name.starts_with("xmlns:")) {
            bindings_.push_back({a->name.size() > 5 ? a->name.substr(6) : "", a->value, depth_});
            a = tag_.attributes.erase(a);
        } else {
            ++a;
        }
    }
    // Tells schema processors where a schema is; says nothing about the resource.
    std::erase_if(tag_.attributes, [&](auto const& a) {
        return a.name.find(':') != std::string_view::npos && uri_of(a.name) == schema_instance;
    });
    return {};
}

Result<void> XmlReader::next() {
    if (tag_.kind == XmlTag::Kind::end || tag_.empty) {
        while (!bindings_.empty() && bindings_.back().depth == depth_) bindings_.pop_back();
        --depth_;
    }
    tags_.next(tag_);
    if (tag_.text_before)
        return refuse(tag_.at, "text_in_element", "there is text where FHIR has elements and attributes only",
                      "a value goes into the attribute value");
    if (tag_.kind != XmlTag::Kind::start) return {};
    return namespaces();
}

Result<void> XmlReader::resource() {
    auto const name = local(tag_.name);
    if (uri_of(tag_.name) != fhir_namespace)
        return refuse(tag_.at, "bad_namespace", "the resource is not in FHIR's namespace",
                      "write xmlns=\"http://hl7.org/fhir\"");
    auto const type = Type::find(name);
    if (!type.exists() || type.kind() != Type::Kind::resource || type.is_abstract())
        return refuse(tag_.at, "unknown_resource", "FHIR R4 has no such resource");
    auto const outside = path_.size();
    if (path_.empty()) path_ = name;
    out_ += "{\"resourceType\":";
    append_quoted(out_, name);
    bool first = false, any = false;
    if (auto good = attributes(type, false, first, nullptr); !good) return good;
    if (auto good = content(type, false, any); !good) return good;
    out_ += '}';
    path_.resize(outside);
    return {};
}

// What stands around it is <resource> or <contained>.
Result<void> XmlReader::contained_resource() {
    auto const at = tag_.at;
    if (!tag_.attributes.empty())
        return refuse(tag_.attributes.front().at, "unknown_attribute", "FHIR has no such attribute here");
    if (tag_.empty) return refuse(at, "empty_element", "there is no resource in it");
    if (auto good = next(); !good) return good;
    if (tag_.kind != XmlTag::Kind::start) return refuse(at, "empty_element", "there is no resource in it");
    if (auto good = resource(); !good) return good;
    if (auto good = next(); !good) return good;
    if (tag_.kind != XmlTag::Kind::end)
        return refuse(tag_.at, "element_repeated", "there is more than one resource in it");
    return {};
}

// Attributes as the properties they are; `value` takes that of a primitive.
Result<void> XmlReader::attributes(Type type, bool primitive, bool& first, std::string_view* value) {
    static Type const extension = Type::find("Extension");
    auto all = tag_.attributes;
    std::sort(all.begin(), all.end(), [](auto const& a, auto const& b) { return a.name < b.name; });
    for (auto const& a : all) {
        if (primitive && a.name == "value") {
            *value = a.value;
        } else if ((a.name == "id" && type.kind() != Type::Kind::resource) ||
                   (a.name == "url" && type == extension)) {
            if (!first) out_ += ',';
            first = false;
            out_ += a.name == "id" ? "\"id\":" : "\"url\":";
            std::string text;
            append_xml_value(text, a.value);
            append_quoted(out_, text);
        } else {
            return refuse(a.at, "unknown_attribute", "FHIR has no such attribute here");
        }
    }
    return {};
}

void XmlReader::key(Open& open, std::string_view mark, std::string_view name) {
    if (!open.first) out_ += ',';
    open.first = false;
    ((out_ += '"') += mark) += name;
    out_ += "\":";
}

void XmlReader::close(Open& open) {
    if (!open.property) return;
    bool const list = open.property->list;
    if (list) out_ += ']';
    if (!open.companions.empty()) {
        key(open, "_", open.property->name);
        if (list) out_ += '[';
        out_ += open.companions;
        if (list) out_ += ']';
    }
    open.companions.clear();
}

// The elements up to the end tag as properties; `any` says whether there were some.
Result<void> XmlReader::content(Type type, bool first, bool& any) {
    if (tag_.empty) return {};
    Open open;
    open.first = first;
    std::size_t const outside = path_.size();
    while (true) {
        if (auto good = next(); !good) return good;
        if (tag_.kind == XmlTag::Kind::end) break;
        any = true;
        auto const name = local(tag_.name);
        auto const* const property = Schema::r4().find(type, name);
        bool const narrative = property && property->type.name() == "xhtml";
        if (uri_of(tag_.name) != (narrative ? xhtml_namespace : fhir_namespace))
            return refuse(tag_.at, "bad_namespace", "the element is not in the namespace it has to be in");
        bool const attribute =
            property && ((property->element->name == "id" && type.kind() != Type::Kind::resource) ||
                         (property->element->name == "url" && type.name() == "Extension"));
        if (!property || attribute)
            return refuse(tag_.at, "unknown_element", "FHIR R4 has no such element here",
                          attribute ? "it is an attribute in XML" : "");
        if (property != open.property) {
            if (open.property && property->ordinal < open.property->ordinal)
                return refuse(tag_.at, "element_order", "the element stands behind one that has to follow it",
                              "elements keep the order of their definitions");
            close(open);
            open.property = property;
            open.count = 0;
        }
        path_ += '.';
        path_ += property->element->name;
        if (property->list) path_ += '[' + std::to_string(open.count) + ']';
        if (auto good = child(open, *property); !good) return good;
        path_.resize(outside);
    }
    close(open);
    return {};
}

Result<void> XmlReader::child(Open& open, Property const& property) {
    if (open.count > 0 && !property.list)
        return refuse(tag_.at, "element_repeated", "the element may stand there once only");
    if (open.count > 0) {
        out_ += ',';
    } else {
        key(open, "", property.name);
        if (property.list) out_ += '[';
    }
    std::string companion;
    auto const done = property.type.kind() == Type::Kind::resource    ? contained_resource()
                      : property.type.name() == "xhtml"               ? xhtml()
                      : property.type.kind() == Type::Kind::primitive ? primitive(property, companion)
                                                                      : complex(property);
    if (!done) return done;
    ++open.count;
    if (companion.empty() && open.companions.empty()) return {};
    // Lists of values and of companions have the same length (http://hl7.org/fhir/R4/json.html#primitive).
    if (open.companions.empty())
        for (std::size_t i = 1; i < open.count; ++i) open.companions += i == 1 ? "null" : ",null";
    if (!open.companions.empty()) open.companions += ',';
    open.companions += companion.empty() ? "null" : companion;
    return {};
}

Result<void> XmlReader::value(Type type, std::string_view written) {
    static Type const boolean = Type::find("boolean"), integer = Type::find("integer"),
                      decimal = Type::find("decimal");
    std::string text;
    append_xml_value(text, written);
    bool const number = type.is(integer) || type.is(decimal);
    if (!number && type != boolean) {
        append_quoted(out_, text);
        return {};
    }
    if (number ? !is_number(text) : text != "true" && text != "false")
        return refuse(tag_.at, "bad_value",
                      number ? "the value is no number" : "the value is neither true nor false");
    out_ += text;
    return {};
}

Result<void> XmlReader::primitive(Property const& property, std::string& companion) {
    auto const at = tag_.at;
    auto const start = out_.size();
    bool first = true, any = false;
    std::string_view written;
    if (auto good = attributes(property.type, true, first, &written); !good) return good;
    bool const has_value = written.data() != nullptr;
    // What is in the element goes into the companion; its value stands in front.
    std::string inside = out_.substr(start);
    out_.resize(start);
    if (has_value) {
        if (auto good = value(property.type, written); !good) return good;
    } else {
        out_ += "null";
    }
    auto const behind = out_.size();
    out_ += inside;
    if (auto good = content(property.type, first, any); !good) return good;
    if (out_.size() > behind) companion = '{' + out_.substr(behind) + '}';
    out_.resize(behind);
    if (!has_value && companion.empty())
        return refuse(at, "empty_element", "an element has a value, or elements in it");
    return {};
}

Result<void> XmlReader::complex(Property const& property) {
    auto const at = tag_.at;
    out_ += '{';
    bool first = true, any = false;
    if (auto good = attributes(property.type, false, first, nullptr); !good) return good;
    if (auto good = content(property.type, first, any); !good) return good;
    if (first && !any) return refuse(at, "empty_element", "an element has a value, or elements in it");
    out_ += '}';
    return {};
}

// The div as it is written; its namespace belongs to the text.
Result<void> XmlReader::xhtml() {
    auto const start = tag_;
    if (start.name != "div")
        return refuse(start.at, "bad_xhtml", "the narrative's div has a prefix",
                      "write it with xmlns=\"http://www.w3.org/1999/xhtml\"");
    std::size_t end = start.end;
    for (std::size_t open = start.empty ? 0 : 1; open > 0;) {
        tags_.next(tag_);
        end = tag_.end;
        if (tag_.kind == XmlTag::Kind::end) --open;
        if (tag_.kind == XmlTag::Kind::start && !tag_.empty) ++open;
    }
    std::string div;
    // Line ends as XML 1.0 §2.11 has them.
    auto const written = text_.substr(start.at, end - start.at);
    for (std::size_t i = 0; i < written.size(); ++i) {
        if (written[i] != '\r') {
            div += written[i];
        } else if (i + 1 == written.size() || written[i + 1] != '\n') {
            div += '\n';
        }
    }
    auto const tag = std::string_view(div).substr(0, div.find('>'));
    if (tag.find("xmlns=") == tag.npos) div.insert(4, " xmlns=\"http://www.w3.org/1999/xhtml\"");
    if (check_xhtml(div) == Xhtml::not_xml)
        return refuse(start.at, "bad_xhtml", "the narrative is no div of XHTML that can stand alone",
                      "declare the namespaces that it uses in it");
    append_quoted(out_, div);
    // The div's tags went past next().
    tag_.kind = XmlTag::Kind::end;
    tag_.empty = false;
    return {};
}

}  // namespace

Result<Resource> Resource::read_xml(std::string_view text, Limits const& limits) {
    hl7::XmlLimits bounds;
    bounds.bytes_max = limits.bytes;
    bounds.depth_max = limits.depth;
    if (auto good = hl7::check_xml(text, bounds); !good) return good.error();
    auto json = XmlReader(text).run();
    if (!json) return json.error();
    auto resource = read_json(std::move(*json), {std::size_t{1} << 31U, limits.depth});
    if (!resource) {
        auto refused = resource.error();
        refused.place.clear();  // it is one of the JSON made here
        return refused;
    }
    return resource;
}

}  // namespace hilum::fhir
