#include "routes/expression/parser.h"

#include <algorithm>
#include <array>
#include <utility>

#include "routes/expression/check.h"
#include "routes/expression/parser_detail.h"
#include "routes/expression/types.h"

namespace hilum::expression {
namespace {

// http://hl7.org/fhirpath/N1/#operator-precedence, from implies upwards.
constexpr std::array operators{
    Operator{"implies", Op::implies, 1},
    Operator{"or", Op::either, 2},
    Operator{"xor", Op::exclusive, 2},
    Operator{"and", Op::both, 3},
    Operator{"in", Op::in, 4},
    Operator{"contains", Op::contains, 4},
    Operator{"=", Op::equal, 5},
    Operator{"!=", Op::not_equal, 5},
    Operator{"~", Op::equivalent, 5},
    Operator{"!~", Op::not_equivalent, 5},
    Operator{"<", Op::less, 6},
    Operator{"<=", Op::less_equal, 6},
    Operator{">", Op::greater, 6},
    Operator{">=", Op::greater_equal, 6},
    Operator{"|", Op::unite, 7},
    Operator{"is", Op::is_type, 8},
    Operator{"as", Op::as_type, 8},
    Operator{"+", Op::add, 9},
    Operator{"-", Op::subtract, 9},
    Operator{"&", Op::concatenate, 9},
    Operator{"*", Op::multiply, 10},
    Operator{"/", Op::divide, 10},
    Operator{"div", Op::whole_divide, 10},
    Operator{"mod", Op::modulo, 10},
};

bool flattens(Op op) {
    return op == Op::both || op == Op::either || op == Op::unite || op == Op::concatenate;
}

std::string squeezed(std::string_view text) {
    std::string out;
    bool quoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '\'') quoted = !quoted;
        bool const blank = !quoted && (c == ' ' || (c >= '\t' && c <= '\r'));
        if (blank && (out.empty() || out.back() == ' ')) continue;
        out += blank ? ' ' : c;
        if (c == '\\' && quoted && i + 1 < text.size()) out += text[++i];
    }
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

}  // namespace

Operator const* operator_of(std::string_view text) {
    auto const* found =
        std::find_if(operators.begin(), operators.end(), [&](auto const& o) { return o.text == text; });
    return found == operators.end() ? nullptr : found;
}

std::vector<std::string_view> word_operators() {
    std::vector<std::string_view> words;
    for (auto const& o : operators)
        if (o.text[0] >= 'a' && o.text[0] <= 'z') words.push_back(o.text);
    return words;
}

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

bool Parser::run() {
    if (!advance()) return false;
    if (token_.kind == TokenKind::end)
        return fail(0, "syntax", "there is no expression here", "write one, such as MSH-9.1 = 'ADT'");
    return expression(1, program_->root) && (token_.kind == TokenKind::end || unexpected());
}

bool Parser::fail(std::size_t at, std::string code, std::string what, std::string next) {
    error_ =
        hilum::error(std::move(code), "column " + std::to_string(at + 1), std::move(what), std::move(next));
    return false;
}

bool Parser::advance() {
    last_end_ = token_.end;
    auto next = lexer_.next();
    if (!next) {
        error_ = next.error();
        return false;
    }
    token_ = std::move(*next);
    return true;
}

bool Parser::expect(std::string_view symbol, std::size_t opened) {
    if (token_.symbol(symbol)) return advance();
    if (token_.kind == TokenKind::end)
        return fail(opened, "unbalanced", "a bracket is opened here and never closed",
                    "close it with " + std::string(symbol));
    return unexpected();
}

Operator const* Parser::current_operator() const {
    if (token_.kind != TokenKind::symbol && token_.kind != TokenKind::identifier) return nullptr;
    return operator_of(token_.text);
}

