#include "routes/config/node.h"

namespace hilum::config {

Node const* Node::find(std::string_view key) const {
    if (kind != Kind::mapping) return nullptr;
    for (Entry const& entry : entries) {
        if (entry.key == key) return &entry.value;
    }
    return nullptr;
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
