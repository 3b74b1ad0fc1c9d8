#include "routes/expression/evaluator.h"

#include <unordered_set>
#include <utility>

#include "routes/expression/element.h"
#include "routes/expression/functions.h"
#include "routes/expression/types.h"

namespace hilum::expression {
namespace {

constexpr std::size_t distinct_by_hash = 16;  // from so many items on a hash set is worth its allocation

// What two items that are texts are compared by; nullopt for others.
std::optional<std::string_view> key_of(Item const& item) {
    if (item.type() == Type::string) return item.text();
    return text_of_element(item);
}

bool all_text(Collection const& items) {
    return std::all_of(items.begin(), items.end(), [](Item const& i) { return key_of(i).has_value(); });
}

}  // namespace

fhir::Element Evaluation::outermost() {
    auto const focus = context_->element();
    if (!focus.exists()) return focus;
    root_ = context_->focus_type.exists() ? Item::of(focus, context_->focus_type) : typed(focus);
    return focus;
}

bool Evaluation::run(Program const& program, Collection& out) {
    return run(program, program.root, out);
}

bool Evaluation::run(Program const& program, Node const& node, Collection& out) {
    if (!program.fhir) return evaluate(node, Frame{}, out);
    auto const focus = outermost();
    return evaluate(node, Frame{focus.exists() ? &root_ : nullptr}, out);
}

bool Evaluation::run_condition(Program const& program, Node const& node, Truth& value) {
    if (!program.fhir) return evaluate_condition(node, Frame{}, value);
    auto const focus = outermost();
    return evaluate_condition(node, Frame{focus.exists() ? &root_ : nullptr}, value);
}

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
        case Op::part:
            return read_part(node, out);
        case Op::self:
            if (frame.self) out.push_back(*frame.self);
            return true;
        case Op::index:
            return out.push_back(Item::of(frame.index)), true;
        case Op::total:
            if (frame.total) out = *frame.total;
            return true;
        case Op::member:
            return member(node, frame, out);
        case Op::environment:
            return environment(node, out);
        case Op::is_type:
        case Op::as_type:
            return type_operator(node, frame, out);
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
    auto const number =
        context_->latest && node.path.occurrence == 1 ? context_->latest->of(node.path.segment_name()) : 0;
    bool const here = number != 0;
    if (!node.path.many()) {
        auto const value =
            here ? context_->message->get_in(number, node.path) : context_->message->get(node.path);
        if (present(value)) out.push_back(item_of(value, node));
    } else if (here) {
        context_->message->for_each_in(number, node.path, [&](hl7::Value const& value) {
            if (present(value)) out.push_back(item_of(value, node));
        });
    } else {
        context_->message->for_each(node.path, [&](hl7::Value const& value) {
            if (present(value)) out.push_back(item_of(value, node));
        });
    }
    return spend(node, out.size()) &&
           (bytes_ <= bytes_max ||
            fail(node, "too_much_text", "the expression reads more than 64 MiB of text"));
}

