#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "routes/mapping/fhir_maps.h"
#include "routes/mapping/fhir_maps_source.h"
#include "routes/mapping/fhir_path.h"

namespace hilum::routes::mapping {

namespace {

using config::in_quotes;

constexpr std::size_t deep_max = 32;

// "Observation" of "segment/OBX[Observation-Component]": the type that a map fills.
std::string type_name_of(std::string_view map) {
    auto const open = map.find('[');
    if (open == std::string_view::npos) return {};
    auto const name = map.substr(open + 1, map.find_first_of("-]", open) - open - 1);
    return std::string(name);
}

bool is_label(std::string_view text) {
    return text.size() > 3 && text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'a' && text[1] <= 'z';
}

class Compiler {
  public:
    Compiler(MapSources sources, Tables const& tables, config::Diagnostics& diagnostics)
        : sources_(std::move(sources)), tables_(tables), diagnostics_(diagnostics) {}

    std::shared_ptr<FhirMaps const> compile() {
        auto const before = diagnostics_.errors();
        out_->tables = std::move(sources_.tables);
        out_->required.resize(fhir::Type::count());
        for (std::uint16_t type = 0; type < fhir::Type::count(); ++type)
            for (auto const& element : fhir::definitions(fhir::Type(type)))
                if (element.min > 0) out_->required[type].push_back({element.name, element.choice});
        for (auto const& [name, source] : sources_.messages) message(name, source);
        return diagnostics_.errors() == before ? out_ : nullptr;
    }

  private:
    // ------------------------------------------------------------------ messages
    void message(std::string const& name, MessageSource const& source) {
        MessageMap made;
        made.name = name;
        groups(source.groups, made);
        for (auto const& row : source.rows)
            if (!row.after.empty() && !has(made.anchors, row.after.value))
                made.anchors.push_back(row.after.value);
        for (auto const& row : source.rows) segment_row(row, made);
        auto const number = out_->messages.size();
        for (auto const& event : source.messages) {
            if (!out_->of_event.emplace(event.value, number).second)
                diagnostics_.error(event.where, "two maps are for " + in_quotes(event.value),
                                   "name it in one of them");
        }
        out_->messages.push_back(std::move(made));
    }

    static bool has(std::vector<std::string> const& list, std::string_view word) {
        return std::find(list.begin(), list.end(), word) != list.end();
    }

    void groups(config::Node const& node, MessageMap& made) {
        if (node.kind == config::Node::Kind::null) return;
        for (auto const& entry : node.entries) {
            SegmentGroup group{entry.key, {}};
            config::decode_value(entry.value, group.segments, diagnostics_);
            made.groups.push_back(std::move(group));
        }
    }

    void segment_row(SegmentRowText const& text, MessageMap& made) {
        SegmentRow row;
        row.segment = text.segment.value;
        row.after = text.after.value;
        row.into = !text.into.empty();
        auto const& label = row.into ? text.into : text.to;
        if (text.to.empty() == text.into.empty()) {
            diagnostics_.error(text.segment.where,
                               "the row for " + row.segment + " says " +
                                   (text.to.empty() ? "not what it makes" : "both to and into"),
                               "write to: for a resource of its own, into: for one that is there");
            return;
        }
        row.label = label.value;
        auto const type_name = row.label.substr(0, row.label.find('['));
        row.type = fhir::Type::find(type_name);
        if (!row.type.exists() || row.type.kind() != fhir::Type::Kind::resource) {
            diagnostics_.error(label.where, "FHIR R4 has no resource " + in_quotes(type_name),
                               config::suggest(type_name, fhir::Type::names(), "types"));
            return;
        }
        if (!text.when.empty()) {
            row.when = expression::Expression::compile(text.when, 0, diagnostics_);
            row.decided_by = row.when.paths();
        }
        only(text.only, row);
        row.calls = map_of("segment/" + text.map.value, row.type, text.map);
        if (row.calls != FhirRow::none) reads_no_part(row.calls);
        identity(text.identity, row.identity);
        for (auto const& entry : text.refs.mapping.entries) reference(entry, row);
        made.rows.push_back(std::move(row));
    }

    // A segment is no part of a field, so that ".2" would never have a value in its rows. Told once.
    void reads_no_part(std::size_t number) {
        for (auto const& [where, row] : std::exchange(of_parts_[number], {}))
            diagnostics_.error(where,
                               in_quotes(row) + " reads a part of a field, and its map is run on a segment",
                               "name the field, such as " + out_->maps[number].segment + "-2.2");
    }

