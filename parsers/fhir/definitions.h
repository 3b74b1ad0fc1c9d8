// What FHIR R4 says about its types: which elements they have, of what types, how often. Compiled in; nothing
// is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace hilum::fhir {

// What FHIR R4 wants of an element beyond its structure, as a FHIRPath expression
// (http://hl7.org/fhir/R4/conformance-rules.html#constraints).
struct Invariant {
    std::string_view key;  // "pat-1"
    bool error;            // else a warning: a best practice
    std::string_view human, expression;
};
std::size_t invariant_count();
Invariant invariant(std::size_t number);

// A value set that an element is bound to with strength "required".
class ValueSet {
  public:
    ValueSet() = default;
    explicit ValueSet(std::uint16_t number) : number_(number) {}
    bool exists() const { return number_ != none; }
    std::string_view url() const;
    // Whether its codes are known here. Of mime types, UCUM and the like only a terminology server knows.
    bool listed() const;
    bool has(std::string_view code) const;  // in any of its systems
    bool has(std::string_view system, std::string_view code) const;

  private:
    static constexpr std::uint16_t none = 0xffff;
    std::uint16_t number_ = none;
};

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
    static std::uint16_t count();                  // numbers go from 0 to below this

    bool exists() const { return number_ != none; }
    std::uint16_t number() const { return number_; }
    std::string_view name() const;
    Kind kind() const;
    Type base() const;          // of "Patient": DomainResource; of "Element" and "Resource": none
    bool is(Type other) const;  // the same, or derived from it
    std::span<std::uint16_t const> invariants() const;  // numbers of its own, not its bases'
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
    ValueSet value_set;                         // of a required binding
    std::span<std::uint16_t const> invariants;  // beyond those of its type

    std::size_t type_count() const { return type_count_; }
    Type type(std::size_t i) const;
    // Whether a Reference here may lead to a resource of that type.
    bool may_refer_to(Type target) const;
    // The type that a JSON property of this element has; none when it is no name of it.
    Type type_of(std::string_view property) const;

  private:
    friend std::optional<ElementDefinition> definition(Type, std::string_view);
    friend std::optional<ElementDefinition> definition_of_property(Type, std::string_view);
    friend std::vector<ElementDefinition> definitions(Type);
    explicit ElementDefinition(std::size_t number);
    std::size_t types_at_ = 0, type_count_ = 0, targets_at_ = 0, target_count_ = 0;
};

// The element of that name ("value"), its own or of a base.
std::optional<ElementDefinition> definition(Type type, std::string_view name);
// The element that a JSON property ("valueQuantity") belongs to.
std::optional<ElementDefinition> definition_of_property(Type type, std::string_view property);
// All, the bases' first.
std::vector<ElementDefinition> definitions(Type type);

}  // namespace hilum::fhir
