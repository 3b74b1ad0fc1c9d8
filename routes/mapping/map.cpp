#include "routes/mapping/map.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "parsers/fhir/definitions.h"
#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/version.h"
#include "routes/config/files.h"
#include "routes/mapping/map_source.h"

namespace hilum::routes::mapping {

namespace {

constexpr std::size_t deep_max = 16;
constexpr std::size_t number_max = 999;  // of a field or component

// A number at the front of `text`, which it takes; 0: there is none.
std::size_t take_number(std::string_view& text) {
    std::size_t value = 0, digits = 0;
    while (digits < text.size() && digits < 4 && text[digits] >= '0' && text[digits] <= '9')
        value = value * 10 + static_cast<std::size_t>(text[digits++] - '0');
    text.remove_prefix(digits);
    return value <= number_max ? value : 0;
}

// Whether it is one: "ORDER", "PID", "PID-5", "PID-5.1.2", ".1.2".
bool read_target(std::string_view text, Target& out) {
    auto const part = [&text](char before, std::size_t& number) {
        if (text.empty()) return true;
        if (text[0] != before) return false;
        text.remove_prefix(1);
        number = take_number(text);
        return number != 0;
    };
    if (text == ".") {
        out.here = true;
        return true;
    }
    if (hl7::Dictionary::standard().is_group(text)) {
        out.group = text;
        return true;
    }
    if (!text.starts_with('.')) {
        auto const name = text.substr(0, 3);
        bool const good = name.size() == 3 && name[0] >= 'A' && name[0] <= 'Z' &&
                          std::all_of(name.begin(), name.end(), [](char c) {
                              return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
                          });
        if (!good) return false;
        out.segment = name;
        text.remove_prefix(3);
        if (!part('-', out.field)) return false;
    }
    return part('.', out.component) && part('.', out.subcomponent) && text.empty();
}

class Compiler {
  public:
    Compiler(MapText const& file, Tables const& tables, config::Diagnostics& diagnostics)
        : file_(file), tables_(tables), diagnostics_(diagnostics) {}

    std::shared_ptr<MapSet const> compile() {
        auto const before = diagnostics_.errors();
        head();
        set_->maps.push_back({"", Level::message, "", {}});
        rows_into(0, file_.rows, root_);
        for (auto const& [name, map] : file_.maps) {
            if (!map.comes_with_us && !used_.contains(name))
                diagnostics_.warning(map.where, "no row names the map " + config::in_quotes(name),
                                     "remove it, or name it with map:");
        }
        return diagnostics_.errors() == before ? set_ : nullptr;
    }

  private:
    void head() {
        auto const& message = file_.message;
        if (message.empty())
            return diagnostics_.error(message.where, "the map does not say which message it makes",
                                      "add message: such as ADT^A31^ADT_A05");
        auto const first = message.value.find('^'), second = message.value.find('^', first + 1);
        set_->type = message.value.substr(0, first);
        if (first != std::string::npos) set_->event = message.value.substr(first + 1, second - first - 1);
        if (first != std::string::npos && second != std::string::npos)
            set_->structure = message.value.substr(second + 1);
        if (set_->type.size() != 3 || set_->event.size() != 3)
            diagnostics_.error(message.where, config::in_quotes(message.value) + " is no type of message",
                               "write it as MSH-9 has it, such as ADT^A31^ADT_A05");
        if (!file_.version.empty()) {
            set_->version = file_.version.value;
            if (!hl7::version_named(set_->version))
                diagnostics_.error(file_.version.where,
                                   "HL7 v2 has no version " + config::in_quotes(set_->version),
                                   "write one of 2.1 to 2.8.2");
        }
        version_ = hl7::version_named(set_->version).value_or(hl7::assumed_version);
        if (file_.of.empty()) return;
        set_->of = root_ = file_.of.value;
        auto const type = fhir::Type::find(root_);
        if (!type.exists() || type.kind() != fhir::Type::Kind::resource) {
            diagnostics_.error(file_.of.where, "FHIR R4 has no resource " + config::in_quotes(root_),
                               config::suggest(root_, fhir::Type::names(), "types"));
            root_.clear();
        }
    }

    void rows_into(std::size_t map, std::vector<RowText> const& rows, std::string const& type) {
        auto const level = set_->maps[map].level;
        auto const segment = set_->maps[map].segment;  // its place may move: maps are added
        for (auto const& text : rows) {
            auto row = compile_row(text, level, segment, type);
            set_->maps[map].rows.push_back(std::move(row));
        }
        if (rows.empty())
            diagnostics_.error(file_.message.where, "a map without rows makes nothing", "give it rows");
    }

