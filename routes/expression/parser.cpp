#include "routes/expression/parser.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "routes/config/diagnostics.h"
#include "routes/expression/evaluator.h"
#include "routes/expression/functions.h"
#include "routes/expression/lexer.h"

namespace hilum::expression {
namespace {

struct Operator {
    std::string_view text;
    Op op;
    int level;  // binds tighter when higher
};

// http://hl7.org/fhirpath/N1/#operator-precedence, from implies upwards. `is` and `as` (level 8) need types.
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

std::string lowered(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    return out;
}

class Parser {
  public:
    Parser(std::string_view source, Program& program) : lexer_(source), source_(source), program_(&program) {}

    bool run() {
        if (!advance()) return false;
        if (token_.kind == TokenKind::end)
            return fail(0, "syntax", "there is no expression here", "write one, such as MSH-9.1 = 'ADT'");
        return expression(1, program_->root) && (token_.kind == TokenKind::end || unexpected());
    }
    Error const& error() const { return error_; }

  private:
    bool fail(std::size_t at, std::string code, std::string what, std::string next = {}) {
        error_ = hilum::error(std::move(code), "column " + std::to_string(at + 1), std::move(what),
                              std::move(next));
        return false;
    }

    bool advance() {
        last_end_ = token_.end;
        auto next = lexer_.next();
        if (!next) {
            error_ = next.error();
            return false;
        }
        token_ = std::move(*next);
        return true;
    }

    // The token is none that may stand here.
    bool unexpected() {
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
        if (token_.word("is") || token_.word("as")) next = "there are no types to ask for in HL7 v2";
        if (token_.kind == TokenKind::identifier && next.empty()) {
            std::vector<std::string_view> words;
            for (auto const& o : operators)
                if (o.text[0] >= 'a' && o.text[0] <= 'z') words.push_back(o.text);
            next = config::suggest(token_.text, words, "operators");
        }
        return fail(token_.begin, "syntax",
                    "\"" + std::string(token_.text.substr(0, 40)) + "\" can't stand here", next);
    }

    bool expect(std::string_view symbol, std::size_t opened) {
        if (token_.symbol(symbol)) return advance();
        if (token_.kind == TokenKind::end)
            return fail(opened, "unbalanced", "a bracket is opened here and never closed",
                        "close it with " + std::string(symbol));
        return unexpected();
    }

    static Operator const* operator_of(std::string_view text) {
        auto const* found =
            std::find_if(operators.begin(), operators.end(), [&](auto const& o) { return o.text == text; });
        return found == operators.end() ? nullptr : found;
    }
    Operator const* current_operator() const {
        if (token_.kind != TokenKind::symbol && token_.kind != TokenKind::identifier) return nullptr;
        return operator_of(token_.text);
    }

    // Computes the node now if nothing in it depends on the message.
    bool finish(Node& node) {
        node.depth = 1;
        for (auto const& child : node.children) node.depth = std::max(node.depth, child.depth + 1);
        if (node.depth > depth_max)
            return fail(node.begin, "too_deep", "the expression has more than 400 levels",
                        "split it, or compare with in ('A' | 'B' | ...)");
        if (node.children.empty() || !std::all_of(node.children.begin(), node.children.end(),
                                                  [](Node const& c) { return c.op == Op::constant; }))
            return true;
        Context const context;
        Evaluation evaluation(context, program_->storage);
        Collection value;
        if (!evaluation.evaluate(node, Frame{}, value)) {
            error_ = evaluation.error();
            return false;
        }
        node.constant = std::move(value);
        node.op = Op::constant;
        node.children.clear();
        node.depth = 1;
        return true;
    }

