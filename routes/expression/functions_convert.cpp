// Conversions (http://hl7.org/fhirpath/N1/#conversion). What doesn't convert is empty.
#include <charconv>

#include "routes/expression/functions.h"
#include "routes/expression/quantity.h"
#include "routes/expression/text.h"

namespace hilum::expression::on {
namespace {

std::optional<Item> integer_of(Call&, Item const& item) {
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

std::optional<Item> decimal_of(Call& c, Item const& item) {
    auto number = item.type() == Type::string ? Decimal::parse(item.text()) : item.number();
    if (item.type() == Type::boolean) number = Decimal(item.boolean() ? 1 : 0);
    return number ? std::optional(Item::of(c.evaluation.keep(*number))) : std::nullopt;
}

std::optional<Item> boolean_of(Call&, Item const& item) {
    if (item.type() == Type::boolean) return item;
    if (item.is_number()) {
        auto const number = *item.number();
        if (number == Decimal(1)) return Item::of(true);
        return number.zero() ? std::optional(Item::of(false)) : std::nullopt;
    }
    if (item.type() != Type::string) return std::nullopt;
    auto const text = expression::lower(item.text());
    for (auto const* word : {"true", "t", "yes", "y", "1", "1.0"})
        if (text == word) return Item::of(true);
    for (auto const* word : {"false", "f", "no", "n", "0", "0.0"})
        if (text == word) return Item::of(false);
    return std::nullopt;
}

std::optional<Item> string_of(Call& c, Item const& item) {
    if (item.type() == Type::string) return Item::of(item.text());
    if (item.type() == Type::element || item.type() == Type::type_info) return std::nullopt;
    return Item::of(c.evaluation.storage().keep(item.to_text()));
}

std::optional<Temporal> moment_of(Item const& item) {
    if (item.type() == Type::date || item.type() == Type::date_time) return item.temporal();
    if (item.type() != Type::string) return std::nullopt;
    auto moment = Temporal::date_time(item.text());
    if (!moment && item.is_hl7()) moment = Temporal::hl7(item.text());
    return moment;
}

std::optional<Item> date_of(Call&, Item const& item) {
    auto const moment = moment_of(item);
    return moment ? std::optional(Item::of(Type::date, moment->only_date())) : std::nullopt;
}

std::optional<Item> date_time_of(Call&, Item const& item) {
    auto const moment = moment_of(item);
    return moment ? std::optional(Item::of(Type::date_time, *moment)) : std::nullopt;
}

std::optional<Item> time_of(Call&, Item const& item) {
    if (item.type() == Type::time) return item;
    if (item.type() != Type::string) return std::nullopt;
    auto text = item.text();
    if (text.starts_with('T')) text.remove_prefix(1);
    auto const time = Temporal::time(text);
    return time ? std::optional(Item::of(Type::time, *time)) : std::nullopt;
}

std::optional<Item> quantity_of(Call& c, Item const& item) {
    std::optional<Quantity> quantity;
    if (item.type() == Type::quantity) quantity = item.quantity();
    if (item.type() == Type::string) quantity = parse_quantity(item.text());
    if (item.type() == Type::boolean)
        quantity = Quantity{item.boolean() ? *Decimal::parse("1.0") : *Decimal::parse("0.0")};
    if (item.is_number()) quantity = Quantity{*item.number()};
    if (!quantity) return std::nullopt;
    if (c.arguments() == 1) {
        std::string_view wanted;
        bool found = false;
        if (!c.text_argument(0, wanted, found) || !found) return std::nullopt;
        auto const from = unit_of(*quantity);
        Quantity result{quantity->value, wanted, calendar_unit(wanted) != Calendar::none};
        if (result.unit != quantity->unit) {
            auto const to = unit_of(result);
            auto const converted = from && to ? from->convert(quantity->value, *to) : std::nullopt;
            if (!converted) return std::nullopt;
            result.value = *converted;
        }
        quantity = result;
    }
    return Item::of(c.evaluation.keep(*quantity));
}

using Conversion = std::optional<Item> (*)(Call&, Item const&);

bool convert(Call& c, Conversion conversion) {
    Item item;
    bool found = false;
    if (!c.value_input(item, found)) return false;
    if (auto const value = found ? conversion(c, item) : std::nullopt) c.out.push_back(*value);
    return true;
}

bool converts(Call& c, Conversion conversion) {
    Item item;
    bool found = false;
    return c.value_input(item, found) && (!found || c.give(conversion(c, item).has_value()));
}

}  // namespace

bool to_integer(Call& c) {
    return convert(c, integer_of);
}
bool to_decimal(Call& c) {
    return convert(c, decimal_of);
}
bool to_string(Call& c) {
    return convert(c, string_of);
}
bool to_boolean(Call& c) {
    return convert(c, boolean_of);
}
bool to_date(Call& c) {
    return convert(c, date_of);
}
bool to_date_time(Call& c) {
    return convert(c, date_time_of);
}
bool to_time(Call& c) {
    return convert(c, time_of);
}
bool to_quantity(Call& c) {
    return convert(c, quantity_of);
}
bool converts_to_integer(Call& c) {
    return converts(c, integer_of);
}
bool converts_to_decimal(Call& c) {
    return converts(c, decimal_of);
}
bool converts_to_string(Call& c) {
    return converts(c, string_of);
}
bool converts_to_boolean(Call& c) {
    return converts(c, boolean_of);
}
bool converts_to_date(Call& c) {
    return converts(c, date_of);
}
bool converts_to_date_time(Call& c) {
    return converts(c, date_time_of);
}
bool converts_to_time(Call& c) {
    return converts(c, time_of);
}
bool converts_to_quantity(Call& c) {
    return converts(c, quantity_of);
}

}  // namespace hilum::expression::on
