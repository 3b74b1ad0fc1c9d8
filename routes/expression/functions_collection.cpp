// Functions on whole collections (http://hl7.org/fhirpath/N1/#existence, #filtering-and-projection,
// #subsetting, #combining).
#include <algorithm>

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
        if (item.type() != Type::boolean)
            return c.fail("bad_type",
                          std::string(c.node.function->name) + "() works on booleans, not on " +
                              std::string(article_name(item.type())),
                          "such as the result of select($this = 'F')");
        found = found || item.boolean() == wanted;
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

// Only the branch that is taken is evaluated. Its arguments see what is around the call.
bool iif(Call& c) {
    Truth value = Truth::unknown;
    if (!c.evaluation.evaluate_condition(c.node.children[1], c.frame, value)) return false;
    if (value == Truth::yes) return c.argument(1, c.out);
    return c.arguments() < 3 || c.argument(2, c.out);
}

}  // namespace hilum::expression::on
