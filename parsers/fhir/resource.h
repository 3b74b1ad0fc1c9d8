// A FHIR resource as a tree that mirrors its JSON (http://hl7.org/fhir/R4/json.html): one allocation for the
// text, one for the nodes. Properties keep their order, decimals stay as written. XML is read into the same
// tree.
//
// Ownership: the Resource owns everything; an Element is a handle (16 bytes, copied freely) and, like every
// string_view it gives, lives as long as the Resource does and stays at its place.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/result.h"

namespace hilum::fhir {

enum class Kind : unsigned char {
    object,      // a complex element or a resource
    string,      // a primitive, by the JSON it is written in
    number,      // its text is as written: 1.50 stays 1.50
    boolean,     // "true" or "false"
    nothing,     // a primitive without a value: only an id or extensions
    empty_list,  // "[]", which FHIR forbids: kept for the writer, never seen as an element
};

class Resource;

// One element. `name` + siblings of the same name make a repeating element.
class Element {
  public:
    Element() = default;
    Element(Resource const* resource, std::uint32_t index) : resource_(resource), index_(index) {}

    bool exists() const { return resource_ != nullptr; }
    std::string_view name() const;  // the JSON property: "valueQuantity"; "" for the root
    Kind kind() const;
    std::string_view text() const;  // the primitive's value, unescaped; "" when it has none
    bool has_value() const { return kind() != Kind::object && kind() != Kind::nothing; }
    // Of primitives too: the id and extensions of the property `_name` are the children of `name`.
    Element first() const;
    Element next() const;
    Element parent() const;
    Element child(std::string_view child_name) const;  // the first of that name
    // The text of the first child of that name; "" without one, or where there is no element to begin with.
    std::string_view text_of(std::string_view child_name) const;
    // The text of the child "resourceType"; "" where this is no resource.
    std::string_view resource_type() const;
    std::string json() const;
    // Of a primitive: its id and extensions as JSON, what `_name` holds; "" when it has none.
    std::string json_of_children() const;
    // The resource in XML (http://hl7.org/fhir/R4/xml.html), its elements in the order of their definitions.
    // Errors, with the FHIRPath of the place: "unknown_resource", "unknown_element", "bad_value" (no text
    // where one has to be, or the other way round), "not_in_xml" (what XML has no way to write), "bad_xhtml".
    Result<std::string> xml() const;

    // As it is written in JSON, for those who check that: each property, `_name`, null and [] included.
    Element first_written() const;
    Element next_written() const;
    bool in_list() const;       // it stands in a JSON array
    bool is_companion() const;  // it is written as `_name`: an id and extensions
    bool is_empty_list() const;
    bool is_null() const;     // a JSON null, with or without a companion that gives it extensions
    bool is_object() const;   // a JSON object: of a companion too
    bool is_element() const;  // first() and next() come by it

    Resource const* resource() const { return resource_; }
    std::uint32_t index() const { return index_; }
    bool operator==(Element const&) const = default;

  private:
    Resource const* resource_ = nullptr;
    std::uint32_t index_ = 0;
};

class Resource {
  public:
    struct Limits {
        std::size_t bytes = std::size_t{64} << 20U;
        std::size_t depth = 128;  // of objects in each other
        bool any = false;  // any JSON object will do: what other systems answer is read in the same way
    };

    // Errors: "too_large", "too_deep", "bad_json", "no_resource" (no object, or one without resourceType),
    // "duplicate_property", "list_in_list"; the place is "byte N".
    static Result<Resource> read_json(std::string text, Limits const& limits);
    static Result<Resource> read_json(std::string text) { return read_json(std::move(text), Limits{}); }

    // Resource in XML. Errors as those of read_json and hl7::check_xml (its limits hold before anything is
    // built), and: "bad_namespace", "unknown_resource", "unknown_element", "unknown_attribute",
    // "element_order", "element_repeated", "empty_element", "text_in_element", "bad_value" (no number or
    // boolean where one has to be), "bad_xhtml"; the place is "line N, byte N, FHIRPath".
    static Result<Resource> read_xml(std::string_view text, Limits const& limits);
    static Result<Resource> read_xml(std::string_view text) { return read_xml(text, Limits{}); }

    Element root() const { return {this, 0}; }
    std::string_view type() const { return root().resource_type(); }
    // The same JSON without white space; property order and numbers as they came.
    std::string json() const { return root().json(); }
    Result<std::string> xml() const { return root().xml(); }

  private:
    friend class Element;
    friend class JsonHandler;
    friend class Editor;
    static constexpr std::uint32_t none = 0xffffffff;

    struct Node {
        std::uint32_t name_at = 0, name_length = 0;
        // Of an object: text_at is the node of its resourceType, or none. It may stand behind all else.
        std::uint32_t text_at = 0, text_length = 0;
        std::uint32_t parent = none, first = none, next = none;
        Kind kind = Kind::object;
        bool list = false;        // written in an array
        bool companion = false;   // written as `_name`
        bool in_its_own = false;  // a companion without a value beside it: an element by itself
    };

    std::string json_of(std::uint32_t index, Kind as) const;
    std::string_view view(std::uint32_t at, std::uint32_t length) const {
        return std::string_view(bytes_).substr(at, length);
    }
    std::string_view written_name(Node const& n) const { return view(n.name_at, n.name_length); }
    bool visible(Node const& n) const {
        if (n.companion) return n.in_its_own;
        return n.kind != Kind::empty_list && (n.kind != Kind::nothing || n.first != none);
    }
    std::uint32_t first_visible(std::uint32_t index) const {
        while (index != none && !visible(nodes_[index])) index = nodes_[index].next;
        return index;
    }

    std::string bytes_;  // the JSON, its strings unescaped in place
    std::vector<Node> nodes_;
    // Of the Editor: where it was last. Always in their parents' lists, so that many edits side by side cost
    // what they write.
    std::uint32_t last_found_ = none, before_removed_ = none;
};

}  // namespace hilum::fhir
