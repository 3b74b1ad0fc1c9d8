// Conversions and numbers (http://hl7.org/fhirpath/N1/#conversion and #math). What doesn't convert is empty.
#include <charconv>

#include "routes/expression/functions.h"
#include "routes/expression/text.h"

namespace hilum::expression::on {
namespace {

std::optional<Item> integer_of(Item const& item) {
    if (item.type() == Type::integer) return item;
    if (item.type() == Type::boolean) return Item::of(std::int64_t{item.boolean() ? 1 : 0});
    if (item.type() != Type::string) return std::nullopt;
    auto text = item.text();
    if (text.starts_with('+') && text.find('-') == std::string_view::npos) text.remove_prefix(1);
    std::int64_t value = 0;
    auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
    return Item::of(value);
}

std::optional<Decimal> decimal_of(Item const& item) {
    if (item.type() == Type::boolean) return Decimal(item.boolean() ? 1 : 0);
    return item.type() == Type::string ? Decimal::parse(item.text()) : item.number();
}

std::optional<bool> boolean_of(Item const& item) {
    if (item.type() == Type::boolean) return item.boolean();
    if (item.is_number()) {
        auto const number = *item.number();
        if (number == Decimal(1)) return true;
        return number.zero() ? std::optional(false) : std::nullopt;
    }
    auto const text = expression::lower(item.text());
    for (auto const* word : {"true", "t", "yes", "y", "1", "1.0"})
        if (text == word) return true;
    for (auto const* word : {"false", "f", "no", "n", "0", "0.0"})
        if (text == word) return false;
    return std::nullopt;
}

// The input as a number for the functions that compute; `found` is false when it is empty or an HL7 value
// that is none.
bool number_input(Call& c, Item const*& item, std::optional<Decimal>& number) {
    if (!c.single_input(item)) return false;
    if (!item) return true;
    number = item->number();
    if (number || item->is_hl7()) return true;
    return c.fail("bad_type",
                  std::string(c.node.function->name) + "() works on numbers, not on " +
                      std::string(article_name(item->type())),
                  "convert it with toInteger() or toDecimal()");
}

bool give_whole(Call& c, Decimal const& number) {
    auto const value = number.truncated();
    return !value || c.give(*value);
}

}  // namespace

bool to_integer(Call& c) {
    Item const* item = nullptr;
    if (!c.single_input(item)) return false;
    if (auto const value = item ? integer_of(*item) : std::nullopt) c.out.push_back(*value);
    return true;
}

bool to_decimal(Call& c) {
    Item const* item = nullptr;
    if (!c.single_input(item)) return false;
    if (auto const value = item ? decimal_of(*item) : std::nullopt)
        c.out.push_back(Item::of(c.evaluation.keep(*value)));
    return true;
}

bool to_string(Call& c) {
    Item const* item = nullptr;
    if (!c.single_input(item)) return false;
    if (!item) return true;
    std::string_view kept = item->text();
    if (item->type() != Type::string && !c.evaluation.keep(c.node, item->to_text(), kept)) return false;
    c.out.push_back(Item::of(kept));
    return true;
}

bool to_boolean(Call& c) {
    Item const* item = nullptr;
    if (!c.single_input(item)) return false;
    auto const value = item ? boolean_of(*item) : std::nullopt;
    return !value || c.give(*value);
}

bool converts_to_integer(Call& c) {
    Item const* item = nullptr;
    return c.single_input(item) && (!item || c.give(integer_of(*item).has_value()));
}

bool converts_to_decimal(Call& c) {
    Item const* item = nullptr;
    return c.single_input(item) && (!item || c.give(decimal_of(*item).has_value()));
}

bool converts_to_string(Call& c) {
    Item const* item = nullptr;
    return c.single_input(item) && (!item || c.give(true));
}

bool converts_to_boolean(Call& c) {
    Item const* item = nullptr;
    return c.single_input(item) && (!item || c.give(boolean_of(*item).has_value()));
}

bool absolute(Call& c) {
    Item const* item = nullptr;
    std::optional<Decimal> number;
    if (!number_input(c, item, number)) return false;
    if (!number) return true;
    auto const size = number->negative() ? number->negated() : *number;
    if (item->type() == Type::integer) return give_whole(c, size);
    c.out.push_back(Item::of(c.evaluation.keep(size)));
    return true;
}

bool ceiling(Call& c) {
    Item const* item = nullptr;
    std::optional<Decimal> number;
    if (!number_input(c, item, number)) return false;
    auto const whole = number ? number->truncated() : std::nullopt;
    return !whole || c.give(Decimal(*whole) < *number ? *whole + 1 : *whole);
}

bool floor(Call& c) {
    Item const* item = nullptr;
    std::optional<Decimal> number;
    if (!number_input(c, item, number)) return false;
    auto const whole = number ? number->truncated() : std::nullopt;
    return !whole || c.give(Decimal(*whole) > *number ? *whole - 1 : *whole);
}

bool truncate(Call& c) {
    Item const* item = nullptr;
    std::optional<Decimal> number;
    return number_input(c, item, number) && (!number || give_whole(c, *number));
}

bool round(Call& c) {
    Item const* item = nullptr;
    std::optional<Decimal> number;
    std::int64_t digits = 0;
    bool found = true;
    if (!number_input(c, item, number)) return false;
    if (c.arguments() == 1 && !c.integer_argument(0, digits, found)) return false;
    if (!number || !found) return true;
    if (digits < 0 || digits > Decimal::scale_max)
        return c.fail("bad_argument", "round() takes 0 to 30 digits",
                      "write it like " + std::string(c.node.function->usage));
    c.out.push_back(Item::of(c.evaluation.keep(number->rounded(static_cast<int>(digits)))));
    return true;
}

}  // namespace hilum::expression::on
