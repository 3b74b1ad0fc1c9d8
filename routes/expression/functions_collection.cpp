// Functions on whole collections (http://hl7.org/fhirpath/N1/#existence, #filtering-and-projection,
// #subsetting, #combining).
#include <algorithm>
#include <vector>

#include "routes/expression/functions.h"

namespace hilum::expression::on {
namespace {

bool give_from(Call& c, std::size_t begin, std::size_t end) {
    for (auto i = begin; i < std::min(end, c.input.size()); ++i) c.out.push_back(c.input[i]);
    return true;
}

// Whether some item of a collection of booleans is `wanted`.
bool some(Call& c, bool wanted, bool& found) {
    for (auto const& item : c.input) {
        Item value;
        if (!c.evaluation.value_of(item, value)) continue;
        if (value.type() != Type::boolean)
            return c.fail("bad_type",
                          std::string(c.node.function->name) + "() works on booleans, not on " +
                              std::string(article_name(value.type())),
                          "such as the result of select($this = 'F')");
        found = found || value.boolean() == wanted;
    }
    return true;
}

// The first argument as a collection.
bool other_items(Call& c, Collection& other) {
    return c.argument(0, other);
}

// Distinct items of the input that are (`wanted`) or are not in the argument; exclude keeps repeated ones.
bool filtered(Call& c, bool wanted, bool keep_repeated) {
    Collection other;
    if (!other_items(c, other)) return false;
    Collection kept;
    for (auto const& item : c.input) {
        bool found = false;
        if (!c.evaluation.holds(c.node, other, item, found)) return false;
        if (found == wanted) kept.push_back(item);
    }
    if (!keep_repeated) return c.evaluation.add_distinct(c.node, kept, c.out);
    c.out = std::move(kept);
    return true;
}

}  // namespace

bool exists(Call& c) {
    if (c.arguments() == 0) return c.give(!c.input.empty());
    std::int64_t index = 0;
    for (auto const& item : c.input) {
        bool holds = false;
        if (!c.criterion(0, item, index++, holds)) return false;
        if (holds) return c.give(true);
    }
    return c.give(false);
}

bool empty(Call& c) {
    return c.give(c.input.empty());
}

bool negation(Call& c) {
    Truth value = Truth::unknown;
    if (!c.evaluation.condition(c.node, c.input, value)) return false;
    return value == Truth::unknown || c.give(value == Truth::no);
}

bool is_null(Call& c) {
    Item const* item = nullptr;
    return c.single_input(item) && c.give(item != nullptr && item->is_null());
}

bool count(Call& c) {
    return c.give(static_cast<std::int64_t>(c.input.size()));
}
bool first(Call& c) {
    return give_from(c, 0, 1);
}
bool last(Call& c) {
    return c.input.empty() || give_from(c, c.input.size() - 1, c.input.size());
}
bool tail(Call& c) {
    return give_from(c, 1, c.input.size());
}

bool skip(Call& c) {
    std::int64_t n = 0;
    bool found = false;
    if (!c.integer_argument(0, n, found)) return false;
    return !found || give_from(c, n < 0 ? 0 : static_cast<std::size_t>(n), c.input.size());
}

bool take(Call& c) {
    std::int64_t n = 0;
    bool found = false;
    if (!c.integer_argument(0, n, found)) return false;
    return !found || give_from(c, 0, n < 0 ? 0 : static_cast<std::size_t>(n));
}

bool single(Call& c) {
    Item const* item = nullptr;
    return c.single_input(item) && (!item || give_from(c, 0, 1));
}

bool where(Call& c) {
    std::int64_t index = 0;
    for (auto const& item : c.input) {
        bool holds = false;
        if (!c.criterion(0, item, index++, holds)) return false;
        if (holds) c.out.push_back(item);
    }
    return true;
}

bool select(Call& c) {
    std::int64_t index = 0;
    for (auto const& item : c.input) {
        Collection value;
        if (!c.argument_for(0, item, index++, value) || !c.evaluation.spend(c.node, value.size()))
            return false;
        c.out.insert(c.out.end(), value.begin(), value.end());
    }
    return true;
}

bool all(Call& c) {
    std::int64_t index = 0;
    for (auto const& item : c.input) {
        bool holds = false;
        if (!c.criterion(0, item, index++, holds)) return false;
        if (!holds) return c.give(false);
    }
    return c.give(true);
}

bool all_true(Call& c) {
    bool found = false;
    return some(c, false, found) && c.give(!found);
}

bool any_true(Call& c) {
    bool found = false;
    return some(c, true, found) && c.give(found);
}

bool all_false(Call& c) {
    bool found = false;
    return some(c, true, found) && c.give(!found);
}

bool any_false(Call& c) {
    bool found = false;
    return some(c, false, found) && c.give(found);
}

bool distinct(Call& c) {
    return c.evaluation.add_distinct(c.node, c.input, c.out);
}

bool is_distinct(Call& c) {
    Collection once;
    return c.evaluation.add_distinct(c.node, c.input, once) && c.give(once.size() == c.input.size());
}

bool combine(Call& c) {
    Collection other;
    if (!other_items(c, other)) return false;
    c.out = c.input;
    c.out.insert(c.out.end(), other.begin(), other.end());
    return c.evaluation.spend(c.node, c.out.size());
}

bool unite(Call& c) {
    Collection other;
    return other_items(c, other) && c.evaluation.add_distinct(c.node, c.input, c.out) &&
           c.evaluation.add_distinct(c.node, other, c.out);
}

bool intersect(Call& c) {
    return filtered(c, true, false);
}
bool exclude(Call& c) {
    return filtered(c, false, true);
}

bool subset_of(Call& c) {
    Collection other;
    if (!other_items(c, other)) return false;
    for (auto const& item : c.input) {
        bool found = false;
        if (!c.evaluation.holds(c.node, other, item, found)) return false;
        if (!found) return c.give(false);
    }
    return c.give(true);
}

bool superset_of(Call& c) {
    Collection other;
    if (!other_items(c, other)) return false;
    for (auto const& item : other) {
        bool found = false;
        if (!c.evaluation.holds(c.node, c.input, item, found)) return false;
        if (!found) return c.give(false);
    }
    return c.give(true);
}

// What the projection gives, of that what it gives again, and so on; each value once.
bool repeat(Call& c) {
    std::vector<Item> rest(c.input.rbegin(), c.input.rend());
    while (!rest.empty()) {
        auto const item = rest.back();
        rest.pop_back();
        Collection value;
        if (!c.argument_for(0, item, 0, value)) return false;
        auto const before = c.out.size();
        if (!c.evaluation.add_distinct(c.node, value, c.out)) return false;
        rest.insert(rest.end(), c.out.rbegin(), c.out.rend() - static_cast<std::ptrdiff_t>(before));
    }
    return true;
}

bool aggregate(Call& c) {
    Collection total;
    if (c.arguments() == 2 && !c.argument(1, total)) return false;
    std::int64_t index = 0;
    for (auto const& item : c.input) {
        Collection next;
        if (!c.evaluation.evaluate(c.node.children[1], Frame{&item, index++, &total}, next) ||
            !c.evaluation.spend(c.node, next.size()))
            return false;
        total = std::move(next);
    }
    c.out = std::move(total);
    return true;
}

bool trace(Call& c) {
    c.out = c.input;
    return true;
}

// By the keys in turn, `-key` descending; without one by the items themselves. Nothing comes before
// something.
bool sort(Call& c) {
    struct Row {
        Item item;
        std::vector<std::optional<Item>> keys;
    };
    std::vector<Row> rows;
    auto const keys = std::max<std::size_t>(c.arguments(), 1);
    std::vector<bool> descending(keys, false);
    for (auto const& item : c.input) {
        Row row{item, std::vector<std::optional<Item>>(keys)};
        for (std::size_t i = 0; i < keys; ++i) {
            Collection value;
            if (c.arguments() == 0) {
                value.push_back(item);
            } else {
                auto const& key = c.node.children[i + 1];
                descending[i] = key.op == Op::negate;
                Frame const frame{&item, static_cast<std::int64_t>(rows.size()), c.frame.total};
                if (!c.evaluation.evaluate(descending[i] ? key.children[0] : key, frame, value)) return false;
            }
            if (value.size() > 1) return c.evaluation.not_singleton(c.node, "a key of sort()");
            Item key;
            if (!value.empty() && c.evaluation.value_of(value.front(), key)) row.keys[i] = key;
        }
        rows.push_back(std::move(row));
    }
    if (!c.evaluation.spend(c.node, rows.size() * keys * 16)) return false;
    bool mixed = false;
    std::stable_sort(rows.begin(), rows.end(), [&](Row const& a, Row const& b) {
        for (std::size_t i = 0; i < keys; ++i) {
            auto const& x = a.keys[i];
            auto const& y = b.keys[i];
            if (x.has_value() != y.has_value()) return !x.has_value();
            if (!x) continue;
            bool comparable = false;
            auto const order = compare(*x, *y, comparable);
            mixed = mixed || !comparable;
            if (order && *order != 0) return descending[i] ? *order > 0 : *order < 0;
        }
        return false;
    });
    if (mixed)
        return c.fail("bad_type", "sort() has keys of types with no order in common",
                      "convert them, as with toString()");
    for (auto const& row : rows) c.out.push_back(row.item);
    return true;
}

// Only the branch that is taken is evaluated. $this is the input, where there is one.
bool iif(Call& c) {
    Item const* item = nullptr;
    if (!c.single_input(item)) return false;
    auto const frame = item ? Frame{item, c.frame.index, c.frame.total} : c.frame;
    auto const argument = [&](std::size_t i) {
        return c.evaluation.evaluate(c.node.children[i + 1], frame, c.out);
    };
    Collection criterion;
    Truth value = Truth::unknown;
    if (!c.evaluation.evaluate(c.node.children[1], frame, criterion) ||
        !c.evaluation.condition(c.node.children[1], criterion, value))
        return false;
    if (!criterion.empty() && criterion.front().type() != Type::boolean &&
        criterion.front().type() != Type::element && !criterion.front().is_hl7())
        return c.evaluation.fail(c.node.children[1], "bad_type", "the condition of iif() is no boolean",
                                 "write one, such as x.exists()");
    if (value == Truth::yes) return argument(1);
    return c.arguments() < 3 || argument(2);
}

}  // namespace hilum::expression::on
