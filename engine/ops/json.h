// JSON as the ops API and the command line use it.
#pragma once

#include <string>
#include <string_view>

#include "parsers/json.h"

namespace hilum::ops {

namespace json = hilum::json;

template <class Items, class F>
void write_list(json::Writer& w, std::string_view name, Items const& items, F each) {
    w.key(name);
    w.array([&] {
        for (auto const& item : items) each(item);
    });
}

// One object as a text.
template <class F>
std::string object(F content) {
    json::Writer w;
    w.object([&] { content(w); });
    return w.text();
}

}  // namespace hilum::ops
