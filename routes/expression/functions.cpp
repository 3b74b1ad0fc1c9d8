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
    Function{"subsetOf", 1, 1, on::subset_of, "PID-13[*].subsetOf(PID-14[*])"},
    Function{"supersetOf", 1, 1, on::superset_of, "PID-13[*].supersetOf(PID-14[*])"},
    Function{"repeat", 1, 1, on::repeat, "PID-5.1.repeat($this.substring(1))", true},
    Function{"aggregate", 1, 2, on::aggregate, "OBX[*]-5.aggregate($this + $total, 0)", true},
    Function{"sort", 0, 8, on::sort, "PID-3[*].1.sort()", true},
    Function{"trace", 1, 2, on::trace, "PID-3[*].trace('ids')", true},
    Function{.name = "iif",
             .arguments_min = 2,
             .arguments_max = 3,
             .evaluate = on::iif,
             .usage = "iif(PID-8 = 'F', 'female', 'other')",
             .criteria = true,
             .anywhere = true,
             .lazy = true},
    // Text (§5.6)
    Function{"upper", 0, 0, on::upper, "PID-5.1.upper()"},
    Function{"lower", 0, 0, on::lower, "PID-5.1.lower()"},
    Function{"trim", 0, 0, on::trim, "PID-5.1.trim()"},
    Function{"substring", 1, 2, on::substring, "PID-7.substring(0, 4)"},
    Function{"replace", 2, 2, on::replace, "PID-19.replace('-', '')"},
    Function{"matches", 1, 1, on::matches, "PID-3.1.matches('^[0-9]+$')", false, true},
    Function{"matchesFull", 1, 1, on::matches_full, "PID-3.1.matchesFull('[0-9]+')", false, true},
    Function{"replaceMatches", 2, 2, on::replace_matches, "PID-13.replaceMatches('[^0-9]', '')", false, true},
    Function{"length", 0, 0, on::length, "PID-3.1.length()"},
    Function{"startsWith", 1, 1, on::starts_with, "PV1-3.1.startsWith('IC')"},
    Function{"endsWith", 1, 1, on::ends_with, "PV1-3.1.endsWith('9')"},
    Function{"contains", 1, 1, on::contains, "OBX-5.contains('positive')"},
    Function{"indexOf", 1, 1, on::index_of, "PID-3.1.indexOf('-')"},
    Function{"toChars", 0, 0, on::to_chars, "PID-8.toChars()"},
    Function{"split", 1, 1, on::split, "OBX-5.split(',')"},
    Function{"join", 0, 1, on::join, "PID-3[*].join(', ')"},
    Function{"encode", 1, 1, on::encode, "OBX-5.encode('base64')"},
    Function{"decode", 1, 1, on::decode, "OBX-5.5.decode('base64')"},
    Function{"escape", 1, 1, on::escape, "OBX-5.escape('html')"},
    Function{"unescape", 1, 1, on::unescape, "OBX-5.unescape('html')"},
    // Numbers and conversions (§5.5, §5.7)
    Function{"toInteger", 0, 0, on::to_integer, "OBX-5.toInteger()"},
    Function{"toDecimal", 0, 0, on::to_decimal, "OBX-5.toDecimal()"},
    Function{"toString", 0, 0, on::to_string, "(1 + 2).toString()"},
    Function{"toDate", 0, 0, on::to_date, "PID-7.toDate()"},
    Function{"toDateTime", 0, 0, on::to_date_time, "MSH-7.toDateTime()"},
    Function{"toTime", 0, 0, on::to_time, "'14:30'.toTime()"},
    Function{"toQuantity", 0, 1, on::to_quantity, "'4 days'.toQuantity()"},
    Function{"toBoolean", 0, 0, on::to_boolean, "PID-30.toBoolean()"},
    Function{"convertsToInteger", 0, 0, on::converts_to_integer, "OBX-5.convertsToInteger()"},
    Function{"convertsToDecimal", 0, 0, on::converts_to_decimal, "OBX-5.convertsToDecimal()"},
    Function{"convertsToString", 0, 0, on::converts_to_string, "OBX-5.convertsToString()"},
    Function{"convertsToBoolean", 0, 0, on::converts_to_boolean, "PID-30.convertsToBoolean()"},
    Function{"convertsToDate", 0, 0, on::converts_to_date, "PID-7.convertsToDate()"},
    Function{"convertsToDateTime", 0, 0, on::converts_to_date_time, "MSH-7.convertsToDateTime()"},
    Function{"convertsToTime", 0, 0, on::converts_to_time, "'14:30'.convertsToTime()"},
    Function{"convertsToQuantity", 0, 1, on::converts_to_quantity, "'4 days'.convertsToQuantity()"},
    Function{"abs", 0, 0, on::absolute, "OBX-5.toDecimal().abs()"},
    Function{"ceiling", 0, 0, on::ceiling, "OBX-5.toDecimal().ceiling()"},
    Function{"floor", 0, 0, on::floor, "OBX-5.toDecimal().floor()"},
    Function{"round", 0, 1, on::round, "OBX-5.toDecimal().round(2)"},
    Function{"truncate", 0, 0, on::truncate, "OBX-5.toDecimal().truncate()"},
    Function{"exp", 0, 0, on::exp, "OBX-5.exp()"},
    Function{"ln", 0, 0, on::ln, "OBX-5.ln()"},
    Function{"log", 1, 1, on::log, "OBX-5.log(10)"},
    Function{"power", 1, 1, on::power, "OBX-5.power(2)"},
    Function{"sqrt", 0, 0, on::sqrt, "OBX-5.sqrt()"},
    Function{"comparable", 1, 1, on::comparable, "(1 'cm').comparable(1 '[in_i]')"},
    // Dates and times (§5.9, §6.6)
    Function{.name = "now", .evaluate = on::now, .usage = "now()", .anywhere = true, .clock = true},
    Function{.name = "today", .evaluate = on::today, .usage = "today()", .anywhere = true, .clock = true},
    Function{.name = "timeOfDay",
             .evaluate = on::time_of_day,
             .usage = "timeOfDay()",
             .anywhere = true,
             .clock = true},
    Function{"lowBoundary", 0, 1, on::low_boundary, "PID-7.toDate().lowBoundary()"},
    Function{"highBoundary", 0, 1, on::high_boundary, "PID-7.toDate().highBoundary()"},
    Function{"precision", 0, 0, on::precision, "PID-7.toDate().precision()"},
    // Types (§6.3, §5.2.4)
    Function{.name = "is",
             .arguments_min = 1,
             .arguments_max = 1,
             .evaluate = on::is,
             .usage = "PID-3.is(String)",
             .type = true},
    Function{.name = "as",
             .arguments_min = 1,
             .arguments_max = 1,
             .evaluate = on::as,
             .usage = "PID-3.as(String)",
             .type = true},
    Function{.name = "ofType",
             .arguments_min = 1,
             .arguments_max = 1,
             .evaluate = on::of_type,
             .usage = "PID-3[*].ofType(String)",
             .type = true},
    Function{"type", 0, 0, on::type, "PID-3.type()"},
    // Elements of FHIR resources (§5.8, http://hl7.org/fhir/R4/fhirpath.html#functions)
    Function{"children", 0, 0, on::children, "%resource.children()"},
    Function{"descendants", 0, 0, on::descendants, "%resource.descendants()"},
    Function{"extension", 1, 1, on::extension, "%resource.extension('http://example.org/x')"},
    Function{"hasValue", 0, 0, on::has_value, "PID-3.hasValue()"},
    Function{"getValue", 0, 0, on::get_value, "PID-3.getValue()"},
    Function{"resolve", 0, 0, on::resolve, "%resource.resolve()"},
    Function{"conformsTo", 1, 1, on::conforms_to,
             "%resource.conformsTo('http://hl7.org/fhir/StructureDefinition/Patient')"},
    Function{"htmlChecks", 0, 0, on::html_checks, "%resource.htmlChecks()"},
    Function{"checkModifiers", 1, 8, on::check_modifiers, "%resource.checkModifiers('http://example.org/x')"},
    Function{"memberOf", 1, 1, on::member_of, "%resource.memberOf('http://hl7.org/fhir/ValueSet/languages')"},
    Function{"elementDefinition", 0, 0, on::element_definition, "%resource.elementDefinition()"},
    Function{"slice", 2, 2, on::slice, "%resource.slice('http://example.org/x', 'name')"},
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
    if (!evaluation.evaluate_condition(node.children[i + 1], Frame{&item, index, frame.total}, value))
        return false;
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