    // Precedence climbing; `level` is the weakest operator that may be taken here.
    bool expression(int level, Node& out) {
        if (!unary(out)) return false;
        Operator const* o = nullptr;
        // A run of one flattening operator is one node: a list of a thousand codes is then no thousand levels
        // deep.
        bool open = false;
        while ((o = current_operator()) && o->level >= level) {
            auto const at = static_cast<std::uint32_t>(token_.begin);
            if (!advance()) return false;
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

    bool unary(Node& out) {
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

    bool enter(std::size_t at) {
        return ++nesting_ <= nesting_max ||
               fail(at, "too_deep", "brackets are nested more than 200 deep", "write the expression flatter");
    }

    bool postfix(Node& out) {
        if (!primary(out)) return false;
        while (true) {
            if (token_.symbol("[")) {
                auto const opened = token_.begin;
                Node node;
                node.op = Op::item;
                node.begin = out.begin;
                node.at = static_cast<std::uint32_t>(opened);
                node.children.push_back(std::move(out));
                node.children.emplace_back();
                if (!enter(opened) || !advance() || !expression(1, node.children[1]) || !expect("]", opened))
                    return false;
                --nesting_;
                node.end = static_cast<std::uint32_t>(last_end_);
                out = std::move(node);
                if (!finish(out)) return false;
            } else if (token_.symbol(".")) {
                if (!advance()) return false;
                if (token_.kind != TokenKind::identifier && token_.kind != TokenKind::delimited)
                    return token_.kind == TokenKind::end || token_.kind == TokenKind::symbol
                               ? fail(token_.begin, "syntax", "a function name is missing behind the point",
                                      "such as .exists()")
                               : unexpected();
                Token const name = token_;
                if (!advance()) return false;
                if (!token_.symbol("(")) return no_member(name);
                Node node;
                node.begin = out.begin;
                node.children.push_back(std::move(out));
                if (!call(name, node)) return false;
                out = std::move(node);
            } else {
                return true;
            }
        }
    }

    bool no_member(Token const& name) {
        if (find_function(name.text))
            return fail(name.begin, "syntax", "a function is called with parentheses",
                        "write " + std::string(name.text) + "()");
        return unknown_function(name);
    }

    bool unknown_function(Token const& name) {
        if (name.text == "any")
            return fail(name.begin, "unknown_function", "unknown function \"any\"",
                        "exists(criteria) asks whether any item meets them");
        std::vector<std::string_view> names;
        for (auto const& f : functions()) names.push_back(f.name);
        return fail(name.begin, "unknown_function",
                    "unknown function \"" + std::string(name.text.substr(0, 60)) + "\"",
                    config::suggest(name.text, names, "functions"));
    }

    // The name has been read, the token is "("; children[0] is the input.
    bool call(Token const& name, Node& node) {
        node.op = Op::call;
        node.at = static_cast<std::uint32_t>(name.begin);
        node.function = find_function(name.text);
        if (!node.function) return unknown_function(name);
        auto const opened = token_.begin;
        if (!enter(opened) || !advance()) return false;
        bool const outer = std::exchange(criteria_, criteria_ || node.function->criteria);
        std::vector<std::uint32_t> starts;
        while (!token_.symbol(")")) {
            if (!starts.empty() && !expect(",", opened)) return false;
            starts.push_back(static_cast<std::uint32_t>(token_.begin));
            node.children.emplace_back();
            if (!expression(1, node.children.back())) return false;
            if (!token_.symbol(",") && !token_.symbol(")")) return expect(")", opened);
        }
        criteria_ = outer;
        if (!advance()) return false;
        --nesting_;
        node.end = static_cast<std::uint32_t>(last_end_);
        auto const& f = *node.function;
        if (starts.size() < f.arguments_min || starts.size() > f.arguments_max)
            return wrong_arity(name, f, starts.size());
        if (f.regex && node.children[1].op == Op::constant && !compile_regex(node, starts[0])) return false;
        return finish(node);
    }

    bool wrong_arity(Token const& name, Function const& f, std::size_t given) {
        std::string wanted = f.arguments_max == 0 ? "no" : std::to_string(f.arguments_min);
        if (f.arguments_min != f.arguments_max) wanted += " to " + std::to_string(f.arguments_max);
        wanted += f.arguments_max == 1 && f.arguments_min == 1 ? " argument" : " arguments";
        return fail(name.begin, "wrong_arity",
                    std::string(f.name) + "() takes " + wanted + ", not " + std::to_string(given),
                    "write it like " + std::string(f.usage));
    }

    bool compile_regex(Node& node, std::uint32_t begin) {
        auto const& pattern = node.children[1].constant;
        if (pattern.size() != 1 || pattern.front().type() != Type::string)
            return true;  // an error when it runs
        auto regex = Regex::compile(pattern.front().text());
        if (!regex) return fail(begin, regex.error().code, regex.error().what, regex.error().next);
        node.regex = std::move(*regex);
        return true;
    }

    bool constant(Node& out, Item item) {
        out.begin = out.at = static_cast<std::uint32_t>(token_.begin);
        out.end = static_cast<std::uint32_t>(token_.end);
        out.constant.push_back(item);
        return advance();
    }

    bool number(Node& out) {
        if (token_.text.find('.') == std::string_view::npos) {
            std::int64_t value = 0;
            auto const result =
                std::from_chars(token_.text.data(), token_.text.data() + token_.text.size(), value);
            if (result.ec == std::errc()) return constant(out, Item::of(value));
        } else if (auto const value = Decimal::parse(token_.text)) {
            return constant(out, Item::of(program_->storage.keep(*value)));
        }
        return fail(token_.begin, "bad_token", "a number with too many digits",
                    "write it as text in single quotes");
    }

    bool primary(Node& out) {
        switch (token_.kind) {
            case TokenKind::string:
                return constant(out, Item::of(program_->storage.keep(std::move(token_.value))));
            case TokenKind::number:
                return number(out);
            case TokenKind::path:
                return path(out);
            case TokenKind::variable:
                return variable(out);
            case TokenKind::identifier:
            case TokenKind::delimited:
                return word(out);
            default:
                break;
        }
        auto const opened = token_.begin;
        if (token_.symbol("(")) {
            if (!enter(opened) || !advance() || !expression(1, out) || !expect(")", opened)) return false;
            --nesting_;
            out.begin = static_cast<std::uint32_t>(opened);
            out.end = static_cast<std::uint32_t>(last_end_);
            return true;
        }
        if (token_.symbol("{")) {
            if (!advance()) return false;
            if (!token_.symbol("}"))
                return fail(opened, "syntax", "only {} (nothing) is written with braces",
                            "a list of values is ('A' | 'B')");
            out.begin = out.at = static_cast<std::uint32_t>(opened);
            out.end = static_cast<std::uint32_t>(token_.end);
            return advance();
        }
        return unexpected();
    }

    bool path(Node& out) {
        if (lowered(token_.text) == "not") return prefix_not();
        out.op = Op::path;
        out.path = token_.path;
        out.verbatim = hl7::Message::fixed(out.path);
        if (!token_.groups.empty()) {
            auto qualified = std::make_shared<hl7::GroupPath>();
            qualified->groups = std::move(token_.groups);
            qualified->path = out.path;
            out.op = Op::group_path;
            out.group_path = std::move(qualified);
        }
        out.begin = out.at = static_cast<std::uint32_t>(token_.begin);
        out.end = static_cast<std::uint32_t>(token_.end);
        return advance();
    }

    bool variable(Node& out) {
        if (!criteria_)
            return fail(token_.begin, "syntax", std::string(token_.text) + " means nothing here",
                        "it stands inside where(), select(), all() and exists()");
        out.op = token_.text == "$this" ? Op::self : Op::index;
        out.begin = out.at = static_cast<std::uint32_t>(token_.begin);
        out.end = static_cast<std::uint32_t>(token_.end);
        return advance();
    }

    bool prefix_not() {
        return fail(token_.begin, "syntax", "not is no prefix",
                    "put .not() behind the condition: (PID-8 = 'F').not()");
    }

    bool word(Node& out) {
        if (token_.word("true") || token_.word("false")) return constant(out, Item::of(token_.word("true")));
        if (lowered(token_.text) == "not") return prefix_not();
        if (token_.kind == TokenKind::identifier && operator_of(token_.text) && token_.text != "contains")
            return unexpected();
        Token const name = token_;
        if (!advance()) return false;
        if (!token_.symbol("(")) {
            if (name.text == "contains")
                return fail(name.begin, "syntax", "contains needs a list on its left",
                            "such as PID-3[*] contains 'X'");
            return unknown_name(name);
        }
        auto const* f = find_function(name.text);
        if (!f) return unknown_function(name);
        // Inside criteria a function without an input works on $this; elsewhere there is nothing it could
        // work on.
        if (!criteria_ && !f->anywhere)
            return fail(name.begin, "no_input", std::string(name.text) + "() has nothing to work on",
                        "put a value and a point before it: " + std::string(f->usage));
        Node node;
        node.begin = static_cast<std::uint32_t>(name.begin);
        Node self;
        self.op = criteria_ ? Op::self : Op::constant;
        self.begin = self.end = self.at = node.begin;
        node.children.push_back(std::move(self));
        if (!call(name, node)) return false;
        out = std::move(node);
        return true;
    }

    bool unknown_name(Token const& name) {
        auto const small = lowered(name.text);
        std::string next = "text stands in single quotes; a path looks like PID-3.1";
        if (small == "true" || small == "false") next = "did you mean " + small + "?";
        if (small == "null" || small == "nil")
            next = "nothing is written {}; ask with .empty(), for HL7's \"\" with .isNull()";
        if (find_function(name.text))
            next = "did you mean " + std::string(find_function(name.text)->usage) + "?";
        return fail(name.begin, "unknown_name",
                    "\"" + std::string(name.text.substr(0, 60)) + "\" is neither a path nor a function",
                    next);
    }

    Lexer lexer_;
    std::string_view source_;
    Program* program_;
    Token token_;
    std::size_t last_end_ = 0;
    std::uint32_t nesting_ = 0;
    bool criteria_ = false;
    Error error_;
};

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

Result<std::unique_ptr<Program const>> parse(std::string_view text) {
    if (text.size() > source_max)
        return error("too_long", "column 1", "the expression is longer than 64 KiB",
                     "put long lists into a table");
    auto program = std::make_unique<Program>();
    program->source = std::string(text);
    std::string_view const source = program->source;
    Parser parser(source, *program);
    if (!parser.run()) return parser.error();
    auto const& root = program->root;
    if (root.op == Op::both) {
        for (auto const& child : root.children)
            program->clauses.push_back(squeezed(source.substr(child.begin, child.end - child.begin)));
    } else {
        program->clauses.push_back(squeezed(source));
    }
    return std::unique_ptr<Program const>(std::move(program));
}

}  // namespace hilum::expression