bool Parser::finish(Node& node) {
    node.depth = 1;
    for (auto const& child : node.children) node.depth = std::max(node.depth, child.depth + 1);
    if (node.depth > depth_max)
        return fail(node.begin, "too_deep", "the expression has more than 400 levels",
                    "split it, or compare with in ('A' | 'B' | ...)");
    if (node.children.empty() || !std::all_of(node.children.begin(), node.children.end(),
                                              [](Node const& c) { return c.op == Op::constant; }))
        return true;
    if (node.op == Op::call && node.function->clock) return true;
    Context const context;
    Evaluation evaluation(context, program_->storage);
    Collection value;
    if (!evaluation.evaluate(node, Frame{}, value)) {
        if (lazy_ > 0) return true;  // an error only if it is ever evaluated
        error_ = evaluation.error();
        return false;
    }
    node.constant = std::move(value);
    node.op = Op::constant;
    node.children.clear();
    node.depth = 1;
    return true;
}

bool Parser::expression(int level, Node& out) {
    if (!unary(out)) return false;
    Operator const* o = nullptr;
    // A run of one flattening operator is one node: a list of a thousand codes is then no thousand levels
    // deep.
    bool open = false;
    while ((o = current_operator()) && o->level >= level) {
        auto const at = static_cast<std::uint32_t>(token_.begin);
        if (!advance()) return false;
        if (o->op == Op::is_type || o->op == Op::as_type) {
            if (!type_operator(o->op, out)) return false;
            continue;
        }
        Node right;
        if (!expression(o->level + 1, right)) return false;
        if (open && out.op == o->op) {
            out.end = right.end;
            out.children.push_back(std::move(right));
        } else {
            if (open && !finish(out)) return false;
            Node node;
            node.op = o->op;
            node.begin = out.begin;
            node.at = at;
            node.end = right.end;
            node.children.push_back(std::move(out));
            node.children.push_back(std::move(right));
            out = std::move(node);
        }
        open = flattens(out.op);
        if (!open && !finish(out)) return false;
    }
    return !open || finish(out);
}

bool Parser::unary(Node& out) {
    if (!token_.symbol("-") && !token_.symbol("+")) return postfix(out);
    auto const begin = token_.begin;
    bool const minus = token_.symbol("-");
    if (!enter(begin) || !advance()) return false;
    Node operand;
    if (!unary(operand)) return false;
    --nesting_;
    if (!minus) {
        out = std::move(operand);
        return true;
    }
    out.op = Op::negate;
    out.begin = out.at = static_cast<std::uint32_t>(begin);
    out.end = operand.end;
    out.children.push_back(std::move(operand));
    return finish(out);
}

bool Parser::enter(std::size_t at) {
    return ++nesting_ <= nesting_max ||
           fail(at, "too_deep", "brackets are nested more than 200 deep", "write the expression flatter");
}

// `is` or `as` has been read.
bool Parser::type_operator(Op op, Node& out) {
    Node node;
    node.op = op;
    node.begin = out.begin;
    node.at = static_cast<std::uint32_t>(token_.begin);
    if (!type_name(node.type)) return false;
    node.end = static_cast<std::uint32_t>(last_end_);
    node.children.push_back(std::move(out));
    out = std::move(node);
    return finish(out);
}

bool Parser::postfix(Node& out) {
    if (!primary(out)) return false;
    while (token_.symbol("[") || token_.symbol("."))
        if (!(token_.symbol("[") ? indexed(out) : dotted(out))) return false;
    return true;
}

bool Parser::indexed(Node& out) {
    auto const opened = token_.begin;
    Node node;
    node.op = Op::item;
    node.begin = out.begin;
    node.at = static_cast<std::uint32_t>(opened);
    if (no_order(out)) return false;
    node.children.push_back(std::move(out));
    node.children.emplace_back();
    if (!enter(opened) || !advance() || !expression(1, node.children[1]) || !expect("]", opened))
        return false;
    --nesting_;
    node.end = static_cast<std::uint32_t>(last_end_);
    out = std::move(node);
    return finish(out);
}