bool Call::value_input(Item& item, bool& found) {
    Item const* one = nullptr;
    if (!single_input(one)) return false;
    found = one != nullptr && evaluation.value_of(*one, item);
    return true;
}

bool Call::value_argument(std::size_t i, Item& item, bool& found) {
    Collection value;
    if (!argument(i, value)) return false;
    if (value.size() > 1) return evaluation.not_singleton(node.children[i + 1], "the argument");
    found = !value.empty() && evaluation.value_of(value.front(), item);
    return true;
}

bool Call::text_input(std::string_view& text, bool& found) {
    Item item;
    if (!value_input(item, found)) return false;
    if (!found) return true;
    if (item.type() != Type::string) {
        return fail("bad_type",
                    std::string(node.function->name) + "() works on text, not on " +
                        std::string(article_name(item.type())),
                    "convert it with toString()");
    }
    text = item.text();
    return true;
}

bool Call::text_argument(std::size_t i, std::string_view& text, bool& found) {
    Item item;
    if (!value_argument(i, item, found)) return false;
    if (!found) return true;
    if (item.type() != Type::string) {
        return evaluation.fail(node.children[i + 1], "bad_type",
                               std::string(node.function->name) + "() wants text here, not " +
                                   std::string(article_name(item.type())),
                               "text stands in single quotes");
    }
    text = item.text();
    return true;
}

bool Call::integer_argument(std::size_t i, std::int64_t& value, bool& found) {
    Item item;
    if (!value_argument(i, item, found)) return false;
    if (!found) return true;
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
    bool const from_message =
        !input.empty() && input.front().type() == Type::string && input.front().is_hl7();
    out.push_back(from_message ? Item::hl7(borrowed) : Item::of(borrowed));
    return true;
}

}  // namespace hilum::expression
