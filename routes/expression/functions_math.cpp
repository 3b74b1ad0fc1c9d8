// Numbers (http://hl7.org/fhirpath/N1/#math).
#include <cmath>

#include "routes/expression/functions.h"
#include "routes/expression/quantity.h"

namespace hilum::expression::on {
namespace {

bool not_a_number(Call& c, Item const& item) {
    return c.fail("bad_type",
                  std::string(c.node.function->name) + "() works on numbers, not on " +
                      std::string(article_name(item.type())),
                  "convert it with toInteger() or toDecimal()");
}

// The input as a number; none when it is empty or an HL7 value that is no number.
bool number_input(Call& c, Item& item, std::optional<Decimal>& number) {
    bool found = false;
    if (!c.value_input(item, found)) return false;
    if (found) number = item.number();
    return !found || number || item.is_hl7() || not_a_number(c, item);
}

bool number_argument(Call& c, std::optional<Decimal>& number) {
    Item item;
    bool found = false;
    if (!c.value_argument(0, item, found)) return false;
    if (found) number = item.number();
    return !found || number || item.is_hl7() || not_a_number(c, item);
}

bool give_whole(Call& c, Decimal const& number) {
    auto const value = number.truncated();
    return !value || c.give(*value);
}

bool give(Call& c, std::optional<Decimal> const& number) {
    if (number) c.out.push_back(Item::of(c.evaluation.keep(*number)));
    return true;
}

}  // namespace

bool absolute(Call& c) {
    Item item;
    bool found = false;
    if (!c.value_input(item, found)) return false;
    if (found && item.type() == Type::quantity) {
        auto q = item.quantity();
        if (q.value.negative()) q.value = q.value.negated();
        c.out.push_back(Item::of(c.evaluation.keep(q)));
        return true;
    }
    std::optional<Decimal> number;
    if (!number_input(c, item, number)) return false;
    if (!number) return true;
    auto const size = number->negative() ? number->negated() : *number;
    return item.type() == Type::integer ? give_whole(c, size) : give(c, size);
}

bool ceiling(Call& c) {
    Item item;
    std::optional<Decimal> number;
    if (!number_input(c, item, number)) return false;
    return !number || give_whole(c, number->negated().floored(0).negated());
}

bool floor(Call& c) {
    Item item;
    std::optional<Decimal> number;
    return number_input(c, item, number) && (!number || give_whole(c, number->floored(0)));
}

bool truncate(Call& c) {
    Item item;
    std::optional<Decimal> number;
    return number_input(c, item, number) && (!number || give_whole(c, *number));
}

bool round(Call& c) {
    Item item;
    std::optional<Decimal> number;
    std::int64_t digits = 0;
    bool found = true;
    if (!number_input(c, item, number)) return false;
    if (c.arguments() == 1 && !c.integer_argument(0, digits, found)) return false;
    if (!number || !found) return true;
    if (digits < 0 || digits > Decimal::scale_max)
        return c.fail("bad_argument", "round() takes 0 to 30 digits",
                      "write it like " + std::string(c.node.function->usage));
    return give(c, number->rounded(static_cast<int>(digits)));
}

// What has no exact result has 15 significant digits.
bool exp(Call& c) {
    Item item;
    std::optional<Decimal> number;
    return number_input(c, item, number) &&
           (!number || give(c, Decimal::nearest(std::exp(number->approximate()))));
}

bool ln(Call& c) {
    Item item;
    std::optional<Decimal> number;
    return number_input(c, item, number) &&
           (!number || give(c, Decimal::nearest(std::log(number->approximate()))));
}

bool log(Call& c) {
    Item item;
    std::optional<Decimal> number;
    std::optional<Decimal> base;
    if (!number_input(c, item, number) || !number_argument(c, base)) return false;
    if (!number || !base) return true;
    return give(c, Decimal::nearest(std::log(number->approximate()) / std::log(base->approximate())));
}

bool sqrt(Call& c) {
    Item item;
    std::optional<Decimal> number;
    return number_input(c, item, number) &&
           (!number || give(c, Decimal::nearest(std::sqrt(number->approximate()))));
}

bool power(Call& c) {
    Item item;
    std::optional<Decimal> number;
    std::optional<Decimal> exponent;
    if (!number_input(c, item, number) || !number_argument(c, exponent)) return false;
    if (!number || !exponent) return true;
    auto const times = exponent->truncated();
    if (times && Decimal(*times) == *exponent && *times >= 0 && *times <= 200) {
        std::optional<Decimal> result = Decimal(1);
        for (std::int64_t i = 0; result && i < *times; ++i) result = result->times(*number);
        if (result)
            return item.type() == Type::integer && result->scale() == 0 ? give_whole(c, *result)
                                                                        : give(c, result);
    }
    return give(c, Decimal::nearest(std::pow(number->approximate(), exponent->approximate())));
}

// Whether two quantities convert into each other.
bool comparable(Call& c) {
    Item a;
    Item b;
    bool has_a = false;
    bool has_b = false;
    if (!c.value_input(a, has_a) || !c.value_argument(0, b, has_b)) return false;
    if (!has_a || !has_b) return true;
    if (a.type() != Type::quantity || b.type() != Type::quantity)
        return c.fail("bad_type", "comparable() works on quantities",
                      "write it like " + std::string(c.node.function->usage));
    auto const x = unit_of(a.quantity());
    auto const y = unit_of(b.quantity());
    return c.give(a.quantity().unit == b.quantity().unit || (x && y && x->commensurable(*y)));
}

}  // namespace hilum::expression::on
