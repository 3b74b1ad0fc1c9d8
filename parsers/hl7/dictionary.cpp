#include "parsers/hl7/dictionary.h"

#include <algorithm>
#include <set>

#include "parsers/hl7/dictionary/overlay.h"
#include "parsers/hl7/dictionary/standard.h"

namespace hilum::hl7 {

std::optional<Position> Positions::at(std::size_t number) const {
    if (number == 0 || number > count_) return std::nullopt;
    return own_ ? own_[number - 1] : standard::position(ids_[number - 1]);
}

Code Table::code(std::size_t index) const {
    return own_ ? own_[index] : standard::code(first_ + index);
}

std::optional<Code> Table::find(std::string_view wanted) const {
    std::size_t begin = 0;
    std::size_t end = count_;
    while (begin < end) {
        std::size_t const middle = begin + (end - begin) / 2;
        if (code(middle).code < wanted) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    if (begin == count_ || code(begin).code != wanted) return std::nullopt;
    return code(begin);
}

StructureNode Structure::node(std::size_t index) const {
    return own_ ? own_[index] : standard::node(ids_[index]);
}

Dictionary const& Dictionary::standard() {
    static constinit Dictionary const dictionary;
    return dictionary;
}

Result<Dictionary> Dictionary::with(DictionaryOverlay const& overlay) {
    auto built = Overlay::build(overlay);
    if (!built) return built.error();
    Dictionary dictionary;
    dictionary.overlay_ = std::move(*built);
    return dictionary;
}

std::optional<Segment> Dictionary::segment(Version version, std::string_view name) const {
    Segment segment;
    if (auto const* own = overlay_ ? overlay_->segment(version, name) : nullptr) {
        segment.name = own->name;
        segment.title = own->title;
        segment.fields.own_ = own->positions.data();
        segment.fields.count_ = own->positions.size();
        return segment;
    }
    auto const shape = standard::segment(version, name);
    if (!shape) return std::nullopt;
    segment.name = shape->name;
    segment.title = shape->title;
    segment.fields.ids_ = shape->ids;
    segment.fields.count_ = shape->count;
    return segment;
}

std::optional<Datatype> Dictionary::datatype(Version version, std::string_view name) const {
    auto const shape = standard::datatype(version, name);
    if (!shape) return std::nullopt;
    Datatype datatype;
    datatype.name = shape->name;
    datatype.title = shape->title;
    datatype.components.ids_ = shape->ids;
    datatype.components.count_ = shape->count;
    return datatype;
}

std::optional<Position> Dictionary::field(Version version, std::string_view segment_name,
                                          std::size_t number) const {
    auto const found = segment(version, segment_name);
    return found ? found->fields.at(number) : std::nullopt;
}

std::optional<Table> Dictionary::table(std::uint16_t number) const {
    Table table;
    table.number_ = number;
    if (auto const* own = overlay_ ? overlay_->table(number) : nullptr) {
        table.name_ = own->name;
        table.kind_ = own->kind;
        table.own_ = own->codes.data();
        table.count_ = own->codes.size();
        return table;
    }
    auto const found = standard::table(number);
    if (!found) return std::nullopt;
    table.name_ = found->name;
    table.kind_ = found->kind;
    table.first_ = found->first;
    table.count_ = found->count;
    return table;
}

std::optional<Structure> Dictionary::structure(Version version, std::string_view name) const {
    Structure structure;
    if (auto const* own = overlay_ ? overlay_->structure(name) : nullptr) {
        structure.name_ = own->name;
        structure.own_ = own->nodes.data();
        structure.count_ = own->nodes.size();
        return structure;
    }
    auto const tree = standard::structure(version, name);
    if (!tree) return std::nullopt;
    structure.name_ = tree->name;
    structure.ids_ = tree->ids;
    structure.count_ = tree->count;
    return structure;
}

// `key` as "ADT_A04", a structure's name or a message's type and event.
std::optional<Structure> Dictionary::structure_in(Version version, std::string_view key) const {
    if (auto const* own = overlay_ ? overlay_->structure_of_event(key) : nullptr)
        return structure(version, own->name);
    if (auto found = structure(version, key)) return found;
    auto const tree = standard::structure_of_event(version, key);
    return tree ? structure(version, tree->name) : std::nullopt;
}

std::optional<Structure> Dictionary::structure(Version version, std::string_view type, std::string_view event,
                                               std::string_view named) const {
    std::string key(type);
    if (!event.empty()) key += '_' + std::string(event);
    // An overlay may give a message of the standard another structure.
    if (overlay_ && overlay_->structure_of_event(key)) return structure_in(version, key);
    std::vector<Version> versions{version};
    for (auto v = static_cast<std::size_t>(version) + 1; v < version_count; ++v)
        versions.push_back(static_cast<Version>(v));
    for (auto v = static_cast<std::size_t>(version); v-- > 0;) versions.push_back(static_cast<Version>(v));
    for (std::string_view const wanted : {named, std::string_view(key)}) {
        // A type alone is looked for below, where its first structure counts.
        if (wanted.empty() || (event.empty() && wanted == key)) continue;
        for (Version const v : versions)
            if (auto found = structure_in(v, wanted)) return found;
    }
    // ACK answers every event with one structure; other types are known by their event alone.
    if (!event.empty() && type != "ACK") return std::nullopt;
    for (Version const v : versions) {
        if (auto found = structure(v, type)) return found;
        if (auto const tree = standard::structure_of_type(v, type)) return structure(v, tree->name);
    }
    return std::nullopt;
}

bool Dictionary::is_group(std::string_view name) const {
    std::size_t begin = 0;
    std::size_t end = standard::group_count();
    while (begin < end) {
        std::size_t const middle = begin + (end - begin) / 2;
        if (standard::group_name(middle) < name) {
            begin = middle + 1;
        } else {
            end = middle;
        }
    }
    if (begin < standard::group_count() && standard::group_name(begin) == name) return true;
    return overlay_ && overlay_->groups.contains(name);
}

std::vector<std::string_view> Dictionary::datatype_names() const {
    std::set<std::string_view> names;
    standard::for_each_datatype([&](std::string_view name) { names.insert(name); });
    return {names.begin(), names.end()};
}

std::vector<std::string_view> Dictionary::group_names() const {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < standard::group_count(); ++i) names.insert(standard::group_name(i));
    if (overlay_) names.insert(overlay_->groups.begin(), overlay_->groups.end());
    return {names.begin(), names.end()};
}

}  // namespace hilum::hl7
