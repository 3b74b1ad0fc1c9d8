#include "routes/expression/evaluator.h"

#include <unordered_set>
#include <utility>

#include "routes/expression/functions.h"

namespace hilum::expression {
namespace {

constexpr std::size_t distinct_by_hash = 16;  // from so many items on a hash set is worth its allocation

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

bool all_text(Collection const& items) {
    return std::all_of(items.begin(), items.end(), [](Item const& i) { return i.type() == Type::string; });
}

}  // namespace

bool Evaluation::fail(Node const& node, std::string code, std::string what, std::string next) {
    error_ = hilum::error(std::move(code), "column " + std::to_string(node.at + 1), std::move(what),
                          std::move(next));
    return false;
}

bool Evaluation::not_singleton(Node const& node, std::string_view what) {
    return fail(node, "not_singleton", std::string(what) + " has several values where one is expected",
                "choose one, as with first(), or say where(...)");
}

bool Evaluation::spend(Node const& node, std::uint64_t steps) {
    steps_ += steps;
    return steps_ <= steps_max ||
           fail(node, "too_much_work", "the expression would take too long on this message",
                "compare fewer values with each other");
}

bool Evaluation::keep(Node const& node, std::string text, std::string_view& kept) {
    bytes_ += text.size();
    if (bytes_ > bytes_max)
        return fail(node, "too_much_text", "the expression makes more than 64 MiB of text",
                    "build less text at once");
    kept = storage_->keep(std::move(text));
    return true;
}

bool Evaluation::evaluate(Node const& node, Frame const& frame, Collection& out) {
    if (!spend(node, 1)) return false;
    switch (node.op) {
        case Op::constant:
            out = node.constant;
            return true;
        case Op::path:
            return read(node, out);
        case Op::group_path:
            return read_groups(node, out);
        case Op::self:
            if (frame.self) out.push_back(*frame.self);
            return true;
        case Op::index:
            return out.push_back(Item::of(frame.index)), true;
        case Op::call:
            return call(node, frame, out);
        case Op::item:
            return item_at(node, frame, out);
        case Op::both:
        case Op::either:
        case Op::exclusive:
        case Op::implies:
            return logic(node, frame, out);
        case Op::equal:
        case Op::not_equal:
        case Op::equivalent:
        case Op::not_equivalent:
            return equality(node, frame, out);
        case Op::less:
        case Op::less_equal:
        case Op::greater:
        case Op::greater_equal:
            return compare(node, frame, out);
        case Op::in:
        case Op::contains:
            return membership(node, frame, out);
        case Op::concatenate:
            return concatenate(node, frame, out);
        case Op::unite:
            return unite(node, frame, out);
        case Op::negate:
            return negate(node, frame, out);
        case Op::multiply:
        case Op::divide:
        case Op::whole_divide:
        case Op::modulo:
        case Op::add:
        case Op::subtract:
            return arithmetic(node, frame, out);
    }
    return true;
}

Collection const* Evaluation::operand(Node const& node, Frame const& frame, Collection& storage) {
    if (node.op == Op::constant) return &node.constant;
    return evaluate(node, frame, storage) ? &storage : nullptr;
}

Item Evaluation::item_of(hl7::Value const& value, Node const& node) {
    if (value.presence == hl7::Presence::null) return Item::hl7_null();
    if (node.verbatim) return Item::hl7(value.raw);
    std::string scratch;
    auto const text = context_->message->decode(value.raw, scratch);
    if (text.data() == value.raw.data()) return Item::hl7(value.raw);
    bytes_ += text.size();
    return Item::hl7(storage_->keep(std::string(text)));
}

// Absent and empty fields give nothing; the explicit null is an item.
bool Evaluation::read(Node const& node, Collection& out) {
    if (!context_->message) return true;
    auto const present = [](hl7::Value const& v) {
        return v.presence == hl7::Presence::value || v.presence == hl7::Presence::null;
    };
    if (!node.path.many()) {
        auto const value = context_->message->get(node.path);
        if (present(value)) out.push_back(item_of(value, node));
    } else {
        context_->message->for_each(node.path, [&](hl7::Value const& value) {
            if (present(value)) out.push_back(item_of(value, node));
        });
    }
    return spend(node, out.size()) &&
           (bytes_ <= bytes_max ||
            fail(node, "too_much_text", "the expression reads more than 64 MiB of text"));
}

bool Evaluation::read_groups(Node const& node, Collection& out) {
    if (!context_->message) return true;
    auto const& message = *context_->message;
    auto* cache = context_->structures;
    if (!cache) cache = own_structure_ ? &*own_structure_ : &own_structure_.emplace(message);
    auto const& structure = cache->get();
    // Finding them reads every segment's name once.
    if (!spend(node, structure.segment_count())) return false;
    for (auto const& found : node.group_path->resolve(message, structure)) {
        auto const take = [&](hl7::Value const& value) {
            if (value.presence == hl7::Presence::value || value.presence == hl7::Presence::null)
                out.push_back(item_of(value, node));
        };
        if (node.path.repetition == hl7::Path::all) {
            message.for_each_in(found.segment, node.path, take);
        } else {
            take(message.get_in(found.segment, node.path));
        }
    }
    return spend(node, out.size()) &&
           (bytes_ <= bytes_max ||
            fail(node, "too_much_text", "the expression reads more than 64 MiB of text"));
}

bool Evaluation::single(Node const& node, Collection const& value, std::string_view what, Item const*& item) {
    if (value.size() > 1) return not_singleton(node, what);
    item = value.empty() ? nullptr : &value.front();
    return true;
}

bool Evaluation::call(Node const& node, Frame const& frame, Collection& out) {
    Collection storage;
    auto const* input = operand(node.children[0], frame, storage);
    if (!input) return false;
    Call c{*this, node, frame, *input, out};
    return node.function->evaluate(c);
}

bool Evaluation::item_at(Node const& node, Frame const& frame, Collection& out) {
    Collection a;
    Collection b;
    auto const* input = operand(node.children[0], frame, a);
    auto const* index = input ? operand(node.children[1], frame, b) : nullptr;
    Item const* item = nullptr;
    if (!index || !single(node.children[1], *index, "the index", item)) return false;
    if (!item) return true;
    if (item->type() != Type::integer)
        return fail(node.children[1], "bad_type", "an index has to be a whole number",
                    "count from 0, as in (PID-3)[0]");
    if (item->integer() >= 0 && static_cast<std::uint64_t>(item->integer()) < input->size())
        out.push_back((*input)[static_cast<std::size_t>(item->integer())]);
    return true;
}

bool Evaluation::condition(Node const& node, Collection const& value, Truth& result) {
    Item const* item = nullptr;
    if (!single(node, value, "a condition", item)) return false;
    if (!item) {
        result = Truth::unknown;
    } else {
        // http://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
        result = truth(item->type() != Type::boolean || item->boolean());
    }
    return true;
}

bool Evaluation::evaluate_condition(Node const& node, Frame const& frame, Truth& value) {
    Collection storage;
    auto const* result = operand(node, frame, storage);
    return result && condition(node, *result, value);
}

bool Evaluation::logic(Node const& node, Frame const& frame, Collection& out) {
    Truth result = Truth::unknown;
    bool const ran = node.op == Op::both || node.op == Op::either ? junction(node, frame, result)
                                                                  : pair(node, frame, result);
    if (ran && result != Truth::unknown) out.push_back(Item::of(result == Truth::yes));
    return ran;
}

// `and` ends at the first false, `or` at the first true; an empty operand makes empty unless one of these
// comes.
bool Evaluation::junction(Node const& node, Frame const& frame, Truth& result) {
    Truth const decisive = truth(node.op == Op::either);
    result = truth(node.op == Op::both);
    for (auto const& child : node.children) {
        Truth value = Truth::unknown;
        if (!evaluate_condition(child, frame, value)) return false;
        if (value == Truth::unknown || value == decisive) result = value;
        if (value == decisive) break;
    }
    return true;
}

// xor and implies.
bool Evaluation::pair(Node const& node, Frame const& frame, Truth& result) {
    Truth a = Truth::unknown;
    Truth b = Truth::unknown;
    if (!evaluate_condition(node.children[0], frame, a)) return false;
    if (node.op == Op::implies && a == Truth::no) {
        result = Truth::yes;
        return true;
    }
    if (!evaluate_condition(node.children[1], frame, b)) return false;
    bool const known = a != Truth::unknown && b != Truth::unknown;
    if (node.op == Op::exclusive) {
        if (known) result = truth(a != b);
    } else if (known || b == Truth::yes) {
        result = b;
    }
    return true;
}

bool Evaluation::equal_collections(Node const& node, Collection const& a, Collection const& b, bool& same) {
    same = a.size() == b.size();
    if (!spend(node, same ? a.size() : 1)) return false;
    for (std::size_t i = 0; same && i < a.size(); ++i) same = equal(a[i], b[i]);
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
    bool const similar = node.op == Op::equivalent || node.op == Op::not_equivalent;
    bool const negated = node.op == Op::not_equal || node.op == Op::not_equivalent;
    if (!similar && (a->empty() || b->empty())) return true;
    bool same = false;
    if (!(similar ? equivalent_collections(node, *a, *b, same) : equal_collections(node, *a, *b, same)))
        return false;
    out.push_back(Item::of(same != negated));
    return true;
}

bool Evaluation::compare(Node const& node, Frame const& frame, Collection& out) {
    Collection sa;
    Collection sb;
    Item const* a = nullptr;
    Item const* b = nullptr;
    auto const* left = operand(node.children[0], frame, sa);
    auto const* right = left ? operand(node.children[1], frame, sb) : nullptr;
    if (!right || !single(node.children[0], *left, "the left side", a) ||
        !single(node.children[1], *right, "the right side", b))
        return false;
    if (!a || !b) return true;
    bool comparable = false;
    auto const order = expression::compare(*a, *b, comparable);
    if (!comparable) {
        return fail(node, "bad_type",
                    std::string(article_name(a->type())) + " and " + std::string(article_name(b->type())) +
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

bool Evaluation::holds(Node const& node, Collection const& items, Item const& item, bool& found) {
    found = std::any_of(items.begin(), items.end(), [&](Item const& i) { return equal(i, item); });
    return spend(node, items.size());
}

bool Evaluation::membership(Node const& node, Frame const& frame, Collection& out) {
    Collection sa;
    Collection sb;
    std::size_t const one = node.op == Op::in ? 0 : 1;
    auto const* items = operand(node.children[1 - one], frame, sa);
    auto const* wanted = items ? operand(node.children[one], frame, sb) : nullptr;
    Item const* item = nullptr;
    if (!wanted || !single(node.children[one], *wanted,
                           one == 0 ? "the left side of in" : "the right side of contains", item))
        return false;
    if (!item) return true;
    bool found = false;
    if (!holds(node, *items, *item, found)) return false;
    out.push_back(Item::of(found));
    return true;
}

bool Evaluation::add_distinct(Node const& node, Collection const& items, Collection& out) {
    if (items.size() + out.size() >= distinct_by_hash && all_text(items) && all_text(out)) {
        std::unordered_set<std::string_view> seen;
        for (auto const& item : out) seen.insert(item.text());
        for (auto const& item : items)
            if (seen.insert(item.text()).second) out.push_back(item);
        return spend(node, items.size() + out.size());
    }
    for (auto const& item : items) {
        bool found = false;
        if (!holds(node, out, item, found)) return false;
        if (!found) out.push_back(item);
    }
    return true;
}

bool Evaluation::unite(Node const& node, Frame const& frame, Collection& out) {
    for (auto const& child : node.children) {
        Collection storage;
        auto const* items = operand(child, frame, storage);
        if (!items || !add_distinct(node, *items, out)) return false;
    }
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
    Collection sa;
    Collection sb;
    Item const* a = nullptr;
    Item const* b = nullptr;
    auto const* left = operand(node.children[0], frame, sa);
    auto const* right = left ? operand(node.children[1], frame, sb) : nullptr;
    if (!right || !single(node.children[0], *left, "the left side", a) ||
        !single(node.children[1], *right, "the right side", b))
        return false;
    if (!a || !b) return true;
    if (node.op == Op::add && a->type() == Type::string && b->type() == Type::string) {
        std::string_view kept;
        if (!keep(node, std::string(a->text()) + std::string(b->text()), kept)) return false;
        out.push_back(Item::of(kept));
        return true;
    }
    auto const may_be_number = [](Item const& i) { return i.is_number() || i.is_hl7(); };
    if (!may_be_number(*a) || !may_be_number(*b)) {
        return fail(node, "bad_type",
                    std::string(article_name(a->type())) + " and " + std::string(article_name(b->type())) +
                        " can't be computed with",
                    "convert with toInteger() or toDecimal(); & joins texts");
    }
    auto const x = a->number();
    auto const y = b->number();
    if (!x || !y) return true;  // an HL7 value that is no number
    auto const result = compute(node.op, *x, *y);
    if (!result) return true;  // overflow or division by zero: empty (N1 §6.6)
    auto const whole = [](Item const& item, Decimal const& value) {
        return item.type() == Type::integer || (item.type() == Type::string && value.scale() == 0);
    };
    bool const integer =
        node.op == Op::whole_divide || (node.op != Op::divide && whole(*a, *x) && whole(*b, *y));
    if (!integer) {
        out.push_back(Item::of(keep(*result)));
    } else if (auto const value = result->truncated()) {
        out.push_back(Item::of(*value));
    }
    return true;
}

bool Evaluation::negate(Node const& node, Frame const& frame, Collection& out) {
    Collection storage;
    Item const* item = nullptr;
    auto const* value = operand(node.children[0], frame, storage);
    if (!value || !single(node, *value, "the operand of -", item)) return false;
    if (!item) return true;
    if (!item->is_number() && !item->is_hl7())
        return fail(node, "bad_type", std::string(article_name(item->type())) + " has no sign",
                    "only numbers have one");
    auto const number = item->number();
    if (!number) return true;
    auto const negative = number->negated();
    auto const whole = negative.truncated();
    if (item->type() != Type::decimal && negative.scale() == 0 && whole) {
        out.push_back(Item::of(*whole));
    } else if (item->type() != Type::integer) {
        out.push_back(Item::of(keep(negative)));
    }
    return true;
}

}  // namespace hilum::expression
