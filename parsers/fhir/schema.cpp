#include "parsers/fhir/schema.h"

#include <bit>
#include <cstring>
#include <string>

namespace hilum::fhir {
namespace {

std::uint64_t hash_of(Type type, std::string_view name) {
    std::uint64_t front = 0, back = 0;
    if (name.size() >= 8) {
        std::memcpy(&front, name.data(), 8);
        std::memcpy(&back, name.data() + name.size() - 8, 8);
    } else {
        for (char const c : name) front = front << 8U | static_cast<unsigned char>(c);
    }
    std::uint64_t const mixed = (front ^ std::rotl(back, 29) ^ name.size() << 56U) * 0x9e3779b97f4a7c15U;
    return (mixed ^ mixed >> 32U ^ type.number()) * 0xd6e8feb86659fd93U;
}

// "Quantity" of "valueQuantity".
std::string capitalized(std::string_view type) {
    std::string out(type);
    if (out[0] >= 'a' && out[0] <= 'z') out[0] = static_cast<char>(out[0] - 32);
    return out;
}

// The names of choices are nowhere in the definitions; they live as long as the process does.
std::string_view kept(std::string text) {
    static std::vector<std::vector<char>> texts;
    return {texts.emplace_back(text.begin(), text.end()).data(), text.size()};
}

}  // namespace

Schema const& Schema::r4() {
    static Schema const schema;
    return schema;
}

void Schema::add(Type type) {
    auto& t = types_.emplace_back();
    t.elements = definitions(type);
    t.first = properties_.size();
    for (std::size_t i = 0; i < t.elements.size(); ++i) {
        auto const& e = t.elements[i];
        auto const ordinal = static_cast<std::uint16_t>(i);
        if (e.min > 0) t.required.push_back(ordinal);
        for (std::size_t n = 0; n < (e.choice ? e.type_count() : 1); ++n) {
            auto const name = e.choice ? kept(std::string(e.name) + capitalized(e.type(n).name())) : e.name;
            properties_.push_back({name, e.type(n), ordinal, e.max > 1, &e});
        }
    }
    t.count = properties_.size() - t.first;
    std::vector<Type> chain;
    for (Type base = type; base.exists(); base = base.base()) chain.insert(chain.begin(), base);
    for (Type const base : chain)
        t.invariants.insert(t.invariants.end(), base.invariants().begin(), base.invariants().end());
}

Schema::Schema() {
    types_.reserve(Type::count());
    for (std::uint16_t number = 0; number < Type::count(); ++number) add(Type(number));
    places_.resize(std::bit_ceil(properties_.size() * 2));
    for (std::uint16_t number = 0; number < Type::count(); ++number) {
        auto const& t = types_[number];
        for (std::size_t i = t.first; i < t.first + t.count; ++i) {
            auto const hash = hash_of(Type(number), properties_[i].name);
            auto at = hash & (places_.size() - 1);
            while (places_[at].property != none) at = (at + 1) & (places_.size() - 1);
            places_[at] = {hash, static_cast<std::uint32_t>(i), number};
        }
    }
}

Property const* Schema::find(Type type, std::string_view name) const {
    if (!type.exists()) return nullptr;
    auto const hash = hash_of(type, name);
    for (auto at = hash & (places_.size() - 1);; at = (at + 1) & (places_.size() - 1)) {
        auto const& place = places_[at];
        if (place.property == none) return nullptr;
        if (place.hash == hash && place.type == type.number() && properties_[place.property].name == name)
            return &properties_[place.property];
    }
}

}  // namespace hilum::fhir
