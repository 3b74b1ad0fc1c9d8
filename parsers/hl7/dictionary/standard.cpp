#include "parsers/hl7/dictionary/standard.h"

#include <algorithm>
#include <iterator>

namespace hilum::hl7::standard {

namespace {

// Texts by their number in one pool; everything else by its place in an array. Equal things of several
// versions are there once.
struct PositionRecord {
    std::uint16_t name, datatype;
    std::uint32_t length;
    std::uint16_t table, repetitions;
    char usage;
};
struct NodeRecord {
    std::uint16_t name;
    std::uint8_t min, max;
    std::uint16_t span;
    std::uint8_t kind;  // 1: group, 2: one of a choice
};
struct ShapeRecord {
    std::uint16_t name, title;
    std::uint32_t first;
    std::uint16_t count;
};
struct StructureRecord {
    std::uint16_t name;
    std::uint32_t first;
    std::uint16_t count;
};
struct EventRecord {
    std::uint16_t event, structure;
};
struct TableRecord {
    std::uint16_t number, name;
    std::uint8_t kind;
    std::uint16_t first, count;
};
struct CodeRecord {
    std::uint16_t code, meaning;
};

#include "parsers/hl7/dictionary/data.inc"

std::string_view text(std::uint16_t id) {
    return {texts + text_starts[id], text_starts[id + 1U] - text_starts[id]};
}

// The first of [begin, end) whose key is not less than `wanted`.
template <class It, class Key>
It lower(It begin, It end, std::string_view wanted, Key key) {
    return std::partition_point(begin, end, [&](auto const& x) { return key(x) < wanted; });
}

template <std::size_t N>
std::optional<Shape> shape(std::uint16_t const (&index)[N], std::uint32_t const* ranges, Version version,
                           std::string_view name) {
    auto const v = static_cast<std::size_t>(version);
    auto const key = [](std::uint16_t id) { return text(shapes[id].name); };
    auto const* end = index + ranges[v + 1];
    auto const* found = lower(index + ranges[v], end, name, key);
    if (found == end || key(*found) != name) return std::nullopt;
    auto const& s = shapes[*found];
    return Shape{text(s.name), text(s.title), runs + s.first, s.count};
}

Tree tree(std::uint16_t id) {
    auto const& s = structures[id];
    return {text(s.name), runs + s.first, s.count};
}

}  // namespace

std::optional<Shape> segment(Version version, std::string_view name) {
    return shape(segment_index, segment_ranges, version, name);
}

std::optional<Shape> datatype(Version version, std::string_view name) {
    return shape(datatype_index, datatype_ranges, version, name);
}

void for_each_datatype(std::function<void(std::string_view)> const& use) {
    for (auto const id : datatype_index) use(text(shapes[id].name));
}

Position position(std::uint16_t id) {
    auto const& p = positions[id];
    return {.name = text(p.name),
            .datatype = text(p.datatype),
            .length_max = p.length,
            .repetitions_min = static_cast<std::uint16_t>(p.usage == 'R' ? 1 : 0),
            .repetitions_max = p.repetitions,
            .table = p.table,
            .usage = static_cast<Usage>(p.usage)};
}

std::optional<Tree> structure(Version version, std::string_view name) {
    auto const v = static_cast<std::size_t>(version);
    auto const key = [](std::uint16_t id) { return text(structures[id].name); };
    auto const* end = structure_index + structure_ranges[v + 1];
    auto const* found = lower(structure_index + structure_ranges[v], end, name, key);
    if (found == end || key(*found) != name) return std::nullopt;
    return tree(*found);
}

namespace {

EventRecord const* first_event(Version version, std::string_view wanted, EventRecord const*& end) {
    auto const v = static_cast<std::size_t>(version);
    end = events + event_ranges[v + 1];
    return lower(events + event_ranges[v], end, wanted, [](EventRecord const& e) { return text(e.event); });
}

}  // namespace

std::optional<Tree> structure_of_event(Version version, std::string_view event) {
    EventRecord const* end = nullptr;
    auto const* found = first_event(version, event, end);
    if (found == end || text(found->event) != event) return std::nullopt;
    return tree(found->structure);
}

std::optional<Tree> structure_of_type(Version version, std::string_view type) {
    EventRecord const* end = nullptr;
    auto const* found = first_event(version, type, end);
    if (found == end || type.empty()) return std::nullopt;
    std::string_view const event = text(found->event);
    bool const of_type =
        event.starts_with(type) && (event.size() == type.size() || event[type.size()] == '_');
    return of_type ? std::optional(tree(found->structure)) : std::nullopt;
}

StructureNode node(std::uint16_t id) {
    auto const& n = nodes[id];
    return {.name = text(n.name),
            .min = n.min,
            .max = n.max,
            .span = n.span,
            .group = n.kind == 1,
            .choice = n.kind == 2};
}

std::optional<CodeTable> table(std::uint16_t number) {
    auto const* end = std::end(tables);
    auto const* found = std::partition_point(std::begin(tables), end,
                                             [&](TableRecord const& t) { return t.number < number; });
    if (found == end || found->number != number) return std::nullopt;
    return CodeTable{number, text(found->name), static_cast<TableKind>(found->kind), found->first,
                     found->count};
}

Code code(std::size_t index) {
    return {text(codes[index].code), text(codes[index].meaning)};
}

std::size_t group_count() {
    return std::size(group_names);
}

std::string_view group_name(std::size_t index) {
    return text(group_names[index]);
}

}  // namespace hilum::hl7::standard