bool Evaluation::read_part(Node const& node, Collection& out) {
    if (!context_->message || !context_->part) return true;
    auto found = context_->part->piece(node.path.component);
    if (node.path.subcomponent != 0)
        found = found.piece(node.path.subcomponent, context_->message->delimiters());
    if (!found.there()) return true;
    out.push_back(item_of({found.raw, found.is_null() ? hl7::Presence::null : hl7::Presence::value}, node));
    return bytes_ <= bytes_max ||
           fail(node, "too_much_text", "the expression reads more than 64 MiB of text");
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

bool Evaluation::operand(Node const& node, Frame const& frame, std::string_view what, Item& item,
                         bool& found) {
    Collection storage;
    auto const* value = operand(node, frame, storage);
    Item const* one = nullptr;
    if (!value || !single(node, *value, what, one)) return false;
    found = one != nullptr && value_of(*one, item);
    return true;
}

bool Evaluation::value_of(Item const& item, Item& value) {
    if (item.type() != Type::element) {
        value = item;
        return true;
    }
    auto const converted = expression::value_of(item, *storage_);
    if (converted) value = *converted;
    return converted.has_value();
}

bool Evaluation::item_at(Node const& node, Frame const& frame, Collection& out) {
    Collection storage;
    auto const* input = operand(node.children[0], frame, storage);
    Item index;
    bool found = false;
    if (!input || !operand(node.children[1], frame, "the index", index, found)) return false;
    if (!found) return true;
    if (index.type() != Type::integer)
        return fail(node.children[1], "bad_type", "an index has to be a whole number",
                    "count from 0, as in (PID-3)[0]");
    if (index.integer() >= 0 && static_cast<std::uint64_t>(index.integer()) < input->size())
        out.push_back((*input)[static_cast<std::size_t>(index.integer())]);
    return true;
}

bool Evaluation::member(Node const& node, Frame const& frame, Collection& out) {
    Collection storage;
    auto const* input = operand(node.children[0], frame, storage);
    if (!input) return false;
    std::size_t seen = input->size();
    for (auto const& item : *input) {
        if (item.type() == Type::type_info) {
            if (node.name == "name") out.push_back(Item::of(item.text()));
            if (node.name == "namespace")
                out.push_back(Item::of(std::string_view(item.is_fhir_type() ? "FHIR" : "System")));
        } else if (item.type() == Type::element) {
            // "Patient.name": the type of the element itself in front.
            if (node.type.fhir.exists() && item.fhir_type().is(node.type.fhir)) {
                out.push_back(item);
            } else {
                seen += members(item, node.name, out);
            }
        }
    }
    return spend(node, seen);
}

// http://hl7.org/fhirpath/N1/#environment-variables and http://hl7.org/fhir/R4/fhirpath.html#variables
bool Evaluation::environment(Node const& node, Collection& out) {
    std::string_view const name = node.name;
    auto const focus = context_->element();
    if (name == "ucum" || name == "sct" || name == "loinc") {
        out.push_back(Item::of(std::string_view(name == "ucum"  ? "http://unitsofmeasure.org"
                                                : name == "sct" ? "http://snomed.info/sct"
                                                                : "http://loinc.org")));
    } else if (name.starts_with("vs-") || name.starts_with("ext-")) {
        bool const extension = name.starts_with("ext-");
        std::string_view kept;
        if (!keep(node,
                  std::string("http://hl7.org/fhir/") + (extension ? "StructureDefinition/" : "ValueSet/") +
                      std::string(name.substr(extension ? 4 : 3)),
                  kept))
            return false;
        out.push_back(Item::of(kept));
    } else if (name == "request") {
        if (context_->request)
            out.push_back(typed(storage_->keep(fhir::request_as_element(*context_->request))));
    } else if (name == "answer") {
        if (context_->answer) members(typed(context_->answer->root()), name, out);
    } else if (name == "resources") {
        return resources(node, out);
    } else if (focus.exists()) {
        if (name == "context") out.push_back(typed(focus));
        if (name == "resource" || name == "rootResource")
            out.push_back(resource_of(focus, name == "rootResource"));
    }
    return true;
}

bool Evaluation::type_operator(Node const& node, Frame const& frame, Collection& out) {
    Collection storage;
    auto const* input = operand(node.children[0], frame, storage);
    Item const* item = nullptr;
    if (!input || !single(node.children[0], *input,
                          node.op == Op::is_type ? "the left side of is" : "the left side of as", item))
        return false;
    if (!item) return true;
    if (node.op == Op::is_type) {
        out.push_back(Item::of(is_of(*item, node.type)));
    } else if (exactly_of(*item, node.type)) {
        out.push_back(*item);
    }
    return true;
}

bool Evaluation::condition(Node const& node, Collection const& value, Truth& result) {
    Item const* item = nullptr;
    if (!single(node, value, "a condition", item)) return false;
    if (!item) {
        result = Truth::unknown;
    } else {
        // http://hl7.org/fhirpath/N1/#singleton-evaluation-of-collections
        Item converted;
        if (item->type() != Type::element) {
            result = truth(item->type() != Type::boolean || item->boolean());
        } else if (!value_of(*item, converted)) {
            result = Truth::unknown;
        } else {
            result = truth(converted.type() != Type::boolean || converted.boolean());
        }
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

bool Evaluation::holds(Node const& node, Collection const& items, Item const& item, bool& found) {
    found =
        std::any_of(items.begin(), items.end(), [&](Item const& i) { return equal(i, item) == Truth::yes; });
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
        for (auto const& item : out) seen.insert(*key_of(item));
        for (auto const& item : items)
            if (seen.insert(*key_of(item)).second) out.push_back(item);
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

}  // namespace hilum::expression