    Row compile_row(RowText const& text, Level level, std::string const& segment, std::string const& type) {
        Row row;
        row.at = text.to.value;
        target(text.to, level, segment, row.to);
        expression::Options options;
        options.fhir = true;
        if (!type.empty()) options.root = type;
        if (!text.when.empty())
            row.when = expression::Expression::compile(text.when, 0, diagnostics_, options);
        if (!text.from.empty())
            row.from = expression::Expression::compile(text.from, 0, diagnostics_, options);
        row.has_value = !text.value.empty();
        if (row.has_value) row.value = expression::ValueSource::compile(text.value, diagnostics_, options);
        if (row.has_value && !(text.from.empty() && text.map.empty() && text.table.empty()))
            diagnostics_.error(text.value.where,
                               "a value is all there is: from, map and table have no effect",
                               "leave out value, or the others");
        if (!row.has_value && text.from.empty() && text.map.empty())
            diagnostics_.error(text.to.where, "the row for " + row.at + " does not say what goes there",
                               "add from:, value: or map:");
        join(text, row);
        table(text, row);
        if (!text.map.empty()) {
            // What a map is about is known where it stands for what the calling one is about.
            row.map = call(text.map, row, text.from.empty() ? type : std::string(), level, segment);
        } else if (row.to.here) {
            diagnostics_.error(text.to.where, "what this map fills takes another map",
                               "add map:, or name a place");
        } else if (level == Level::message && row.to.field == 0) {
            bool const group = !row.to.group.empty();
            diagnostics_.error(text.to.where,
                               row.at + (group ? " is a group: it takes a map that makes its segments"
                                               : " is a segment: it takes a map that makes its fields"),
                               group ? "add map:" : "add map:, or name a field such as " + row.at + "-1");
        }
        return row;
    }

    void target(config::Text const& text, Level level, std::string const& segment, Target& out) {
        if (!read_target(text.value, out))
            return diagnostics_.error(text.where, config::in_quotes(text.value) + " is no place in a message",
                                      "write PID, PID-5 or PID-5.1; in the map of a field .1 or .1.2");
        if (out.here) return;
        if (!out.group.empty()) {
            if (level != Level::message)
                diagnostics_.error(text.where, "groups stand in a message or in a group, not in a segment",
                                   "name a field, such as PID-5");
            return;
        }
        bool const relative = out.segment.empty();
        bool const inside = level == Level::field || level == Level::component;
        if (relative != inside)
            return diagnostics_.error(
                text.where,
                inside ? "this map makes a field: its places begin with a dot"
                       : "this map makes a " + std::string(level == Level::message ? "message" : "segment") +
                             ": its places name a segment",
                inside ? "write .1 for its first component" : "write PID-5, say");
        if (level == Level::component && out.subcomponent != 0)
            return diagnostics_.error(text.where, "a component has subcomponents, and no more below them",
                                      "write .1 for its first subcomponent");
        if (inside) return;
        if (level == Level::segment && (out.segment != segment || out.field == 0))
            return diagnostics_.error(text.where, "this map makes the segment " + segment,
                                      "name one of its fields, such as " + segment + "-1");
        auto const known = hl7::Dictionary::standard().segment(version_, out.segment);
        if (!known && out.segment[0] != 'Z')
            diagnostics_.error(text.where,
                               "HL7 v" + set_->version + " has no segment " + config::in_quotes(out.segment),
                               "name one that it has, or one of your own that begins with Z");
        if (known && out.field > known->fields.size())
            diagnostics_.error(text.where,
                               out.segment + " has " + std::to_string(known->fields.size()) +
                                   " fields in HL7 v" + set_->version,
                               "name one of them");
        if (out.segment == "MSH" && (out.field == 1 || out.field == 2 || out.field == 9 || out.field == 12))
            diagnostics_.error(text.where, text.value + " is written by Hilum itself",
                               out.field < 3 ? "leave it out" : "it follows from message: and version:");
    }

    void join(RowText const& text, Row& row) {
        row.joined = text.join.where.file != nullptr;
        row.join = text.join.value;
        if (row.joined && !text.map.empty())
            diagnostics_.error(text.join.where, "what a map makes is no text that could be joined",
                               "leave out join, or map");
    }

