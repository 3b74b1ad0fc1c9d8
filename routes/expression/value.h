// What an expression computes with: items, and collections of them (http://hl7.org/fhirpath/N1/#collections).
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "routes/expression/decimal.h"

namespace hilum::expression {

enum class Type : unsigned char { boolean, integer, decimal, string };
std::string_view name(Type type);
std::string_view article_name(Type type);  // "an integer"

// One value, copied freely: text and decimals are borrowed, from the message, the program or the evaluation's
// store. The next types (dates, quantities, FHIR nodes) become further members of the union.
class Item {
  public:
    Item() : text_() {}
    static Item of(bool value);
    static Item of(std::int64_t value);
    static Item of(Decimal const* value);
    static Item of(std::string_view text);
    static Item hl7(std::string_view text);  // read from a message: converts to a number where one is wanted
    static Item hl7_null();  // HL7's explicit null: a text without characters for which isNull() is true

    Type type() const { return type_; }
    bool is_hl7() const { return hl7_; }
    bool is_null() const { return null_; }
    bool is_number() const { return type_ == Type::integer || type_ == Type::decimal; }
    bool boolean() const { return boolean_; }
    std::int64_t integer() const { return integer_; }
    Decimal const& decimal() const { return *decimal_; }
    std::string_view text() const { return text_; }

    // The number it is; of an HL7 value the number it looks like; else nullopt.
    std::optional<Decimal> number() const;
    std::string to_text() const;

  private:
    Type type_ = Type::string;
    bool hl7_ = false;
    bool null_ = false;
    union {
        bool boolean_;
        std::int64_t integer_;
        Decimal const* decimal_;
        std::string_view text_;
    };
};

using Collection = boost::container::small_vector<Item, 4>;

// `=` on two items. An HL7 value beside a number counts as a number if it looks like one.
bool equal(Item const& a, Item const& b);
// `~` on two items: text without regard to case and amount of white space, decimals at the lesser precision.
bool equivalent(Item const& a, Item const& b);
// `<` and its kin. nullopt: an HL7 value that is no number beside a number. `comparable` is false for types
// with no order in common.
std::optional<std::strong_ordering> compare(Item const& a, Item const& b, bool& comparable);

}  // namespace hilum::expression
