#include "parsers/fhir/definitions.h"

#include <algorithm>
#include <iterator>

namespace hilum::fhir {
namespace {

// Texts by their number in one pool, everything else by its place in an array. Types are sorted by name.
struct TypeRecord {
    std::uint16_t name, base;
    std::uint8_t kind;
    std::uint16_t first, count;
    std::uint16_t invariants, invariant_count;
};
struct ElementRecord {
    std::uint16_t name, types, type_count;
    std::uint8_t min, max, flags;  // flags: 1 choice, 2 modifier, 4 summary
    std::uint16_t value_set;
    std::uint16_t targets, target_count;
    std::uint16_t invariants, invariant_count;
};
struct InvariantRecord {
    std::uint16_t key;
    std::uint8_t error;
    std::uint16_t human, expression;
};
struct ValueSetRecord {
    std::uint16_t url, first, count;  // parts
};
struct PartRecord {
    std::uint16_t system, first, count;  // codes, sorted by their text
};

#include "parsers/fhir/definitions/data.inc"

std::string_view text(std::uint16_t id) {
    return {texts + text_starts[id], text_starts[id + 1U] - text_starts[id]};
}

std::span<std::uint16_t const> invariants_at(std::size_t first, std::size_t count) {
    return {invariant_lists + first, count};
}

bool holds(PartRecord const& part, std::string_view code) {
    auto const* const begin = value_set_codes + part.first;
    auto const* const end = begin + part.count;
    auto const* const found =
        std::partition_point(begin, end, [&](std::uint16_t c) { return text(c) < code; });
    return found != end && text(*found) == code;
}

// "Quantity" of "valueQuantity": the type's name with a capital.
bool names_type(std::string_view suffix, std::string_view type) {
    if (suffix.size() != type.size() || suffix.empty()) return false;
    char const first = type[0] >= 'a' && type[0] <= 'z' ? static_cast<char>(type[0] - 32) : type[0];
    return suffix[0] == first && suffix.substr(1) == type.substr(1);
}

// The number of the first element that `wanted` takes; from the type to its bases.
template <class Wanted>
std::optional<std::size_t> find_element(Type type, Wanted wanted) {
    for (; type.exists(); type = type.base()) {
        auto const& t = types[type.number()];
        for (std::size_t i = t.first; i < std::size_t{t.first} + t.count; ++i)
            if (wanted(elements[i])) return i;
    }
    return std::nullopt;
}

}  // namespace

std::size_t invariant_count() {
    return std::size(invariant_records);
}

Invariant invariant(std::size_t number) {
    auto const& i = invariant_records[number];
    return {text(i.key), i.error != 0, text(i.human), text(i.expression)};
}

std::string_view ValueSet::url() const {
    return exists() ? text(value_sets[number_].url) : std::string_view();
}

bool ValueSet::listed() const {
    return exists() && value_sets[number_].count > 0;
}

bool ValueSet::has(std::string_view code) const {
    auto const& set = value_sets[number_];
    return std::any_of(value_set_parts + set.first, value_set_parts + set.first + set.count,
                       [&](PartRecord const& part) { return holds(part, code); });
}

bool ValueSet::has(std::string_view system, std::string_view code) const {
    auto const& set = value_sets[number_];
    return std::any_of(
        value_set_parts + set.first, value_set_parts + set.first + set.count,
        [&](PartRecord const& part) { return text(part.system) == system && holds(part, code); });
}

Type Type::find(std::string_view name) {
    auto const* const end = std::end(types);
    auto const* const found = std::partition_point(std::begin(types), end,
                                                   [&](TypeRecord const& t) { return text(t.name) < name; });
    if (found == end || text(found->name) != name) return {};
    return Type(static_cast<std::uint16_t>(found - std::begin(types)));
}

std::vector<std::string_view> Type::names() {
    std::vector<std::string_view> out;
    for (auto const& t : types)
        if (t.kind != static_cast<std::uint8_t>(Kind::backbone)) out.push_back(text(t.name));
    return out;
}

std::uint16_t Type::count() {
    return static_cast<std::uint16_t>(std::size(types));
}

std::string_view Type::name() const {
    return exists() ? text(types[number_].name) : std::string_view();
}

Type::Kind Type::kind() const {
    return exists() ? static_cast<Kind>(types[number_].kind) : Kind::complex;
}

Type Type::base() const {
    return exists() ? Type(types[number_].base) : Type();
}

std::span<std::uint16_t const> Type::invariants() const {
    return invariants_at(types[number_].invariants, types[number_].invariant_count);
}

bool Type::is(Type other) const {
    for (Type t = *this; t.exists(); t = t.base())
        if (t == other) return true;
    return false;
}

bool Type::is_abstract() const {
    auto const n = name();
    return n == "Resource" || n == "DomainResource" || n == "Element" || n == "BackboneElement";
}

ElementDefinition::ElementDefinition(std::size_t number) {
    auto const& e = elements[number];
    name = text(e.name);
    choice = (e.flags & 1U) != 0;
    modifier = (e.flags & 2U) != 0;
    min = e.min;
    max = e.max;
    value_set = ValueSet(e.value_set);
    invariants = invariants_at(e.invariants, e.invariant_count);
    types_at_ = e.types;
    type_count_ = e.type_count;
    targets_at_ = e.targets;
    target_count_ = e.target_count;
}

bool ElementDefinition::may_refer_to(Type target) const {
    if (target_count_ == 0) return true;
    auto const* const begin = type_lists + targets_at_;
    return std::any_of(begin, begin + target_count_, [&](std::uint16_t t) { return target.is(Type(t)); });
}

Type ElementDefinition::type(std::size_t i) const {
    return Type(type_lists[types_at_ + i]);
}

Type ElementDefinition::type_of(std::string_view property) const {
    if (!choice) return property == name ? type(0) : Type();
    if (!property.starts_with(name)) return {};
    auto const suffix = property.substr(name.size());
    for (std::size_t i = 0; i < type_count_; ++i)
        if (names_type(suffix, type(i).name())) return type(i);
    return {};
}

std::optional<ElementDefinition> definition(Type type, std::string_view name) {
    auto const found = find_element(type, [&](ElementRecord const& e) { return text(e.name) == name; });
    return found ? std::optional(ElementDefinition(*found)) : std::nullopt;
}

std::optional<ElementDefinition> definition_of_property(Type type, std::string_view property) {
    auto const found = find_element(type, [&](ElementRecord const& e) {
        if ((e.flags & 1U) == 0) return text(e.name) == property;
        auto const name = text(e.name);
        if (property.size() <= name.size() || !property.starts_with(name)) return false;
        for (std::size_t i = 0; i < e.type_count; ++i)
            if (names_type(property.substr(name.size()), text(types[type_lists[e.types + i]].name)))
                return true;
        return false;
    });
    return found ? std::optional(ElementDefinition(*found)) : std::nullopt;
}

std::vector<ElementDefinition> definitions(Type type) {
    std::vector<Type> chain;
    for (; type.exists(); type = type.base()) chain.insert(chain.begin(), type);
    std::vector<ElementDefinition> out;
    for (auto const t : chain)
        for (std::size_t i = 0; i < types[t.number()].count; ++i)
            out.push_back(ElementDefinition(types[t.number()].first + i));
    return out;
}

}  // namespace hilum::fhir
