// The functions of the language. A new one is one evaluate function and one line in functions.cpp.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "routes/expression/evaluator.h"

namespace hilum::expression {

// One call while it runs. The helpers evaluate arguments; each returns false after it has recorded an error.
struct Call {
    Evaluation& evaluation;
    Node const& node;
    Frame const& frame;  // what is around the call
    Collection const& input;
    Collection& out;

    std::size_t arguments() const { return node.children.size() - 1; }
    // An argument as it stands around the call.
    bool argument(std::size_t i, Collection& value) {
        return evaluation.evaluate(node.children[i + 1], frame, value);
    }
    // An argument as a criterion: $this is `item`, $index its place (from 0, as in FHIRPath).
    bool argument_for(std::size_t i, Item const& item, std::int64_t index, Collection& value) {
        return evaluation.evaluate(node.children[i + 1], Frame{&item, index, frame.total}, value);
    }
    // The criterion as a condition; `holds` is false when it is empty.
    bool criterion(std::size_t i, Item const& item, std::int64_t index, bool& holds);
    // The single text of the input or an argument; `found` is false when there is none.
    bool text_input(std::string_view& text, bool& found);
    bool text_argument(std::size_t i, std::string_view& text, bool& found);
    bool integer_argument(std::size_t i, std::int64_t& value, bool& found);
    // The single item of the input, nullptr when it is empty.
    bool single_input(Item const*& item);
    // The same as a value: a FHIR primitive as what it stands for.
    bool value_input(Item& item, bool& found);
    bool value_argument(std::size_t i, Item& item, bool& found);
    // A text made of the input: an HL7 value stays one, so that it still converts to a number.
    bool give(std::string text);
    bool give(std::string_view borrowed);
    bool give(bool value) { return out.push_back(Item::of(value)), true; }
    bool give(std::int64_t value) { return out.push_back(Item::of(value)), true; }
    bool fail(std::string code, std::string what, std::string next = {}) {
        return evaluation.fail(node, std::move(code), std::move(what), std::move(next));
    }
};

struct Function {
    std::string_view name;
    std::size_t arguments_min = 0;
    std::size_t arguments_max = 0;
    bool (*evaluate)(Call& call) = nullptr;
    std::string_view usage;  // for a call that is wrong: "PID-5.1.startsWith('SM')"
    bool criteria = false;   // its arguments may use $this and $index
    bool regex = false;      // its first argument is a regular expression
    bool anywhere = false;   // needs no input (iif)
    bool lazy = false;       // its arguments may never be evaluated
    bool clock = false;      // its result is another each time
    bool type = false;       // its argument is the name of a type
};

std::span<Function const> functions();
Function const* find_function(std::string_view name);

namespace on {  // functions_text.cpp
bool upper(Call&);
bool lower(Call&);
bool trim(Call&);
bool substring(Call&);
bool replace(Call&);
bool matches(Call&);
bool matches_full(Call&);
bool replace_matches(Call&);
bool length(Call&);
bool starts_with(Call&);
bool ends_with(Call&);
bool contains(Call&);
bool index_of(Call&);
bool split(Call&);
bool join(Call&);
bool to_chars(Call&);
// functions_encode.cpp
bool encode(Call&);
bool decode(Call&);
bool escape(Call&);
bool unescape(Call&);
// functions_convert.cpp
bool to_integer(Call&);
bool to_decimal(Call&);
bool to_string(Call&);
bool to_boolean(Call&);
bool to_date(Call&);
bool to_date_time(Call&);
bool to_time(Call&);
bool to_quantity(Call&);
bool converts_to_integer(Call&);
bool converts_to_decimal(Call&);
bool converts_to_string(Call&);
bool converts_to_boolean(Call&);
bool converts_to_date(Call&);
bool converts_to_date_time(Call&);
bool converts_to_time(Call&);
bool converts_to_quantity(Call&);
// functions_math.cpp
bool absolute(Call&);
bool ceiling(Call&);
bool floor(Call&);
bool round(Call&);
bool truncate(Call&);
bool exp(Call&);
bool ln(Call&);
bool log(Call&);
bool power(Call&);
bool sqrt(Call&);
bool comparable(Call&);
// functions_time.cpp
bool now(Call&);
bool today(Call&);
bool time_of_day(Call&);
bool low_boundary(Call&);
bool high_boundary(Call&);
bool precision(Call&);
// functions_collection.cpp
bool exists(Call&);
bool empty(Call&);
bool negation(Call&);
bool first(Call&);
bool last(Call&);
bool tail(Call&);
bool skip(Call&);
bool take(Call&);
bool single(Call&);
bool count(Call&);
bool where(Call&);
bool select(Call&);
bool all(Call&);
bool all_true(Call&);
bool any_true(Call&);
bool all_false(Call&);
bool any_false(Call&);
bool distinct(Call&);
bool is_distinct(Call&);
bool combine(Call&);
bool unite(Call&);
bool intersect(Call&);
bool exclude(Call&);
bool subset_of(Call&);
bool superset_of(Call&);
bool repeat(Call&);
bool aggregate(Call&);
bool sort(Call&);
bool trace(Call&);
bool iif(Call&);
bool is_null(Call&);
// functions_type.cpp
bool is(Call&);
bool as(Call&);
bool of_type(Call&);
bool type(Call&);
bool conforms_to(Call&);
// functions_fhir.cpp
bool children(Call&);
bool descendants(Call&);
bool extension(Call&);
bool has_value(Call&);
bool get_value(Call&);
bool resolve(Call&);
bool html_checks(Call&);
bool check_modifiers(Call&);
bool member_of(Call&);
bool element_definition(Call&);
bool slice(Call&);
}  // namespace on

}  // namespace hilum::expression
