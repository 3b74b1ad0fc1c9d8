// The resources that a map makes, as trees: grown element by element, written as JSON at the end.
//
// Names and constants are borrowed from the maps, values from the message or the tree's own store; all of
// them outlive the tree's use. Children of one name stand together, so that asking for one is cheap however
// many there are.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/fhir/definitions.h"
#include "routes/mapping/json_text.h"

namespace hilum::routes::mapping {

struct FhirRow;

class Tree {
  public:
    using Id = std::uint32_t;
    static constexpr Id none = 0xffffffff;

    enum class Kind : unsigned char {
        object,     // or a primitive that has no value yet
        text,       // written in quotes
        literal,    // a number or a boolean, written as it is
        reference,  // the text is written when it is known where the resource is
    };

    struct Node {
        std::string_view name;    // the JSON property
        std::string_view choice;  // what it begins with, of value[x] and the like
        std::string_view value;   // of text and literal
        std::string_view from;    // the raw text of the message that it was made of; for tracing
        FhirRow const* row = nullptr;
        std::uint32_t run = 0;   // of a map, that made it
        std::uint32_t made = 0;  // Kind::reference: the number of the resource
        Id first = none;         // its children's first names
        Id next_name = none, next_same = none;
        Id last_same = none;  // of the first of a name
        fhir::Type type;      // of an object, where it matters
        Kind kind = Kind::object;
        bool list = false;
        bool primitive = false;
        unsigned char label = 0;
    };

    // An element with all that is below it, as it was.
    struct Copy {
        Node top;
        Id first = none;  // where the others stood
        std::vector<Node> below;
    };

    // For about that many elements.
    void reserve(std::size_t elements) { nodes_.reserve(elements); }
    Id root();  // a new one
    Node& at(Id id) { return nodes_[id]; }
    Node const& at(Id id) const { return nodes_[id]; }
    std::size_t size() const { return nodes_.size(); }

    // The first child of that name, or none; the others follow by next_same.
    Id child(Id parent, std::string_view name) const;
    Id add(Id parent, std::string_view name, bool list);
    // The primitive of that name, which FHIR allows once, with this value; made where it is missing.
    Id set_text(Id parent, std::string_view name, std::string_view text);
    // What makes an element of type Reference refer to a resource by its number.
    Id set_reference(Id element, std::uint32_t resource);
    // Takes a child away that was the last of its name.
    void remove_last(Id parent, Id child);
    // Takes away the children for which `unwanted` is true; it is asked once for each, in order.
    template <class F>
    void remove_if(Id parent, F const& unwanted);
    bool empty(Id id) const { return nodes_[id].kind == Kind::object && nodes_[id].first == none; }
    bool equal(Id a, Id b) const;
    // Whether one before it of the same name is equal; the earliest few hundred are asked.
    bool repeats(Id parent, Id child) const;
    // What `from` has and `into` lacks comes into it.
    void merge(Id from, Id into);

    // What became of an empty element since there were that many: all that was made meanwhile is below it.
    Copy copy(Id id, std::size_t since) const;
    // The same again in an empty element. `first` is the text that the copy was made of, `again` the equal
    // one that this is made of.
    void paste(Copy const& copy, Id into, std::string_view first, std::string_view again);

    std::string_view keep(std::string_view text);

    // The members of an object as JSON, without its braces; `reference` writes the value of a
    // Kind::reference. Whether there were any.
    template <class Reference>
    bool write(Id id, JsonText& out, Reference const& reference) const;

  private:
    // Most names are one and the same text, for maps keep each of them once.
    static bool same(std::string_view a, std::string_view b) {
        return a.size() == b.size() && (a.data() == b.data() || a == b);
    }
    template <class Reference>
    void object(Id id, JsonText& out, Reference const& reference) const;
    template <class Reference>
    void element(Id id, JsonText& out, Reference const& reference) const;
    bool has_children(Id id) const { return nodes_[id].primitive && nodes_[id].first != none; }

    std::vector<Node> nodes_;
    std::vector<std::unique_ptr<char[]>> blocks_;
    std::size_t left_ = 0;
    char* free_ = nullptr;
};

template <class F>
void Tree::remove_if(Id parent, F const& unwanted) {
    // By numbers: `unwanted` may change what is below a child.
    Id before = none;
    for (auto head = nodes_[parent].first; head != none;) {
        auto const next = nodes_[head].next_name;
        Id first = none, last = none;
        for (auto i = head; i != none;) {
            auto const following = nodes_[i].next_same;
            if (!unwanted(i)) {
                (last == none ? first : nodes_[last].next_same) = i;
                last = i;
            }
            i = following;
        }
        if (first != none) {
            nodes_[last].next_same = none;
            nodes_[first].last_same = last;
            nodes_[first].next_name = next;
            (before == none ? nodes_[parent].first : nodes_[before].next_name) = first;
            before = first;
        } else {
            (before == none ? nodes_[parent].first : nodes_[before].next_name) = next;
        }
        head = next;
    }
}

template <class Reference>
void Tree::object(Id id, JsonText& out, Reference const& reference) const {
    out.put('{');
    write(id, out, reference);
    out.put('}');
}

template <class Reference>
void Tree::element(Id id, JsonText& out, Reference const& reference) const {
    auto const& node = nodes_[id];
    if (node.kind == Kind::text) {
        out.quoted(node.value);
    } else if (node.kind == Kind::literal) {
        out.put(node.value);
    } else if (node.kind == Kind::reference) {
        reference(node.made, out);
    } else if (node.primitive) {
        out.put("null");
    } else {
        object(id, out, reference);
    }
}

template <class Reference>
bool Tree::write(Id id, JsonText& out, Reference const& reference) const {
    bool comma = false;
    auto const all = [&](std::string_view mark, Id head, auto const& one) {
        auto const& node = nodes_[head];
        if (std::exchange(comma, true)) out.put(',');
        out.name(mark, node.name);
        if (node.list) out.put('[');
        for (auto i = head; i != none; i = nodes_[i].next_same) {
            if (i != head) out.put(',');
            one(i);
        }
        if (node.list) out.put(']');
    };
    for (auto head = nodes_[id].first; head != none; head = nodes_[head].next_name) {
        // A primitive's extensions stand in a property of their own
        // (http://hl7.org/fhir/R4/json.html#primitive).
        bool const primitive = nodes_[head].primitive;
        bool values = !primitive, children = false;
        for (auto i = head; primitive && i != none; i = nodes_[i].next_same) {
            values = values || nodes_[i].kind != Kind::object;
            children = children || has_children(i);
        }
        if (values) all("", head, [&](Id i) { element(i, out, reference); });
        if (children)
            all("_", head, [&](Id i) { has_children(i) ? object(i, out, reference) : out.put("null"); });
    }
    return comma;
}

}  // namespace hilum::routes::mapping