bool Parser::dotted(Node& out) {
    if (!advance()) return false;
    if (token_.kind != TokenKind::identifier && token_.kind != TokenKind::delimited)
        return token_.kind == TokenKind::end || token_.kind == TokenKind::symbol
                   ? fail(token_.begin, "syntax", "a function name is missing behind the point",
                          "such as .exists()")
                   : unexpected();
    Token const name = token_;
    if (!advance()) return false;
    Node input = std::move(out);
    out = Node();
    if (!token_.symbol("(")) return member(name, std::move(input), out);
    out.begin = input.begin;
    out.children.push_back(std::move(input));
    return call(name, out);
}

// The name has been read, the token is "("; children[0] is the input.
bool Parser::call(Token const& name, Node& node) {
    node.op = Op::call;
    node.at = static_cast<std::uint32_t>(name.begin);
    node.function = find_function(name_of(name));
    if (!node.function) return unknown_function(name);
    auto const& f = *node.function;
    if (ordered_ &&
        (f.name == "first" || f.name == "last" || f.name == "tail" || f.name == "skip" || f.name == "take") &&
        no_order(node.children[0]))
        return false;
    auto const opened = token_.begin;
    if (!enter(opened) || !advance()) return false;
    std::vector<std::uint32_t> starts;
    if (f.type) {
        starts.push_back(static_cast<std::uint32_t>(token_.begin));
        if (!type_name(node.type)) return false;
        if (!token_.symbol(")")) return expect(")", opened);
    } else {
        bool const outer = std::exchange(criteria_, criteria_ || f.criteria);
        bool const outer_total = std::exchange(totals_, totals_ || f.name == "aggregate");
        bool const outer_elements =
            std::exchange(elements_, elements_ || (f.criteria && of_answer(node.children[0])));
        lazy_ += f.lazy ? 1U : 0U;
        if (!arguments(node, opened, starts)) return false;
        lazy_ -= f.lazy ? 1U : 0U;
        criteria_ = outer;
        totals_ = outer_total;
        elements_ = outer_elements;
    }
    if (!advance()) return false;
    --nesting_;
    node.end = static_cast<std::uint32_t>(last_end_);
    if (starts.size() < f.arguments_min || starts.size() > f.arguments_max)
        return wrong_arity(name, f, starts.size());
    if (f.regex && node.children[1].op == Op::constant && !compile_regex(node, starts[0])) return false;
    return finish(node);
}

bool Parser::arguments(Node& node, std::size_t opened, std::vector<std::uint32_t>& starts) {
    while (!token_.symbol(")")) {
        if (!starts.empty() && !expect(",", opened)) return false;
        starts.push_back(static_cast<std::uint32_t>(token_.begin));
        node.children.emplace_back();
        if (!expression(1, node.children.back())) return false;
        if (!token_.symbol(",") && !token_.symbol(")")) return expect(")", opened);
    }
    return true;
}

bool Parser::compile_regex(Node& node, std::uint32_t begin) {
    auto const& pattern = node.children[1].constant;
    if (pattern.size() != 1 || pattern.front().type() != Type::string) return true;  // an error when it runs
    auto regex = Regex::compile(pattern.front().text());
    if (!regex) return fail(begin, regex.error().code, regex.error().what, regex.error().next);
    node.regex = std::move(*regex);
    return true;
}

Result<std::unique_ptr<Program const>> parse(std::string_view text, Options const& options) {
    if (text.size() > source_max)
        return error("too_long", "column 1", "the expression is longer than 64 KiB",
                     "put long lists into a table");
    auto program = std::make_unique<Program>();
    program->source = std::string(text);
    std::string_view const source = program->source;
    Parser parser(source, *program, options);
    program->fhir = options.fhir;
    if (!parser.run()) return parser.error();
    if (options.fhir)
        if (auto checked = check(*program, options.root); !checked) return checked.error();
    auto const& root = program->root;
    if (root.op == Op::both) {
        for (auto const& child : root.children)
            program->clauses.push_back(squeezed(source.substr(child.begin, child.end - child.begin)));
    } else {
        program->clauses.push_back(squeezed(source));
    }
    program->quick = Quick::of(root);
    return std::unique_ptr<Program const>(std::move(program));
}

}  // namespace hilum::expression