    void table(RowText const& text, Row& row) {
        if (!text.otherwise.empty() && text.table.empty())
            diagnostics_.error(text.otherwise.where, "otherwise is about a table, and there is none",
                               "add table:, or leave it out");
        if (text.table.empty()) return;
        row.table_name = text.table.value;
        if (auto const own = file_.tables.find(row.table_name); own != file_.tables.end()) {
            row.codes = own->second;
            missing(text, row);
            return;
        }
        auto const found = tables_.find(row.table_name);
        if (found == tables_.end()) {
            std::vector<std::string_view> names;
            for (auto const& [name, table] : file_.tables) names.push_back(name);
            for (auto const& [name, table] : tables_) names.push_back(name);
            diagnostics_.error(text.table.where, "there is no table " + config::in_quotes(row.table_name),
                               config::suggest(row.table_name, names, "tables"));
        } else if (found->second && (found->second->key_columns() != 1 || found->second->dated())) {
            diagnostics_.error(text.table.where,
                               "table " + config::in_quotes(row.table_name) +
                                   " has several key columns or dates, which a row can't ask for",
                               "use a lookup step, or a table with one key");
        } else {
            row.table = found->second;
        }
        missing(text, row);
    }

    void missing(RowText const& text, Row& row) {
        auto const& otherwise = text.otherwise.value;
        if (otherwise == "pass") {
            row.missing = Missing::pass;
        } else if (otherwise.starts_with('=')) {
            row.missing = Missing::use_default;
            row.instead = otherwise.substr(1);
        } else if (!otherwise.empty() && otherwise != "hold") {
            diagnostics_.error(text.otherwise.where, config::in_quotes(otherwise) + " is not known here",
                               "write hold, pass, or = and the text that takes its place, such as \"=U\"");
        }
    }

    // The number of the map that a row names, compiled for what the row makes. Each is compiled once for each
    // kind of thing it makes.
    std::size_t call(config::Text const& name, Row const& row, std::string const& type, Level caller,
                     std::string const& called_in) {
        auto const found = file_.maps.find(name.value);
        used_.insert(name.value);
        if (found == file_.maps.end()) {
            std::vector<std::string_view> names;
            for (auto const& [known, map] : file_.maps) names.emplace_back(known);
            diagnostics_.error(name.where, "there is no map " + config::in_quotes(name.value),
                               config::suggest(name.value, names, "maps"));
            return Row::none;
        }
        auto const level = row.to.here                                        ? caller
                           : !row.to.group.empty()                            ? Level::message
                           : !row.to.segment.empty() && row.to.field == 0     ? Level::segment
                           : !row.to.segment.empty() && row.to.component == 0 ? Level::field
                                                                              : Level::component;
        auto const segment = level != Level::segment ? std::string()
                             : row.to.here           ? called_in
                                                     : row.to.segment;
        if (row.to.subcomponent != 0) {
            diagnostics_.error(name.where,
                               row.at + " is a subcomponent: there is nothing below it to be mapped",
                               "leave out map:");
            return Row::none;
        }
        auto const key = std::make_tuple(name.value, level, segment, type);
        if (auto const known = compiled_.find(key); known != compiled_.end()) return known->second;
        if (way_.size() >= deep_max || std::find(way_.begin(), way_.end(), name.value) != way_.end()) {
            diagnostics_.error(name.where,
                               "the map " + config::in_quotes(name.value) + " leads back to itself",
                               "maps call others as fields have components: they end somewhere");
            return Row::none;
        }
        auto const number = set_->maps.size();
        compiled_[key] = number;
        set_->maps.push_back({name.value, level, segment, {}});
        way_.push_back(name.value);
        rows_into(number, found->second.rows, type);
        way_.pop_back();
        return number;
    }

    MapText const& file_;
    Tables const& tables_;
    config::Diagnostics& diagnostics_;
    std::shared_ptr<MapSet> set_ = std::make_shared<MapSet>();
    std::string root_;
    hl7::Version version_ = hl7::assumed_version;
    std::map<std::tuple<std::string, Level, std::string, std::string>, std::size_t> compiled_;
    std::set<std::string, std::less<>> used_;
    std::vector<std::string> way_;
};

}  // namespace

std::shared_ptr<MapSet const> compile_maps(MapText const& text, Tables const& tables,
                                           config::Diagnostics& diagnostics) {
    return Compiler(text, tables, diagnostics).compile();
}

std::shared_ptr<MapSet const> read_maps(std::string_view text, std::string file, Tables const& tables,
                                        config::Diagnostics& diagnostics) {
    auto const before = diagnostics.errors();
    MapText all;
    read_map_text(text, std::move(file), false, all, diagnostics);
    return diagnostics.errors() == before ? compile_maps(all, tables, diagnostics) : nullptr;
}

}  // namespace hilum::routes::mapping
