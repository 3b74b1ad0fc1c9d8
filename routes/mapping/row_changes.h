// Rows of a map as files have them, and what a site's file changes of them: for maps in both directions,
// whose rows have other keys but from and to.
#pragma once

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "routes/config/describe.h"
#include "routes/config/diagnostics.h"
#include "routes/config/node.h"

namespace hilum::routes::mapping {

// A list of rows; none where there is no node. `like` shows what one looks like.
template <class Row>
std::vector<Row> rows_of(config::Node const& list, std::string const& name, std::string_view like,
                         config::Diagnostics& diagnostics) {
    std::vector<Row> out;
    if (list.kind == config::Node::Kind::null) return out;
    if (list.kind != config::Node::Kind::sequence) {
        diagnostics.error(list.where, name + " is no list of rows",
                          "write - " + std::string(like) + " for each");
        return out;
    }
    out.reserve(list.items.size());
    for (auto const& item : list.items)
        out.push_back(config::decode_options<Row>(item, "a row of " + name, diagnostics));
    return out;
}

template <class Row>
void put_around(std::vector<Row> first, std::vector<Row>& rows, std::vector<Row> add) {
    rows.insert(rows.begin(), std::make_move_iterator(first.begin()), std::make_move_iterator(first.end()));
    rows.insert(rows.end(), std::make_move_iterator(add.begin()), std::make_move_iterator(add.end()));
}

// Takes away the rows with that `from` and `to`; an empty one counts for every row. False: there are none.
// Without both it names no row, and nothing is taken away.
template <class Row>
bool remove_rows(std::vector<Row>& rows, config::Text const& from, config::Text const& to) {
    if (from.empty() && to.empty()) return true;
    return std::erase_if(rows, [&](Row const& row) {
               return (from.empty() || row.from.value == from.value) &&
                      (to.empty() || row.to.value == to.value);
           }) > 0;
}

}  // namespace hilum::routes::mapping