    // Where a row reads a part; nothing where it reads fields.
    static std::optional<config::Location> reads_part(FhirRowText const& text, FhirRow const& row) {
        using Kind = HlField::Kind;
        bool const part = row.from.kind == Kind::part && row.from.path.component != 0;
        if (part || row.from.kind == Kind::whole) return text.from.where;
        bool const decided = std::any_of(row.decided_by.begin(), row.decided_by.end(),
                                         [](hl7::Path const& path) { return path.segment[0] == '\0'; });
        if (!decided) return std::nullopt;
        return text.when.empty() ? text.value.where : text.when.where;
    }

    void only(config::Text const& text, SegmentRow& row) {
        if (text.empty()) return;
        if (text.value == "message") {
            row.only = SegmentRow::Only::message;
        } else if (text.value == "provenance") {
            row.only = SegmentRow::Only::provenance;
        } else {
            diagnostics_.error(text.where, in_quotes(text.value) + " is not known here",
                               "write message or provenance");
        }
    }

    // "subject", or "DiagnosticReport.result" of another resource.
    void reference(config::Entry const& entry, SegmentRow& row) {
        SegmentRow::Reference made;
        std::string_view element = entry.key;
        auto type = row.type;
        if (is_label(element)) {
            auto const dot =
                element.find('.', element.find(']') == std::string_view::npos ? 0 : element.find(']'));
            made.of = element.substr(0, dot);
            element = dot == std::string_view::npos ? std::string_view() : element.substr(dot + 1);
            type = fhir::Type::find(made.of.substr(0, made.of.find('[')));
        }
        auto path = compile_fhir_path({std::string(element), entry.where}, type, out_->names, diagnostics_);
        if (!path) return;
        if (path->type.name() != "Reference")
            return diagnostics_.error(entry.where, in_quotes(entry.key) + " is no reference",
                                      "name an element that refers to resources");
        config::Text to;
        if (!config::decode_value(entry.value, to, diagnostics_)) return;
        made.element = std::move(path->steps);
        made.to = to.value;
        row.references.push_back(std::move(made));
    }

    void identity(config::Node const& node, std::vector<IdentityPart>& out) {
        if (node.kind == config::Node::Kind::null) return;
        for (auto const& item : node.items) {
            config::Text text;
            if (!config::decode_value(item, text, diagnostics_)) continue;
            IdentityPart part;
            if (is_label(text.value)) {
                part.label = text.value;
            } else {
                // ".4 | MSH-4.1": where the first says nothing, the second.
                for (std::size_t begin = 0; begin <= text.value.size();) {
                    auto const end = std::min(text.value.find(" | ", begin), text.value.size());
                    part.fields.push_back(
                        field({text.value.substr(begin, end - begin), text.where.shifted(begin)}));
                    begin = end + 3;
                }
            }
            out.push_back(std::move(part));
        }
    }

    // ------------------------------------------------------------------ fields
    HlField field(config::Text const& text) {
        HlField out;
        if (text.value.empty()) return out;
        if (text.value == ".") {
            out.kind = HlField::Kind::whole;
            return out;
        }
        if (text.value.starts_with('.')) {
            out.kind = HlField::Kind::part;
            std::string_view rest = text.value;
            for (auto* const number : {&out.path.component, &out.path.subcomponent}) {
                if (!rest.starts_with('.')) break;
                rest.remove_prefix(1);
                while (!rest.empty() && rest[0] >= '0' && rest[0] <= '9' && *number < 1000) {
                    *number = *number * 10 + static_cast<std::uint32_t>(rest[0] - '0');
                    rest.remove_prefix(1);
                }
                if (*number == 0) break;
            }
            if (!rest.empty() || out.path.component == 0)
                diagnostics_.error(text.where, in_quotes(text.value) + " is no place in a field",
                                   "write .1 for its first component, .4.2, or . for all of it");
            return out;
        }
        out.kind = HlField::Kind::field;
        auto const path = hl7::Path::parse(text.value);
        if (!path) {
            diagnostics_.error(text.where, in_quotes(text.value) + ": " + path.error().what,
                               path.error().next);
            return out;
        }
        out.path = *path;
        if (path->field == 0)
            diagnostics_.error(text.where, text.value + " is a whole segment",
                               "name a field of it: " + text.value + "-1");
        out.repetitions = !path->repetition_given || path->repetition == hl7::Path::all;
        return out;
    }

