#include "routes/mapping/fhir_maps_source.h"

#include <utility>

#include "routes/mapping/row_changes.h"

namespace hilum::routes::mapping {

namespace {

using config::Node;

struct RemovedRow {
    config::Text from, to;
};

struct MessageText {
    config::Node messages, groups, rows, first, add;
};
template <class V>
void describe(V& v, MessageText& o) {
    v.optional("messages", o.messages, "the messages that it is for: [ADT^A01, ADT^A04]");
    v.optional("groups", o.groups, "segments that belong together: order: [ORC, OBR]");
    v.optional("rows", o.rows, "what becomes of each segment");
    v.optional("first", o.first, "rows of a site's before those that are there");
    v.optional("add", o.add, "rows of a site's behind those that are there");
}

template <class V>
void describe(V& v, RemovedRow& o) {
    v.optional("from", o.from, "the field of the row");
    v.optional("to", o.to, "its element");
}

struct SiteMapText {
    Node identity, rows, first, add;
    config::ListOf<RemovedRow> remove;
};
template <class V>
void describe(V& v, SiteMapText& o) {
    v.optional("identity", o.identity, "what tells one such resource from another");
    v.optional("rows", o.rows, "the rows");
    v.optional("remove", o.remove, "rows that are taken away, by from, to or both");
    v.optional("first", o.first, "rows of a site's before those that are there: they win");
    v.optional("add", o.add, "rows of a site's behind those that are there");
}

struct TableText {
    config::Text system;
    config::MappingNode rows;
};
template <class V>
void describe(V& v, TableText& o) {
    v.optional("system", o.system, "the code system of rows that name none");
    v.required("rows", o.rows, "the codes: M: male");
}

struct CodeText {
    config::Text code, system, display;
};
template <class V>
void describe(V& v, CodeText& o) {
    v.required("code", o.code, "the code in FHIR");
    v.optional("system", o.system, "its code system");
    v.optional("display", o.display, "what it means");
}

constexpr std::string_view like = "{ from: ..., to: ... }";

class SourceReader {
  public:
    explicit SourceReader(config::Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

    void read(MapFile const& file) {
        auto const before = diagnostics_.errors();
        auto const root = config::read_yaml(file.text, file.name, config::NoEnvironment{}, diagnostics_);
        if (diagnostics_.errors() != before) return;
        if (root.kind == Node::Kind::null) return;
        if (root.kind != Node::Kind::mapping)
            return diagnostics_.error(root.where,
                                      "a file of maps is a mapping from their names to their rows",
                                      "write segment/PID[Patient]: in quotes, and below it the rows");
        for (auto const& entry : root.entries) read(entry);
    }

    MapSources take() { return std::move(sources_); }

  private:
    void read(config::Entry const& entry) {
        std::string_view const name = entry.key;
        if (name.starts_with("segment/") || name.starts_with("datatype/")) return read_map(entry);
        if (name.starts_with("message/")) return read_message(entry);
        if (name.starts_with("table/")) return read_table(entry);
        diagnostics_.error(entry.where, config::in_quotes(name) + " is no name of a map",
                           "begin it with message/, segment/, datatype/ or table/");
    }

    void read_map(config::Entry const& entry) {
        auto const name = "the map " + config::in_quotes(entry.key);
        auto& source = sources_.maps[entry.key];
        source.where = entry.where;
        if (entry.value.kind == Node::Kind::sequence) {
            source.rows = rows_of<FhirRowText>(entry.value, name, like, diagnostics_);
            return;
        }
        auto const text = config::decode_options<SiteMapText>(entry.value, name, diagnostics_);
        if (text.identity.kind != Node::Kind::null) source.identity = text.identity;
        if (text.rows.kind != Node::Kind::null)
            source.rows = rows_of<FhirRowText>(text.rows, name, like, diagnostics_);
        for (auto const& removed : text.remove.items) remove(source, removed, name);
        put_around(rows_of<FhirRowText>(text.first, name, like, diagnostics_), source.rows,
                   rows_of<FhirRowText>(text.add, name, like, diagnostics_));
    }

    void remove(MapSource& source, RemovedRow const& removed, std::string const& name) {
        auto const& where = removed.from.empty() ? removed.to.where : removed.from.where;
        if (!remove_rows(source.rows, removed.from, removed.to))
            diagnostics_.error(
                where, name + " has no such row",
                "name from: and to: as the row has them; hilum convert --to fhir --trace shows them");
    }

    void read_message(config::Entry const& entry) {
        auto const name = "the map " + config::in_quotes(entry.key);
        auto& source = sources_.messages[entry.key];
        source.where = entry.where;
        auto const text = config::decode_options<MessageText>(entry.value, name, diagnostics_);
        if (text.messages.kind != Node::Kind::null) {
            source.messages.clear();
            for (auto const& item : text.messages.items) {
                config::Text message;
                if (config::decode_value(item, message, diagnostics_)) source.messages.push_back(message);
            }
        }
        if (text.groups.kind != Node::Kind::null) source.groups = text.groups;
        if (text.rows.kind != Node::Kind::null)
            source.rows = rows_of<SegmentRowText>(text.rows, name, like, diagnostics_);
        put_around(rows_of<SegmentRowText>(text.first, name, like, diagnostics_), source.rows,
                   rows_of<SegmentRowText>(text.add, name, like, diagnostics_));
    }

    // Codes of a later file come before those of an earlier one; one without a code is taken away.
    void read_table(config::Entry const& entry) {
        auto const text = config::decode_options<TableText>(
            entry.value, "the table " + config::in_quotes(entry.key), diagnostics_);
        auto& table = sources_.tables[entry.key.substr(6)];
        if (!table) table = std::make_unique<CodeTable>();
        table->name = entry.key.substr(6);
        for (auto const& row : text.rows.mapping.entries) {
            if (row.value.kind == Node::Kind::null) {
                table->codes.erase(row.key);
            } else if (row.value.kind == Node::Kind::scalar) {
                table->codes[row.key] = {row.value.scalar, text.system.value, {}};
            } else {
                auto const code = config::decode_options<CodeText>(
                    row.value, "the code " + config::in_quotes(row.key), diagnostics_);
                table->codes[row.key] = {code.code.value,
                                         code.system.empty() ? text.system.value : code.system.value,
                                         code.display.value};
            }
        }
    }

    config::Diagnostics& diagnostics_;
    MapSources sources_;
};

}  // namespace

std::vector<FhirRowText> read_rows(config::Node const& list, std::string const& name,
                                   config::Diagnostics& diagnostics) {
    return rows_of<FhirRowText>(list, name, like, diagnostics);
}

MapSources read_map_sources(std::vector<MapFile> const& files, config::Diagnostics& diagnostics) {
    SourceReader reader(diagnostics);
    for (auto const& file : files) reader.read(file);
    return reader.take();
}

}  // namespace hilum::routes::mapping
