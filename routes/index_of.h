// Where something of a name stands in a list of the configuration.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace hilum::routes {

// The size of the list when it is not in it.
template <class Items>
std::size_t index_of(Items const& items, std::string_view name) {
    auto const found =
        std::find_if(items.begin(), items.end(), [&](auto const& item) { return item.name == name; });
    return static_cast<std::size_t>(found - items.begin());
}

}  // namespace hilum::routes
