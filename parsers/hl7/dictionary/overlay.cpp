#include "parsers/hl7/dictionary/overlay.h"

#include <algorithm>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/dictionary/standard.h"

namespace hilum::hl7 {

namespace {

constexpr std::uint32_t field_max = 999;
constexpr std::size_t nodes_max = 1000;
constexpr std::size_t depth_max = 16;

bool group_name(std::string_view name) {
    return name.size() > 3 && name[0] >= 'A' &&
           std::all_of(name.begin(), name.end(), [](char c) { return c == '_' || capital_or_digit(c); });
}

bool known_datatype(std::string_view name) {
    for (std::size_t v = version_count; v-- > 0;)
        if (standard::datatype(static_cast<Version>(v), name)) return true;
    return false;
}

Error bad(std::string place, std::string what, std::string next) {
    return error("bad_dictionary", std::move(place), std::move(what), std::move(next));
}

}  // namespace

Result<std::shared_ptr<Dictionary::Overlay const>> Dictionary::Overlay::build(
    DictionaryOverlay const& wanted) {
    auto overlay = std::make_shared<Overlay>();
    for (auto const& s : wanted.segments)
        if (auto const done = overlay->add(s); !done) return done.error();
    for (auto const& t : wanted.tables)
        if (auto const done = overlay->add(t); !done) return done.error();
    for (auto const& s : wanted.structures)
        if (auto const done = overlay->add(s); !done) return done.error();
    return std::shared_ptr<Overlay const>(std::move(overlay));
}

Result<void> Dictionary::Overlay::add(DictionaryOverlay::Segment const& wanted) {
    if (!segment_name(wanted.name)) {
        return bad("segment " + wanted.name, "a segment's name has three capitals or digits",
                   "name it like ZPI");
    }
    for (std::size_t v = 0; v < version_count; ++v) {
        auto const version = static_cast<Version>(v);
        auto const shape = standard::segment(version, wanted.name);
        Segment segment;
        segment.name = keep(wanted.name);
        segment.title = wanted.title ? keep(*wanted.title) : shape ? shape->title : std::string_view{};
        for (std::size_t i = 0; shape && i < shape->count; ++i)
            segment.positions.push_back(standard::position(shape->ids[i]));
        for (auto const& f : wanted.fields)
            if (auto const done = change(wanted.name, f, segment.positions); !done) return done.error();
        segments.insert_or_assign({segment.name, version}, std::move(segment));
    }
    return {};
}

Result<void> Dictionary::Overlay::change(std::string const& segment, DictionaryOverlay::Field const& wanted,
                                         std::vector<Position>& positions) {
    std::string const place = segment + "-" + std::to_string(wanted.number);
    if (wanted.number == 0 || wanted.number > field_max) {
        return bad(place, "there is no such field", "fields count from 1 to " + std::to_string(field_max));
    }
    if (wanted.datatype && !known_datatype(*wanted.datatype)) {
        return bad(place, "no version has the datatype " + *wanted.datatype, "name one like ST, NM or CWE");
    }
    // Fields between the last known one and this one are there too, about which nothing is said.
    while (positions.size() < wanted.number) positions.push_back({.name = {}, .datatype = "ST"});
    Position& p = positions[wanted.number - 1];
    if (wanted.name) p.name = keep(*wanted.name);
    if (wanted.datatype) p.datatype = keep(*wanted.datatype);
    if (wanted.length_max) p.length_max = *wanted.length_max;
    if (wanted.repetitions_max) p.repetitions_max = *wanted.repetitions_max;
    if (wanted.table) p.table = *wanted.table;
    if (wanted.usage) p.usage = *wanted.usage;
    p.repetitions_min = p.required() ? 1 : 0;
    return {};
}

Result<void> Dictionary::Overlay::add(DictionaryOverlay::Table const& wanted) {
    if (wanted.number == 0) return bad("table 0", "tables count from 1", "leave the table away for none");
    auto const known = standard::table(wanted.number);
    std::map<std::string_view, std::string_view> merged;
    for (std::size_t i = 0; known && i < known->count; ++i) {
        auto const c = standard::code(known->first + i);
        merged.emplace(c.code, c.meaning);
    }
    for (auto const& [code, meaning] : wanted.codes) merged.insert_or_assign(keep(code), keep(meaning));
    Table table;
    table.name = wanted.name ? keep(*wanted.name) : known ? known->name : std::string_view{};
    table.kind = wanted.closed ? TableKind::hl7 : known ? known->kind : TableKind::user;
    for (auto const& [code, meaning] : merged) table.codes.push_back({code, meaning});
    tables.insert_or_assign(wanted.number, std::move(table));
    return {};
}

Result<void> Dictionary::Overlay::add(DictionaryOverlay::Structure const& wanted) {
    std::string const place = "structure " + wanted.name;
    if (wanted.name.empty() || wanted.nodes.empty()) {
        return bad(place, "a structure has a name and segments", "begin it with MSH");
    }
    Structure structure;
    structure.name = keep(wanted.name);
    if (auto const done = flatten(place, wanted.nodes, 1, structure.nodes); !done) return done.error();
    for (std::string event : wanted.events) {
        std::replace(event.begin(), event.end(), '^', '_');
        events.insert_or_assign(keep(event), structure.name);
    }
    structures.insert_or_assign(structure.name, std::move(structure));
    return {};
}

Result<void> Dictionary::Overlay::flatten(std::string const& place,
                                          std::vector<DictionaryOverlay::Node> const& wanted,
                                          std::size_t depth, std::vector<StructureNode>& nodes) {
    if (depth > depth_max) return bad(place, "groups are nested deeper than 16", "nest them less");
    for (auto const& n : wanted) {
        bool const group = !n.children.empty();
        if (!(group ? group_name(n.name) : segment_name(n.name))) {
            return bad(place,
                       "\"" + n.name.substr(0, 40) + "\" is no name of a " + (group ? "group" : "segment"),
                       "segments have three capitals or digits, groups four or more, with underscores");
        }
        std::size_t const at = nodes.size();
        if (at >= nodes_max) return bad(place, "it has more than 1,000 nodes", "leave out what never comes");
        nodes.push_back({.name = keep(n.name), .min = n.min, .max = n.max, .group = group});
        if (!group) continue;
        groups.insert(nodes[at].name);
        if (auto const done = flatten(place, n.children, depth + 1, nodes); !done) return done.error();
        nodes[at].span = static_cast<std::uint16_t>(nodes.size() - at);
    }
    return {};
}

Dictionary::Overlay::Segment const* Dictionary::Overlay::segment(Version version,
                                                                 std::string_view name) const {
    auto const found = segments.find({name, version});
    return found == segments.end() ? nullptr : &found->second;
}

Dictionary::Overlay::Table const* Dictionary::Overlay::table(std::uint16_t number) const {
    auto const found = tables.find(number);
    return found == tables.end() ? nullptr : &found->second;
}

Dictionary::Overlay::Structure const* Dictionary::Overlay::structure(std::string_view name) const {
    auto const found = structures.find(name);
    return found == structures.end() ? nullptr : &found->second;
}

Dictionary::Overlay::Structure const* Dictionary::Overlay::structure_of_event(std::string_view event) const {
    auto const found = events.find(event);
    return found == events.end() ? nullptr : structure(found->second);
}

}  // namespace hilum::hl7