    // ------------------------------------------------------------------ maps
    std::size_t map_of(std::string const& name, fhir::Type type, config::Text const& where) {
        auto const key = std::make_pair(name, type.number());
        if (auto const known = compiled_.find(key); known != compiled_.end()) {
            if (has(way_, name)) {
                diagnostics_.error(where.where, "the map " + in_quotes(name) + " leads back to itself",
                                   "maps call others as fields have components: they end somewhere");
                return FhirRow::none;
            }
            return known->second;
        }
        auto const source = sources_.maps.find(name);
        if (source == sources_.maps.end()) {
            std::vector<std::string_view> names;
            auto const kind = name.substr(0, name.find('/') + 1);
            for (auto const& [known, map] : sources_.maps)
                if (known.starts_with(kind)) names.emplace_back(known);
            diagnostics_.error(where.where, "there is no map " + in_quotes(name),
                               diagnostics_.full() ? "" : config::suggest(name, names, "maps"));
            return FhirRow::none;
        }
        auto const number = begin_map(name, type);
        compiled_[key] = number;
        identity(source->second.identity, out_->maps[number].identity);
        rows_into(number, source->second.rows);
        return number;
    }

    std::size_t begin_map(std::string const& name, fhir::Type type) {
        auto const number = out_->maps.size();
        auto& map = out_->maps.emplace_back();
        map.name = name;
        map.type = type;
        if (name.starts_with("segment/")) map.segment = name.substr(8, 3);
        return number;
    }

    void rows_into(std::size_t number, std::vector<FhirRowText> const& rows) {
        auto const name = out_->maps[number].name;
        auto const type = out_->maps[number].type;
        if (way_.size() >= deep_max) {
            diagnostics_.error(rows.empty() ? config::Location() : rows.front().to.where,
                               "maps call one another more than " + std::to_string(deep_max) + " levels deep",
                               "let them end sooner");
            return;
        }
        way_.push_back(name);
        std::vector<FhirRow> made;
        made.reserve(rows.size());
        expression::Conditions conditions;
        for (auto const& text : rows) {
            made.push_back(row(text, name, type, conditions));
            if (auto const where = reads_part(text, made.back()))
                of_parts_[number].emplace_back(*where, made.back().at);
        }
        conditions.share();
        out_->maps[number].conditions = std::move(conditions);
        out_->maps[number].of_part_alone = of_part_alone(out_->maps[number].identity, made);
        out_->maps[number].rows = std::move(made);
        way_.pop_back();
    }

    bool of_part_alone(std::vector<IdentityPart> const& identity, std::vector<FhirRow> const& rows) const {
        // MSH is the same for all of the message.
        auto const a_field = [](hl7::Path const& path) {
            return path.segment[0] != '\0' && path.segment_name() != "MSH";
        };
        auto const part_alone = [&](IdentityPart const& part) {
            return part.label.empty() && std::none_of(part.fields.begin(), part.fields.end(),
                                                      [&](HlField const& f) { return a_field(f.path); });
        };
        if (!std::all_of(identity.begin(), identity.end(), part_alone)) return false;
        return std::none_of(rows.begin(), rows.end(), [&](FhirRow const& row) {
            return a_field(row.from.path) ||
                   std::any_of(row.decided_by.begin(), row.decided_by.end(), a_field) ||
                   (row.calls != FhirRow::none && !out_->maps[row.calls].of_part_alone);
        });
    }

    FhirRow row(FhirRowText const& text, std::string const& map, fhir::Type type,
                expression::Conditions& conditions) {
        FhirRow row;
        row.map = map;
        row.at = text.from.empty() ? text.to.value : text.from.value + " > " + text.to.value;
        row.from = field(text.from);
        expression::Options options;
        options.parts = true;
        if (!text.when.empty()) {
            auto when = expression::Expression::compile(text.when, 0, diagnostics_, options);
            row.decided_by = when.paths();
            row.when = conditions.add(std::move(when));
        }
        target(text, type, row);
        value(text, options, row);
        call(text, row);
        table(text, row);
        return row;
    }

    void target(FhirRowText const& text, fhir::Type type, FhirRow& row) {
        row.type = type;
        bool const itself = text.to.value == "$this" || text.to.value == "$value";
        bool const mapped = !text.map.empty() || text.rows.kind != config::Node::Kind::null;
        if (itself) {
            row.to_value = !mapped;
        } else if (auto path = compile_fhir_path(text.to, type, out_->names, diagnostics_)) {
            row.to = std::move(path->steps);
            row.type = path->type;
            row.codes = path->codes;
        } else {
            row.type = {};  // what follows from it is not reported on top
        }
        row.primitive = primitive_of(row.type);
    }

    void value(FhirRowText const& text, expression::Options const& options, FhirRow& row) {
        row.has_value = !text.value.empty();
        if (!row.has_value) return;
        row.value = expression::ValueSource::compile(text.value, diagnostics_, options);
        for (auto const& path : row.value.paths()) row.decided_by.push_back(path);
        if (!text.map.empty() || text.rows.kind != config::Node::Kind::null)
            diagnostics_.error(text.value.where, "a value is all there is: map and rows have no effect",
                               "leave out value, or the others");
    }

