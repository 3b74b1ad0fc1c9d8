#include <algorithm>

#include "routes/config/config.h"

namespace hilum::config {

// Trees are at most 64 levels deep (read_yaml).
bool same(Node const& a, Node const& b) {
    auto const same_entry = [](Entry const& x, Entry const& y) {
        return x.key == y.key && same(x.value, y.value);
    };
    auto const same_hole = [](Hole const& x, Hole const& y) { return x.param == y.param && x.at == y.at; };
    return a.kind == b.kind && a.scalar == b.scalar &&
           std::equal(a.holes.begin(), a.holes.end(), b.holes.begin(), b.holes.end(), same_hole) &&
           std::equal(a.items.begin(), a.items.end(), b.items.begin(), b.items.end(),
                      [](Node const& x, Node const& y) { return same(x, y); }) &&
           std::equal(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(), same_entry);
}

bool same(Component const& a, Component const& b) {
    return a.name == b.name && a.kind == b.kind && same(a.options, b.options) && same(a.common, b.common);
}

}  // namespace hilum::config
