// What FHIR R4 says about its types: which elements they have, of what types, how often. Compiled in; nothing
// is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace hilum::fhir {

// A type by its number in the definitions: a primitive ("code"), a datatype ("HumanName"), a resource
// ("Patient"), or the nameless type of an element with elements of its own, called by its path
// ("Patient.contact").
class Type {
  public:
    enum class Kind : unsigned char { primitive, complex, resource, backbone };

    Type() = default;
    explicit Type(std::uint16_t number) : number_(number) {}
    static Type find(std::string_view name);       // one that does not exist() when R4 has none of that name
    static std::vector<std::string_view> names();  // of all but backbones

    bool exists() const { return number_ != none; }
    std::uint16_t number() const { return number_; }
    std::string_view name() const;
    Kind kind() const;
    Type base() const;          // of "Patient": DomainResource; of "Element" and "Resource": none
    bool is(Type other) const;  // the same, or derived from it
    bool is_abstract()
        const;  // Resource, DomainResource, Element, BackboneElement: an instance is of another type
    bool operator==(Type const&) const = default;

  private:
    static constexpr std::uint16_t none = 0xffff;
    std::uint16_t number_ = none;
};

// One element as a type defines it.
class ElementDefinition {
  public:
    static constexpr unsigned unbounded = 255;

    std::string_view name;  // without [x]
    bool choice = false;    // value[x]: in JSON its name carries the type, as in valueQuantity
    bool modifier = false;
    unsigned min = 0, max = 0;
    std::string_view required_value_set;  // canonical url; "" without a required binding

    std::size_t type_count() const { return type_count_; }
    Type type(std::size_t i) const;
    // The type that a JSON property of this element has; none when it is no name of it.
    Type type_of(std::string_view property) const;

  private:
    friend std::optional<ElementDefinition> definition(Type, std::string_view);
    friend std::optional<ElementDefinition> definition_of_property(Type, std::string_view);
    friend std::vector<ElementDefinition> definitions(Type);
    explicit ElementDefinition(std::size_t number);
    std::size_t types_at_ = 0, type_count_ = 0;
};

// The element of that name ("value"), its own or of a base.
std::optional<ElementDefinition> definition(Type type, std::string_view name);
// The element that a JSON property ("valueQuantity") belongs to.
std::optional<ElementDefinition> definition_of_property(Type type, std::string_view property);
// All, the bases' first.
std::vector<ElementDefinition> definitions(Type type);

}  // namespace hilum::fhir
