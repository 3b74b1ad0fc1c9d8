#include "routes/config/node.h"

#include <algorithm>

namespace hilum::config {

Node const* Node::find(std::string_view key) const {
    if (kind != Kind::mapping) return nullptr;
    for (Entry const& entry : entries) {
        if (entry.key == key) return &entry.value;
    }
    return nullptr;
}

Size measure(Node const& node) {  // recursion is bounded by levels_max
    Size size;
    size.bytes = node.scalar.size();
    auto const add = [&](Node const& child) {
        Size const inner = measure(child);
        size.nodes += inner.nodes;
        size.bytes += inner.bytes;
        size.levels = std::max(size.levels, inner.levels);
    };
    for (Node const& item : node.items) add(item);
    for (Entry const& entry : node.entries) {
        size.bytes += entry.key.size();
        add(entry.value);
    }
    if (node.kind == Node::Kind::sequence || node.kind == Node::Kind::mapping) ++size.levels;
    return size;
}

std::string_view Node::kind_name() const {
    switch (kind) {
        case Kind::scalar:
            return "a text";
        case Kind::sequence:
            return "a list";
        case Kind::mapping:
            return "a mapping";
        case Kind::null:
            break;
    }
    return "nothing";
}

}  // namespace hilum::config
