#include "parsers/fhir/location.h"

#include <algorithm>
#include <vector>

#include "parsers/fhir/schema.h"

namespace hilum::fhir {
namespace {

// A name as the sender wrote it, if FHIR could have such a name: others may be anything, and don't go into
// logs.
std::string_view shown(std::string_view name) {
    auto const letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
    };
    return name.size() <= 64 && std::all_of(name.begin(), name.end(), letter) ? name : "unknown";
}

// Element by element from `root` to `element`, which are in one resource; as long as the reader's depth
// allows.
std::vector<Element> way(Element element, Element root) {
    std::vector<Element> out;
    for (auto e = element; e.exists(); e = e == root ? Element() : e.parent()) out.insert(out.begin(), e);
    return out;
}

// The place among the siblings of its name, from 0.
std::size_t index_of(Element element) {
    std::size_t index = 0;
    for (auto e = element.parent().child(element.name()); e.exists() && e != element; e = e.next())
        if (e.name() == element.name()) ++index;
    return index;
}

Type below(Type type, Element element, Property const* property) {
    auto const resource = element.resource_type();
    if (!resource.empty() && (!type.exists() || !property || property->type.kind() == Type::Kind::resource))
        return Type::find(resource);
    return property ? property->type : Type();
}

}  // namespace

std::string location(Element element, Element root) {
    std::string out;
    Type type;
    for (auto const e : way(element, root)) {
        auto const* const property = e == root ? nullptr : Schema::r4().find(type, e.name());
        if (e == root) {
            type = type_of(root);
            out =
                e.resource_type().empty() ? std::string(type.name()) : std::string(shown(e.resource_type()));
            continue;
        }
        out += '.';
        out += property ? property->element->name : shown(e.name());
        if (property ? property->list : e.in_list()) out += '[' + std::to_string(index_of(e)) + ']';
        type = below(type, e, property);
    }
    return out;
}

std::string location(Element parent, Element root, std::string_view child) {
    return location(parent, root) + '.' + std::string(shown(child));
}

Type type_of(Element element) {
    Type type;
    for (auto const e : way(element, Element()))
        type = below(type, e, e.parent().exists() ? Schema::r4().find(type, e.name()) : nullptr);
    return type;
}

}  // namespace hilum::fhir
