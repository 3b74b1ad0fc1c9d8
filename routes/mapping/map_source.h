// Maps to HL7 v2 as they are written: what files say, one on top of another, before it is compiled.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "routes/mapping/fhir_maps.h"
#include "routes/mapping/map.h"

namespace hilum::routes::mapping {

struct RowText {
    config::Text to, from, when, value, map, table, otherwise, join;
};
template <class V>
void describe(V& v, RowText& o) {
    v.required("to", o.to, "where it goes: PID, PID-5, PID-5.1; in the map of a field .1 or .1.2");
    v.optional("from", o.from, "an expression for what goes there; without it what the map is about");
    v.optional("value", o.value, "a text, or an expression that begins with =, in place of from");
    v.optional("when", o.when, "a condition: the row counts only where it holds");
    v.optional("map", o.map, "the map that makes it, of each item that from gives");
    v.optional("table", o.table, "the code table that translates it");
    v.optional("otherwise", o.otherwise,
               "what becomes of a code that is not in the table: hold (the default), pass, or = and the text "
               "that takes its place");
    v.optional("join", o.join, "what stands between several items that become one text");
}

struct RowsText {
    config::Location where;
    std::vector<RowText> rows;
    bool comes_with_us = false;  // a map that nothing names is then no mistake
};

struct MapText {
    config::Text message, version, of;
    std::vector<RowText> rows;
    std::map<std::string, RowsText, std::less<>> maps;
    std::map<std::string, std::shared_ptr<Codes>, std::less<>> tables;
};

// Puts what a file says on top of what is in `all`.
void read_map_text(std::string_view text, std::string file, bool comes_with_us, MapText& all,
                   config::Diagnostics& diagnostics);

std::vector<MapFile> const& hl7_map_files();  // those that come with Hilum

std::shared_ptr<MapSet const> compile_maps(MapText const& text, Tables const& tables,
                                           config::Diagnostics& diagnostics);

}  // namespace hilum::routes::mapping