    void call(FhirRowText const& text, FhirRow& row) {
        if (!row.type.exists()) return;
        bool const inner = text.rows.kind != config::Node::Kind::null;
        if (inner) {
            auto const rows = read_rows(text.rows, "the row for " + row.at, diagnostics_);
            auto const name = row.map + " > " + text.to.value;
            row.calls = begin_map(name, row.type);
            if (!text.map.empty())
                diagnostics_.error(text.map.where, "the row has rows of its own, and a map",
                                   "leave out one of them");
            rows_into(row.calls, rows);
        } else if (!text.map.empty()) {
            auto type = row.type;
            auto const made = fhir::Type::find(type_name_of(text.map.value));
            if (type.name() == "Reference" && made.exists() && made.kind() == fhir::Type::Kind::resource) {
                row.reference = true;
                type = made;
            }
            bool const segment = sources_.maps.contains("segment/" + text.map.value);
            row.calls = map_of((segment ? "segment/" : "datatype/") + text.map.value, type, text.map);
        } else if (!row.has_value) {
            if (row.from.kind == HlField::Kind::none)
                diagnostics_.error(text.to.where, "the row for " + row.at + " does not say what goes there",
                                   "add from:, value:, map: or rows:");
            else if (row.type.exists() && row.primitive == Primitive::other)
                diagnostics_.error(text.to.where,
                                   text.to.value + " is a " + std::string(row.type.name()) + ", no text",
                                   "add map: with the map that makes it");
        }
        if (row.calls == FhirRow::none && row.has_value && row.primitive == Primitive::other &&
            row.type.exists())
            diagnostics_.error(text.to.where,
                               text.to.value + " is a " + std::string(row.type.name()) + ", no text",
                               "name an element of it");
    }

    void table(FhirRowText const& text, FhirRow& row) {
        auto const& otherwise = text.otherwise.value;
        if (otherwise == "hold") {
            row.lacking = Lacking::hold;
        } else if (otherwise == "pass") {
            row.lacking = Lacking::pass;
        } else if (otherwise.starts_with('=')) {
            row.lacking = Lacking::use_default;
            row.instead = otherwise.substr(1);
        } else if (!otherwise.empty() && otherwise != "omit") {
            diagnostics_.error(
                text.otherwise.where, in_quotes(otherwise) + " is not known here",
                "write omit, hold, pass, or = and the text that takes its place, such as \"=unknown\"");
        }
        if (text.table.empty()) return;
        auto const& name = text.table.value;
        if (auto const site = tables_.find(name); site != tables_.end()) {
            if (site->second && (site->second->key_columns() != 1 || site->second->dated()))
                return diagnostics_.error(text.table.where,
                                          "table " + in_quotes(name) +
                                              " has several key columns or dates, which a row can't ask for",
                                          "use a table with one key");
            auto& made = out_->tables["site " + name];
            if (!made) made = std::make_unique<CodeTable>();
            made->name = name;
            made->site = site->second;
            row.table = made.get();
        } else if (auto const known = out_->tables.find(name); known != out_->tables.end()) {
            row.table = known->second.get();
        } else if (name == "namespaces") {
            // The site's, if it has one.
            auto& made = out_->tables[name];
            made = std::make_unique<CodeTable>();
            made->name = name;
            row.table = made.get();
        } else {
            std::vector<std::string_view> names;
            for (auto const& [table, codes] : out_->tables)
                if (!table.starts_with("site ")) names.push_back(table);
            for (auto const& [table, codes] : tables_) names.push_back(table);
            diagnostics_.error(text.table.where, "there is no table " + in_quotes(name),
                               config::suggest(name, names, "tables"));
        }
    }

    MapSources sources_;
    Tables const& tables_;
    config::Diagnostics& diagnostics_;
    std::shared_ptr<FhirMaps> out_ = std::make_shared<FhirMaps>();
    std::map<std::pair<std::string, std::uint16_t>, std::size_t> compiled_;
    std::vector<std::string> way_;
    std::map<std::size_t, std::vector<std::pair<config::Location, std::string>>> of_parts_;  // by maps
};

}  // namespace

std::shared_ptr<FhirMaps const> read_fhir_maps(std::vector<MapFile> const& files, Tables const& tables,
                                               config::Diagnostics& diagnostics) {
    auto const before = diagnostics.errors();
    auto sources = read_map_sources(files, diagnostics);
    if (diagnostics.errors() != before) return nullptr;
    return Compiler(std::move(sources), tables, diagnostics).compile();
}

}  // namespace hilum::routes::mapping
