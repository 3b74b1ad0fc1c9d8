// What tests of the editor compare: a tree as its readers see it.
#pragma once

#include <string>

#include "parsers/fhir/resource.h"

namespace hilum::test {

// Everything that readers of the tree see, with the way back from each child.
inline void walk(fhir::Element element, std::string& out) {
    out += std::string(element.name()) + "/" + std::to_string(static_cast<int>(element.kind()));
    if (element.has_value()) out += "=" + std::string(element.text());
    out += "{";
    for (auto e = element.first(); e.exists(); e = e.next()) {
        if (!(e.parent() == element)) out += "LOST ";
        walk(e, out);
    }
    out += "}";
}

inline std::string tree(fhir::Resource const& resource) {
    std::string out;
    walk(resource.root(), out);
    return out;
}

}  // namespace hilum::test
