// Dates and times, and the boundaries of what is only partly known
// (http://hl7.org/fhirpath/N1/#current-date-and-time, #lowboundary and #precision of the version after it).
#include "routes/expression/functions.h"
#include "routes/expression/quantity.h"

namespace hilum::expression::on {
namespace {

constexpr std::int64_t digits_max = 28;

// The least (or greatest) number that rounds to `number`, in so many digits.
Decimal boundary(Decimal const& number, bool high, int digits) {
    // Below the digits asked for there is nothing but zero, as the official suite has it.
    if (!number.zero() && number.rounded(digits).zero() && number.scale() > digits)
        return Decimal(0).floored(digits);
    auto const half = Decimal(5).shifted(-(number.scale() + 1));
    auto const exact = number.plus(high ? half : half.negated());
    if (!exact) return number;
    return high ? exact->negated().floored(digits).negated() : exact->floored(digits);
}

bool give_boundary(Call& c, bool high) {
    Item item;
    bool found = false;
    std::int64_t digits = 0;
    bool has_digits = false;
    if (!c.value_input(item, found)) return false;
    if (c.arguments() == 1 && !c.integer_argument(0, digits, has_digits)) return false;
    if (!found || (c.arguments() == 1 && (!has_digits || digits < 0 || digits > digits_max))) return true;
    if (is_temporal(item.type())) {
        bool const is_time = item.type() == Type::time;
        bool const is_date_time = item.type() == Type::date_time;
        auto const wanted = has_digits ? static_cast<int>(digits) : is_time ? 9 : is_date_time ? 17 : 8;
        auto const limit = item.temporal().boundary(high, wanted, is_time, is_date_time);
        // With no more than a date's digits it is a date.
        auto const type = is_date_time && wanted <= 8 ? Type::date : item.type();
        if (limit) c.out.push_back(Item::of(type, *limit));
        return true;
    }
    auto const wanted = has_digits ? static_cast<int>(digits) : 8;
    if (item.type() == Type::quantity) {
        auto q = item.quantity();
        q.value = boundary(q.value, high, wanted);
        c.out.push_back(Item::of(c.evaluation.keep(q)));
        return true;
    }
    auto const number = item.number();
    if (!number && !item.is_hl7())
        return c.fail("bad_type",
                      std::string(c.node.function->name) +
                          "() works on numbers, quantities and dates, not on " +
                          std::string(article_name(item.type())),
                      "convert it, as with toDecimal() or toDate()");
    if (number) c.out.push_back(Item::of(c.evaluation.keep(boundary(*number, high, wanted))));
    return true;
}

}  // namespace

bool now(Call& c) {
    c.out.push_back(Item::of(Type::date_time, Temporal::at(c.evaluation.context().now_us)));
    return true;
}

bool today(Call& c) {
    c.out.push_back(Item::of(Type::date, Temporal::at(c.evaluation.context().now_us).only_date()));
    return true;
}

bool time_of_day(Call& c) {
    c.out.push_back(Item::of(Type::time, Temporal::at(c.evaluation.context().now_us).only_time()));
    return true;
}

bool low_boundary(Call& c) {
    return give_boundary(c, false);
}
bool high_boundary(Call& c) {
    return give_boundary(c, true);
}

bool precision(Call& c) {
    Item item;
    bool found = false;
    if (!c.value_input(item, found)) return false;
    if (!found) return true;
    if (is_temporal(item.type()))
        return c.give(std::int64_t{item.temporal().digits(item.type() == Type::time)});
    auto const number = item.number();
    return !number || c.give(std::int64_t{number->scale()});
}

}  // namespace hilum::expression::on
