// What the parser says about mistakes, and what was probably meant.
#include "routes/config/diagnostics.h"
#include "routes/expression/parser_detail.h"

namespace hilum::expression {

// The token is none that may stand here.
bool Parser::unexpected() {
    if (token_.kind == TokenKind::end)
        return fail(token_.begin, "syntax", "the expression ends too early",
                    "a value or a closing bracket is missing");
    auto const word = lowered(token_.text);
    std::string next;
    if (word != token_.text && operator_of(word)) next = "operators are written small: " + word;
    if (token_.symbol(")") || token_.symbol("]") || token_.symbol("}"))
        next = "no bracket was opened that this could close";
    if (token_.kind == TokenKind::string || token_.kind == TokenKind::number ||
        token_.kind == TokenKind::path)
        if (next.empty()) next = "an operator such as = or and is missing before it";
    if (token_.kind == TokenKind::identifier && next.empty()) {
        next = config::suggest(token_.text, word_operators(), "operators");
    }
    return fail(token_.begin, "syntax", "\"" + std::string(token_.text.substr(0, 40)) + "\" can't stand here",
                next);
}

bool Parser::no_member(Token const& name) {
    if (find_function(name_of(name)))
        return fail(name.begin, "syntax", "a function is called with parentheses",
                    "write " + std::string(name.text) + "()");
    return unknown_function(name);
}

bool Parser::unknown_function(Token const& name) {
    if (name.text == "any")
        return fail(name.begin, "unknown_function", "unknown function \"any\"",
                    "exists(criteria) asks whether any item meets them");
    std::vector<std::string_view> names;
    for (auto const& f : functions()) names.push_back(f.name);
    return fail(name.begin, "unknown_function",
                "unknown function \"" + std::string(name.text.substr(0, 60)) + "\"",
                config::suggest(name.text, names, "functions"));
}

bool Parser::unknown_name(Token const& name) {
    auto const small = lowered(name.text);
    std::string next = "text stands in single quotes; a path looks like PID-3.1";
    if (small == "true" || small == "false") next = "did you mean " + small + "?";
    if (small == "null" || small == "nil")
        next = "nothing is written {}; ask with .empty(), for HL7's \"\" with .isNull()";
    if (find_function(name.text)) next = "did you mean " + std::string(find_function(name.text)->usage) + "?";
    return fail(name.begin, "unknown_name",
                "\"" + std::string(name.text.substr(0, 60)) + "\" is neither a path nor a function", next);
}

bool Parser::wrong_arity(Token const& name, Function const& f, std::size_t given) {
    std::string wanted = f.arguments_max == 0 ? "no" : std::to_string(f.arguments_min);
    if (f.arguments_min != f.arguments_max) wanted += " to " + std::to_string(f.arguments_max);
    wanted += f.arguments_max == 1 && f.arguments_min == 1 ? " argument" : " arguments";
    return fail(name.begin, "wrong_arity",
                std::string(f.name) + "() takes " + wanted + ", not " + std::to_string(given),
                "write it like " + std::string(f.usage));
}

bool Parser::prefix_not() {
    return fail(token_.begin, "syntax", "not is no prefix",
                "put .not() behind the condition: (PID-8 = 'F').not()");
}

// Records an error when what is asked for its place has no order: children() and descendants() in strict
// reading.
bool Parser::no_order(Node const& node) {
    bool const unordered = ordered_ && node.op == Op::call &&
                           (node.function->name == "children" || node.function->name == "descendants");
    if (unordered)
        fail(node.at, "no_order", std::string(node.function->name) + "() has no order to choose by",
             "choose with where(), or name the element");
    return unordered;
}

}  // namespace hilum::expression
