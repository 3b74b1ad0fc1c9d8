// What an expression computes with: items, and collections of them (http://hl7.org/fhirpath/N1/#collections).
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <forward_list>
#include <optional>
#include <string>
#include <string_view>

#include "parsers/fhir/definitions.h"
#include "parsers/fhir/resource.h"
#include "routes/expression/decimal.h"
#include "routes/expression/temporal.h"

namespace hilum::expression {

enum class Type : unsigned char {
    boolean,
    integer,
    decimal,
    string,
    date,
    date_time,
    time,
    quantity,
    element,    // of a FHIR resource
    type_info,  // what type() gives
};
std::string_view name(Type type);          // "integer"
std::string_view article_name(Type type);  // "an integer"
std::string_view system_name(Type type);   // "Integer", as after `is`
inline bool is_temporal(Type type) {
    return type == Type::date || type == Type::date_time || type == Type::time;
}

// Three-valued: an empty collection is neither true nor false (http://hl7.org/fhirpath/N1/#boolean-logic).
enum class Truth : unsigned char { no, yes, unknown };
inline Truth truth(bool value) {
    return value ? Truth::yes : Truth::no;
}

struct Quantity {
    Decimal value;
    std::string_view unit = "1";  // UCUM, or a calendar duration's word
    bool calendar = false;
};

// One value, copied freely: text, decimals, quantities and elements are borrowed, from the message, the
// resource, the program or the evaluation's store.
class Item {
  public:
    Item() : text_() {}
    static Item of(bool value);
    static Item of(std::int64_t value);
    static Item of(Decimal const* value);
    static Item of(Quantity const* value);
    static Item of(std::string_view text);
    static Item of(Type type, Temporal const& value);
    static Item of(fhir::Element element, fhir::Type type);
    static Item type_info(std::string_view type_name, bool fhir);
    static Item hl7(std::string_view text);  // read from a message: converts to a number where one is wanted
    static Item hl7_null();  // HL7's explicit null: a text without characters for which isNull() is true

    Type type() const { return type_; }
    bool is_hl7() const { return hl7_; }
    bool is_null() const { return null_; }
    bool is_number() const { return type_ == Type::integer || type_ == Type::decimal; }
    bool boolean() const { return boolean_; }
    std::int64_t integer() const { return integer_; }
    Decimal const& decimal() const { return *decimal_; }
    Quantity const& quantity() const { return *quantity_; }
    Temporal const& temporal() const { return temporal_; }
    std::string_view text() const { return text_; }  // of a type_info: the type's name
    bool is_fhir_type() const { return hl7_; }       // of a type_info
    fhir::Element element() const { return {element_.resource, element_.index}; }
    fhir::Type fhir_type() const { return fhir::Type(element_.type); }  // of an element; may not exist()

    // The number it is; of an HL7 value the number it looks like; else nullopt.
    std::optional<Decimal> number() const;
    std::string to_text() const;  // of a complex element: its JSON
    // "string", "Quantity", of an element its FHIR type.
    std::string_view type_name() const;

  private:
    struct ElementPlace {
        fhir::Resource const* resource;
        std::uint32_t index;
        std::uint16_t type;
    };

    Type type_ = Type::string;
    bool hl7_ = false;
    bool null_ = false;
    union {
        bool boolean_;
        std::int64_t integer_;
        Decimal const* decimal_;
        Quantity const* quantity_;
        Temporal temporal_;
        ElementPlace element_;
        std::string_view text_;
    };
};
static_assert(std::is_trivially_copyable_v<Item> && sizeof(Item) <= 24);

using Collection = boost::container::small_vector<Item, 4>;

// What strings, decimals and quantities of constants and results are kept in; addresses are stable.
struct Storage {
    std::forward_list<std::string> texts;
    std::forward_list<Decimal> decimals;
    std::forward_list<Quantity> quantities;
    std::forward_list<fhir::Resource> resources;

    std::string_view keep(std::string text) { return texts.emplace_front(std::move(text)); }
    Decimal const* keep(Decimal const& decimal) { return &decimals.emplace_front(decimal); }
    Quantity const* keep(Quantity const& quantity) { return &quantities.emplace_front(quantity); }
    fhir::Element keep(fhir::Resource resource) {
        return resources.emplace_front(std::move(resource)).root();
    }
};

// The next three are for items that are no elements (see element.h).
// `=` on two items. An HL7 value beside a number counts as a number if it looks like one. Unknown: dates of
// different precision, quantities that don't convert.
Truth equal(Item const& a, Item const& b);
// `~` on two items: text without regard to case and amount of white space, decimals at the lesser precision.
bool equivalent(Item const& a, Item const& b);
// `<` and its kin. nullopt: an HL7 value that is no number beside a number, or unknown as above. `comparable`
// is false for types with no order in common.
std::optional<std::strong_ordering> compare(Item const& a, Item const& b, bool& comparable);

}  // namespace hilum::expression
