#include "routes/mapping/map_source.h"

#include <algorithm>
#include <utility>

#include "routes/config/files.h"
#include "routes/mapping/row_changes.h"

namespace hilum::routes::mapping {

namespace {

using config::Node;

constexpr std::size_t file_mebibytes = 4;
constexpr std::string_view common = "common";

struct FileText {
    config::Text message, version, of;
    Node rows;
    config::MappingNode maps, tables;
};
template <class V>
void describe(V& v, FileText& o) {
    v.optional("message", o.message, "what is made, as MSH-9 says it: ADT^A31^ADT_A05");
    v.optional("version", o.version, "of HL7 v2 that it is made in; 2.5.1 without it");
    v.optional("of", o.of, "the type of resource that it is made of, such as Patient; without it any");
    v.optional("rows", o.rows, "the rows of the message, in the order of its segments");
    v.optional("maps", o.maps, "the maps that rows name, each a list of rows");
    v.optional("tables", o.tables, "code tables that rows name, each a mapping from one code to another");
}

struct RemovedText {
    config::Text to, from;
};
template <class V>
void describe(V& v, RemovedText& o) {
    v.optional("to", o.to, "the place of the row");
    v.optional("from", o.from, "its expression");
}

struct ChangedText {
    config::ListOf<RemovedText> remove;
    Node first, add;
};
template <class V>
void describe(V& v, ChangedText& o) {
    v.optional("remove", o.remove, "rows that are taken away, by to, from or both");
    v.optional("first", o.first, "rows before those that are there");
    v.optional("add", o.add, "rows behind those that are there");
}

constexpr std::string_view like = "{ to: ..., from: ... }";

// A list takes the place of what is there; first, add and remove change it.
void change(Node const& node, std::string const& name, std::vector<RowText>& rows,
            config::Diagnostics& diagnostics) {
    bool const changes =
        node.kind == Node::Kind::mapping && (node.find("first") || node.find("add") || node.find("remove"));
    if (!changes) {
        rows = rows_of<RowText>(node, name, like, diagnostics);
        return;
    }
    auto const text = config::decode_options<ChangedText>(node, name, diagnostics);
    for (auto const& removed : text.remove.items) {
        bool const none = removed.from.empty() && removed.to.empty();
        if (none || !remove_rows(rows, removed.from, removed.to))
            diagnostics.error(removed.to.empty() ? removed.from.where : removed.to.where,
                              name + " has no such row", "name to: and from: as the row has them");
    }
    put_around(rows_of<RowText>(text.first, name, like, diagnostics), rows,
               rows_of<RowText>(text.add, name, like, diagnostics));
}

}  // namespace

void read_map_text(std::string_view text, std::string file, bool comes_with_us, MapText& all,
                   config::Diagnostics& diagnostics) {
    auto const before = diagnostics.errors();
    auto const root = config::read_yaml(text, std::move(file), config::NoEnvironment{}, diagnostics);
    if (diagnostics.errors() != before) return;
    auto const options = config::decode_options<FileText>(root, "the map", diagnostics);
    if (diagnostics.errors() != before) return;
    if (!options.message.empty()) all.message = options.message;
    if (!options.version.empty()) all.version = options.version;
    if (!options.of.empty()) all.of = options.of;
    if (options.rows.kind != Node::Kind::null) change(options.rows, "the map", all.rows, diagnostics);
    for (auto const& entry : options.maps.mapping.entries) {
        auto& map = all.maps[entry.key];
        map.where = entry.where;
        map.comes_with_us = map.comes_with_us || comes_with_us;
        change(entry.value, "the map " + config::in_quotes(entry.key), map.rows, diagnostics);
    }
    for (auto const& entry : options.tables.mapping.entries) {
        auto& table = all.tables[entry.key];
        if (!table) table = std::make_shared<Codes>();
        if (entry.value.kind != Node::Kind::mapping)
            diagnostics.error(entry.where,
                              "the table " + config::in_quotes(entry.key) + " is no mapping of codes",
                              "write male: M below it");
        for (auto const& code : entry.value.entries) {
            if (code.value.kind == Node::Kind::null) {
                table->erase(code.key);
            } else {
                (*table)[code.key] = code.value.scalar;
            }
        }
    }
}

std::vector<std::string> own_hl7_maps() {
    std::vector<std::string> out;
    for (auto const& file : hl7_map_files())
        if (!file.name.starts_with(common)) out.push_back(std::string(fhir_to_v2) + file.name);
    return out;
}

std::shared_ptr<MapSet const> load_maps(config::Text const& name, Tables const& tables,
                                        config::Diagnostics& diagnostics, config::NameList const& with) {
    auto const before = diagnostics.errors();
    MapText all;
    auto const read = [&](std::string const& file, config::Location const& where) {
        auto const path = config::beside(file, where);
        auto const text = config::read_whole(path, where, "map", file_mebibytes, diagnostics);
        if (text) read_map_text(*text, path, false, all, diagnostics);
    };
    if (name.value.starts_with(fhir_to_v2)) {
        auto const& files = hl7_map_files();
        auto const wanted = name.value.substr(fhir_to_v2.size());
        auto const own = std::find_if(files.begin(), files.end(), [&](MapFile const& f) {
            return f.name == wanted && !f.name.starts_with(common);
        });
        if (own == files.end()) {
            auto const known = own_hl7_maps();
            std::vector<std::string_view> const names(known.begin(), known.end());
            diagnostics.error(name.where, "no map " + config::in_quotes(name.value) + " comes with Hilum",
                              config::suggest(name.value, names, "maps"));
            return nullptr;
        }
        for (auto const& file : files)
            if (file.name.starts_with(common)) read_map_text(file.text, file.name, true, all, diagnostics);
        read_map_text(own->text, own->name, true, all, diagnostics);
    } else {
        read(name.value, name.where);
    }
    for (auto const& file : with) read(file.name, file.where);
    return diagnostics.errors() == before ? compile_maps(all, tables, diagnostics) : nullptr;
}

}  // namespace hilum::routes::mapping
