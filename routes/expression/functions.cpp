#include "routes/expression/functions.h"

#include <algorithm>
#include <array>

namespace hilum::expression {
namespace {

constexpr std::array table{
    // Whether there is something (N1 §5.1)
    Function{"exists", 0, 1, on::exists, "PID-3[*].exists($this = 'X')", true},
    Function{"empty", 0, 0, on::empty, "PID-3.empty()"},
    Function{"isNull", 0, 0, on::is_null, "PID-8.isNull()"},
    Function{"not", 0, 0, on::negation, "(PID-8 = 'F').not()"},
    Function{"count", 0, 0, on::count, "OBX[*].count()"},
    Function{"all", 1, 1, on::all, "OBX[*]-11.all($this = 'F')", true},
    Function{"allTrue", 0, 0, on::all_true, "x.allTrue()"},
    Function{"anyTrue", 0, 0, on::any_true, "x.anyTrue()"},
    Function{"allFalse", 0, 0, on::all_false, "x.allFalse()"},
    Function{"anyFalse", 0, 0, on::any_false, "x.anyFalse()"},
    Function{"isDistinct", 0, 0, on::is_distinct, "PID-3[*].isDistinct()"},
    // Choosing (§5.2, §5.3, §5.4)
    Function{"where", 1, 1, on::where, "OBX[*]-5.where($this != '')", true},
    Function{"select", 1, 1, on::select, "PID-3[*].select($this.upper())", true},
    Function{"first", 0, 0, on::first, "PID-3[*].first()"},
    Function{"last", 0, 0, on::last, "PID-3[*].last()"},
    Function{"tail", 0, 0, on::tail, "PID-3[*].tail()"},
    Function{"skip", 1, 1, on::skip, "PID-3[*].skip(1)"},
    Function{"take", 1, 1, on::take, "PID-3[*].take(2)"},
    Function{"single", 0, 0, on::single, "PID-3[*].single()"},
    Function{"distinct", 0, 0, on::distinct, "OBX[*]-3.1.distinct()"},
    Function{"combine", 1, 1, on::combine, "PID-13[*].combine(PID-14[*])"},
    Function{"union", 1, 1, on::unite, "PID-13[*].union(PID-14[*])"},
    Function{"intersect", 1, 1, on::intersect, "PID-13[*].intersect(PID-14[*])"},
    Function{"exclude", 1, 1, on::exclude, "PID-13[*].exclude(PID-14[*])"},
    Function{"iif", 2, 3, on::iif, "iif(PID-8 = 'F', 'female', 'other')", true, false, true},
    // Text (§5.6)
    Function{"upper", 0, 0, on::upper, "PID-5.1.upper()"},
    Function{"lower", 0, 0, on::lower, "PID-5.1.lower()"},
    Function{"trim", 0, 0, on::trim, "PID-5.1.trim()"},
    Function{"substring", 1, 2, on::substring, "PID-7.substring(0, 4)"},
    Function{"replace", 2, 2, on::replace, "PID-19.replace('-', '')"},
    Function{"matches", 1, 1, on::matches, "PID-3.1.matches('^[0-9]+$')", false, true},
    Function{"replaceMatches", 2, 2, on::replace_matches, "PID-13.replaceMatches('[^0-9]', '')", false, true},
    Function{"length", 0, 0, on::length, "PID-3.1.length()"},
    Function{"startsWith", 1, 1, on::starts_with, "PV1-3.1.startsWith('IC')"},
    Function{"endsWith", 1, 1, on::ends_with, "PV1-3.1.endsWith('9')"},
    Function{"contains", 1, 1, on::contains, "OBX-5.contains('positive')"},
    Function{"indexOf", 1, 1, on::index_of, "PID-3.1.indexOf('-')"},
    Function{"toChars", 0, 0, on::to_chars, "PID-8.toChars()"},
    Function{"split", 1, 1, on::split, "OBX-5.split(',')"},
    Function{"join", 0, 1, on::join, "PID-3[*].join(', ')"},
    // Numbers and conversions (§5.5, §5.7)
    Function{"toInteger", 0, 0, on::to_integer, "OBX-5.toInteger()"},
    Function{"toDecimal", 0, 0, on::to_decimal, "OBX-5.toDecimal()"},
    Function{"toString", 0, 0, on::to_string, "(1 + 2).toString()"},
    Function{"toBoolean", 0, 0, on::to_boolean, "PID-30.toBoolean()"},
    Function{"convertsToInteger", 0, 0, on::converts_to_integer, "OBX-5.convertsToInteger()"},
    Function{"convertsToDecimal", 0, 0, on::converts_to_decimal, "OBX-5.convertsToDecimal()"},
    Function{"convertsToString", 0, 0, on::converts_to_string, "OBX-5.convertsToString()"},
    Function{"convertsToBoolean", 0, 0, on::converts_to_boolean, "PID-30.convertsToBoolean()"},
    Function{"abs", 0, 0, on::absolute, "OBX-5.toDecimal().abs()"},
    Function{"ceiling", 0, 0, on::ceiling, "OBX-5.toDecimal().ceiling()"},
    Function{"floor", 0, 0, on::floor, "OBX-5.toDecimal().floor()"},
    Function{"round", 0, 1, on::round, "OBX-5.toDecimal().round(2)"},
    Function{"truncate", 0, 0, on::truncate, "OBX-5.toDecimal().truncate()"},
};

}  // namespace

std::span<Function const> functions() {
    return table;
}

Function const* find_function(std::string_view name) {
    auto const* found =
        std::find_if(table.begin(), table.end(), [&](Function const& f) { return f.name == name; });
    return found == table.end() ? nullptr : found;
}

bool Call::criterion(std::size_t i, Item const& item, std::int64_t index, bool& holds) {
    Truth value = Truth::unknown;
    if (!evaluation.evaluate_condition(node.children[i + 1], Frame{&item, index}, value)) return false;
    holds = value == Truth::yes;
    return true;
}

bool Call::single_input(Item const*& item) {
    if (input.size() > 1) {
        return fail("not_singleton",
                    "the input of " + std::string(node.function->name) +
                        "() has several values where one is expected",
                    "choose one with first(), or work on each with select($this." +
                        std::string(node.function->name) + "(...))");
    }
    item = input.empty() ? nullptr : &input.front();
    return true;
}

bool Call::text_input(std::string_view& text, bool& found) {
    Item const* item = nullptr;
    if (!single_input(item)) return false;
    found = item != nullptr;
    if (!found) return true;
    if (item->type() != Type::string) {
        return fail("bad_type",
                    std::string(node.function->name) + "() works on text, not on " +
                        std::string(article_name(item->type())),
                    "convert it with toString()");
    }
    text = item->text();
    return true;
}

bool Call::text_argument(std::size_t i, std::string_view& text, bool& found) {
    Collection value;
    if (!argument(i, value)) return false;
    if (value.size() > 1) return evaluation.not_singleton(node.children[i + 1], "the argument");
    found = !value.empty();
    if (!found) return true;
    if (value.front().type() != Type::string) {
        return evaluation.fail(node.children[i + 1], "bad_type",
                               std::string(node.function->name) + "() wants text here, not " +
                                   std::string(article_name(value.front().type())),
                               "text stands in single quotes");
    }
    text = value.front().text();
    return true;
}

bool Call::integer_argument(std::size_t i, std::int64_t& value, bool& found) {
    Collection result;
    if (!argument(i, result)) return false;
    if (result.size() > 1) return evaluation.not_singleton(node.children[i + 1], "the argument");
    found = !result.empty();
    if (!found) return true;
    auto const& item = result.front();
    if (item.type() == Type::integer) {
        value = item.integer();
        return true;
    }
    auto const number = item.is_hl7() ? item.number() : std::nullopt;
    auto const whole = number && number->scale() == 0 ? number->truncated() : std::nullopt;
    if (whole) {
        value = *whole;
        return true;
    }
    return evaluation.fail(node.children[i + 1], "bad_type",
                           std::string(node.function->name) + "() wants a whole number here",
                           "such as " + std::string(node.function->usage));
}

bool Call::give(std::string text) {
    std::string_view kept;
    if (!evaluation.keep(node, std::move(text), kept)) return false;
    return give(kept);
}

bool Call::give(std::string_view borrowed) {
    bool const from_message = !input.empty() && input.front().is_hl7();
    out.push_back(from_message ? Item::hl7(borrowed) : Item::of(borrowed));
    return true;
}

}  // namespace hilum::expression
