// The operators that compare and compute (http://hl7.org/fhirpath/N1/#operations).
#include <algorithm>

#include "routes/expression/element.h"
#include "routes/expression/evaluator.h"
#include "routes/expression/quantity.h"

namespace hilum::expression {
namespace {

std::optional<Decimal> compute(Op op, Decimal const& a, Decimal const& b) {
    switch (op) {
        case Op::add:
            return a.plus(b);
        case Op::subtract:
            return a.plus(b.negated());
        case Op::multiply:
            return a.times(b);
        case Op::divide:
            return a.over(b);
        case Op::whole_divide:
            return a.whole_quotient(b);
        default:
            return a.remainder(b);
    }
}

}  // namespace

Truth Evaluation::equal(Item const& a, Item const& b) {
    if (a.type() != Type::element && b.type() != Type::element) return expression::equal(a, b);
    Item x;
    Item y;
    if (!value_of(a, x) || !value_of(b, y)) {
        // Primitives without a value are the same when all they have is; beside a value there is nothing to
        // compare.
        if (a.type() != Type::element || b.type() != Type::element) return Truth::unknown;
        return truth(same_elements(a.element(), b.element(), false, steps_));
    }
    if (x.type() != Type::element && y.type() != Type::element) return expression::equal(x, y);
    return truth(x.type() == y.type() && same_elements(x.element(), y.element(), false, steps_));
}

bool Evaluation::equivalent(Item const& a, Item const& b) {
    if (a.type() != Type::element && b.type() != Type::element) return expression::equivalent(a, b);
    Item x;
    Item y;
    if (!value_of(a, x) || !value_of(b, y)) {
        bool const both = a.type() == Type::element && b.type() == Type::element;
        return both && same_elements(a.element(), b.element(), true, steps_);
    }
    if (x.type() != Type::element && y.type() != Type::element) return expression::equivalent(x, y);
    return x.type() == y.type() && same_elements(x.element(), y.element(), true, steps_);
}

bool Evaluation::equal_collections(Node const& node, Collection const& a, Collection const& b, Truth& same) {
    same = truth(a.size() == b.size());
    if (!spend(node, same == Truth::yes ? a.size() : 1)) return false;
    for (std::size_t i = 0; same != Truth::no && i < a.size(); ++i) {
        auto const one = equal(a[i], b[i]);
        if (one != Truth::yes) same = one;
    }
    return true;
}

bool Evaluation::equivalent_collections(Node const& node, Collection const& a, Collection const& b,
                                        bool& same) {
    same = a.size() == b.size();
    // In any order: each of `a` takes one of `b` that no other took.
    boost::container::small_vector<char, 16> taken(same ? b.size() : 0, 0);
    for (std::size_t i = 0; same && i < a.size(); ++i) {
        if (!spend(node, b.size())) return false;
        std::size_t j = 0;
        while (j < b.size() && (taken[j] != 0 || !equivalent(a[i], b[j]))) ++j;
        same = j < b.size();
        if (same) taken[j] = 1;
    }
    return true;
}

bool Evaluation::equality(Node const& node, Frame const& frame, Collection& out) {
    Collection sa;
    Collection sb;
    auto const* a = operand(node.children[0], frame, sa);
    auto const* b = a ? operand(node.children[1], frame, sb) : nullptr;
    if (!b) return false;
    bool const negated = node.op == Op::not_equal || node.op == Op::not_equivalent;
    if (node.op == Op::equivalent || node.op == Op::not_equivalent) {
        bool same = false;
        if (!equivalent_collections(node, *a, *b, same)) return false;
        out.push_back(Item::of(same != negated));
        return true;
    }
    if (a->empty() || b->empty()) return true;
    Truth same = Truth::unknown;
    if (!equal_collections(node, *a, *b, same)) return false;
    if (same != Truth::unknown) out.push_back(Item::of((same == Truth::yes) != negated));
    return true;
}

bool Evaluation::operands(Node const& node, Frame const& frame, Item& a, Item& b, bool& both) {
    bool has_a = false;
    bool has_b = false;
    if (!operand(node.children[0], frame, "the left side", a, has_a) ||
        !operand(node.children[1], frame, "the right side", b, has_b))
        return false;
    both = has_a && has_b;
    return true;
}

bool Evaluation::compare(Node const& node, Frame const& frame, Collection& out) {
    Item a;
    Item b;
    bool both = false;
    if (!operands(node, frame, a, b, both)) return false;
    if (!both) return true;
    bool comparable = false;
    auto const order = expression::compare(a, b, comparable);
    if (!comparable) {
        return fail(node, "bad_type",
                    std::string(article_name(a.type())) + " and " + std::string(article_name(b.type())) +
                        " have no order",
                    "convert one of them, as with toInteger() or toDecimal()");
    }
    if (!order) return true;
    bool const holds = node.op == Op::less         ? *order < 0
                       : node.op == Op::less_equal ? *order <= 0
                       : node.op == Op::greater    ? *order > 0
                                                   : *order >= 0;
    out.push_back(Item::of(holds));
    return true;
}

// `&`: an empty operand counts as no text.
bool Evaluation::concatenate(Node const& node, Frame const& frame, Collection& out) {
    std::string text;
    for (auto const& child : node.children) {
        Collection storage;
        Item const* item = nullptr;
        auto const* value = operand(child, frame, storage);
        if (!value || !single(child, *value, "an operand of &", item)) return false;
        if (!item) continue;
        if (item->type() == Type::string) {
            text += item->text();
        } else {
            text += item->to_text();
        }
        if (text.size() > bytes_max) break;
    }
    std::string_view kept;
    if (!keep(node, std::move(text), kept)) return false;
    out.push_back(Item::of(kept));
    return true;
}

bool Evaluation::arithmetic(Node const& node, Frame const& frame, Collection& out) {
    Item a;
    Item b;
    bool both = false;
    if (!operands(node, frame, a, b, both)) return false;
    return !both || arithmetic(node, a, b, out);
}

bool Evaluation::arithmetic(Node const& node, Item const& a, Item const& b, Collection& out) {
    if (node.op == Op::add && a.type() == Type::string && b.type() == Type::string) {
        std::string_view kept;
        if (!keep(node, std::string(a.text()) + std::string(b.text()), kept)) return false;
        out.push_back(Item::of(kept));
        return true;
    }
    if (is_temporal(a.type()) && b.type() == Type::quantity) return with_date(node, a, b, out);
    if (a.type() == Type::quantity || b.type() == Type::quantity) return with_quantity(node, a, b, out);
    auto const may_be_number = [](Item const& i) { return i.is_number() || i.is_hl7(); };
    if (!may_be_number(a) || !may_be_number(b)) return not_computable(node, a, b);
    auto const x = a.number();
    auto const y = b.number();
    if (!x || !y) return true;  // an HL7 value that is no number
    auto const result = compute(node.op, *x, *y);
    if (!result) return true;  // overflow or division by zero: empty (N1 §6.6)
    auto const whole = [](Item const& item, Decimal const& value) {
        return item.type() == Type::integer || (item.type() == Type::string && value.scale() == 0);
    };
    bool const integer =
        node.op == Op::whole_divide || (node.op != Op::divide && whole(a, *x) && whole(b, *y));
    if (!integer) {
        out.push_back(Item::of(keep(*result)));
    } else if (auto const value = result->truncated()) {
        out.push_back(Item::of(*value));
    }
    return true;
}

bool Evaluation::not_computable(Node const& node, Item const& a, Item const& b) {
    return fail(node, "bad_type",
                std::string(article_name(a.type())) + " and " + std::string(article_name(b.type())) +
                    " can't be computed with",
                "convert with toInteger() or toDecimal(); & joins texts");
}

bool Evaluation::with_quantity(Node const& node, Item const& a, Item const& b, Collection& out) {
    auto const quantity = [](Item const& item) -> std::optional<Quantity> {
        if (item.type() == Type::quantity) return item.quantity();
        auto const number = item.number();
        return number ? std::optional(Quantity{*number}) : std::nullopt;
    };
    auto const x = quantity(a);
    auto const y = quantity(b);
    bool const sum = node.op == Op::add || node.op == Op::subtract;
    bool const product = node.op == Op::multiply || node.op == Op::divide;
    if (!x || !y || (!sum && !product) || (sum && a.type() != b.type())) return not_computable(node, a, b);
    std::optional<Quantity> result;
    if (node.op == Op::add) result = add(*x, *y);
    if (node.op == Op::subtract) result = add(*x, Quantity{y->value.negated(), y->unit, y->calendar});
    if (node.op == Op::multiply) result = multiply(*x, *y, *storage_);
    if (node.op == Op::divide) result = divide(*x, *y, *storage_);
    if (result && result->unit.size() > 100) result.reset();
    if (result) out.push_back(Item::of(keep(*result)));
    return true;
}

// http://hl7.org/fhirpath/N1/#datetime-arithmetic
bool Evaluation::with_date(Node const& node, Item const& a, Item const& b, Collection& out) {
    if (node.op != Op::add && node.op != Op::subtract) return not_computable(node, a, b);
    auto const& quantity = b.quantity();
    auto unit = calendar_unit(quantity.unit);
    struct Row {
        std::string_view ucum;
        Calendar unit;
    };
    static constexpr Row rows[] = {{"wk", Calendar::week},  {"d", Calendar::day},
                                   {"h", Calendar::hour},   {"min", Calendar::minute},
                                   {"s", Calendar::second}, {"ms", Calendar::millisecond}};
    for (auto const& row : rows)
        if (row.ucum == quantity.unit) unit = row.unit;
    if (unit == Calendar::none || (a.type() == Type::time && unit < Calendar::hour))
        return fail(node, "bad_unit", "a date or time moves by durations only",
                    "such as 3 days, 1 month or 2 'h'; UCUM's 'mo' and 'a' are no calendar months and years");
    auto const amount = node.op == Op::add ? quantity.value : quantity.value.negated();
    if (auto const moved = a.temporal().plus(amount, unit, a.type() == Type::time))
        out.push_back(Item::of(a.type(), *moved));
    return true;
}

bool Evaluation::negate(Node const& node, Frame const& frame, Collection& out) {
    Item item;
    bool found = false;
    if (!operand(node.children[0], frame, "the operand of -", item, found)) return false;
    if (!found) return true;
    if (item.type() == Type::quantity) {
        auto const& q = item.quantity();
        out.push_back(Item::of(keep(Quantity{q.value.negated(), q.unit, q.calendar})));
        return true;
    }
    if (!item.is_number() && !item.is_hl7())
        return fail(node, "bad_type", std::string(article_name(item.type())) + " has no sign",
                    "only numbers have one");
    auto const number = item.number();
    if (!number) return true;
    auto const negative = number->negated();
    auto const whole = negative.truncated();
    if (item.type() != Type::decimal && negative.scale() == 0 && whole) {
        out.push_back(Item::of(*whole));
    } else if (item.type() != Type::integer) {
        out.push_back(Item::of(keep(negative)));
    }
    return true;
}

}  // namespace hilum::expression
