// The definitions arranged for those who go through whole resources: which element a property is, found in
// one look-up. Made at the first use, in a millisecond or two; read by any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "parsers/fhir/definitions.h"

namespace hilum::fhir {

// One JSON property of a type. A choice has one for each of its types.
struct Property {
    std::string_view name;  // "valueQuantity"
    Type type;
    std::uint16_t ordinal = 0;  // of the element among those of its type, the bases' first: the order in XML
    bool list = false;
    ElementDefinition const* element = nullptr;
};

class Schema {
  public:
    static Schema const& r4();

    Property const* find(Type type, std::string_view name) const;  // nullptr: the type has no such property
    std::span<ElementDefinition const> elements(Type type) const { return types_[type.number()].elements; }
    std::span<std::uint16_t const> required(Type type) const { return types_[type.number()].required; }
    std::span<std::uint16_t const> invariants(Type type) const { return types_[type.number()].invariants; }
    std::span<Property const> properties(Type type) const {
        auto const& t = types_[type.number()];
        return {properties_.data() + t.first, t.count};
    }

  private:
    struct TypeSchema {
        std::vector<ElementDefinition> elements;
        std::vector<std::uint16_t> required;    // ordinals of elements that have to be there
        std::vector<std::uint16_t> invariants;  // its own and its bases'
        std::size_t first = 0, count = 0;       // of properties_
    };
    struct Place {
        std::uint64_t hash = 0;
        std::uint32_t property = none;
        std::uint16_t type = 0;
    };
    static constexpr std::uint32_t none = 0xffffffff;

    Schema();
    void add(Type type);

    std::vector<TypeSchema> types_;
    std::vector<Property> properties_;
    std::vector<Place> places_;  // a hash table with open addressing
};

}  // namespace hilum::fhir
