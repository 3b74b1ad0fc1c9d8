// What an expression begins with: literals, paths, names, variables, brackets.
#include <algorithm>
#include <charconv>
#include <utility>

#include "routes/expression/parser_detail.h"
#include "routes/expression/types.h"

namespace hilum::expression {

bool Parser::constant(Node& out, Item item) {
    out.begin = out.at = static_cast<std::uint32_t>(token_.begin);
    out.end = static_cast<std::uint32_t>(token_.end);
    out.constant.push_back(item);
    return advance();
}

// A number, and the unit behind it that makes it a quantity.
bool Parser::number(Node& out) {
    Token const written = token_;
    bool const whole = written.text.find('.') == std::string_view::npos;
    auto const value = Decimal::parse(written.text);
    std::int64_t integer = 0;
    auto const result =
        std::from_chars(written.text.data(), written.text.data() + written.text.size(), integer);
    if (!value || (whole && result.ec != std::errc()))
        return fail(written.begin, "bad_token", "a number with too many digits",
                    "write it as text in single quotes");
    out.begin = out.at = static_cast<std::uint32_t>(written.begin);
    if (!advance()) return false;
    bool const word = token_.kind == TokenKind::identifier && calendar_unit(token_.text) != Calendar::none;
    if (token_.kind == TokenKind::string || word) {
        auto const unit = program_->storage.keep(word ? std::string(token_.text) : token_.value);
        out.constant.push_back(Item::of(program_->storage.keep(Quantity{*value, unit, word})));
        if (!advance()) return false;
    } else {
        out.constant.push_back(whole ? Item::of(integer) : Item::of(program_->storage.keep(*value)));
    }
    out.end = static_cast<std::uint32_t>(last_end_);
    return true;
}

// The lexer has seen that it is right.
bool Parser::moment(Node& out) {
    auto const text = token_.text.substr(1);
    if (token_.kind == TokenKind::time)
        return constant(out, Item::of(Type::time, *Temporal::time(text.substr(1))));
    if (token_.kind == TokenKind::date) return constant(out, Item::of(Type::date, *Temporal::date(text)));
    return constant(out, Item::of(Type::date_time, *Temporal::date_time(text)));
}

bool Parser::primary(Node& out) {
    switch (token_.kind) {
        case TokenKind::string:
            return constant(out, Item::of(program_->storage.keep(std::move(token_.value))));
        case TokenKind::number:
            return number(out);
        case TokenKind::date:
        case TokenKind::date_time:
        case TokenKind::time:
            return moment(out);
        case TokenKind::path:
            return path(out);
        case TokenKind::variable:
            return variable(out);
        case TokenKind::environment:
            return environment(out);
        case TokenKind::identifier:
        case TokenKind::delimited:
            return word(out);
        default:
            return bracketed(out);
    }
}

bool Parser::bracketed(Node& out) {
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

bool Parser::path(Node& out) {
    if (lowered(token_.text) == "not") return prefix_not();
    out.op = token_.path.segment[0] == '\0' ? Op::part : Op::path;
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

bool Parser::variable(Node& out) {
    bool const total = token_.text == "$total";
    if (total ? !totals_ : !criteria_)
        return fail(token_.begin, "syntax", std::string(token_.text) + " means nothing here",
                    total ? "it stands inside aggregate()"
                          : "it stands inside where(), select(), all() and exists()");
    out.op = total ? Op::total : token_.text == "$this" ? Op::self : Op::index;
    out.begin = out.at = static_cast<std::uint32_t>(token_.begin);
    out.end = static_cast<std::uint32_t>(token_.end);
    return advance();
}

bool Parser::environment(Node& out) {
    static constexpr std::string_view names[] = {"resource", "resources", "rootResource", "context", "answer",
                                                 "request",  "ucum",      "sct",          "loinc"};
    bool const known = std::find(std::begin(names), std::end(names), token_.value) != std::end(names) ||
                       token_.value.starts_with("vs-") || token_.value.starts_with("ext-");
    if (!known)
        return fail(token_.begin, "unknown_name", "no constant is called %" + token_.value.substr(0, 60),
                    "there are %answer, %request, %resource, %resources, %rootResource, %context, %ucum, "
                    "%sct, %loinc, "
                    "%`vs-NAME` "
                    "and %`ext-NAME`");
    out.op = Op::environment;
    out.name = token_.value;
    out.begin = out.at = static_cast<std::uint32_t>(token_.begin);
    out.end = static_cast<std::uint32_t>(token_.end);
    return advance();
}

bool Parser::word(Node& out) {
    bool const plain = token_.kind == TokenKind::identifier;
    if (token_.word("true") || token_.word("false")) return constant(out, Item::of(token_.word("true")));
    Token const name = token_;
    // Operators that may also be names (N1's grammar: identifier).
    bool const both =
        name.text == "contains" || (fhir_ && (name.text == "as" || name.text == "is" || name.text == "in"));
    if (plain && lowered(name.text) == "not" && !(fhir_ && name.text == "not")) return prefix_not();
    if (plain && operator_of(name.text) && !both) return unexpected();
    if (!advance()) return false;
    Node self;
    self.op = criteria_ ? Op::self : Op::constant;
    self.begin = self.end = self.at = static_cast<std::uint32_t>(name.begin);
    if (!token_.symbol("(")) {
        if (fhir_ || elements_) return member(name, std::move(self), out);
        if (name.text == "contains")
            return fail(name.begin, "syntax", "contains needs a list on its left",
                        "such as PID-3[*] contains 'X'");
        return unknown_name(name);
    }
    auto const* f = find_function(name_of(name));
    if (!f) return unknown_function(name);
    // Inside criteria a function without an input works on $this; elsewhere there is nothing it could
    // work on.
    if (!criteria_ && !f->anywhere)
        return fail(name.begin, "no_input", std::string(name.text) + "() has nothing to work on",
                    "put a value and a point before it: " + std::string(f->usage));
    Node node;
    node.begin = static_cast<std::uint32_t>(name.begin);
    node.children.push_back(std::move(self));
    if (!call(name, node)) return false;
    out = std::move(node);
    return true;
}

// What another system answered, or a part of it: JSON, whose elements have names as FHIR's do.
bool Parser::of_answer(Node const& node) const {
    Node const* at = &node;
    while (at->op == Op::member || at->op == Op::call || at->op == Op::item) at = &at->children[0];
    return at->op == Op::environment ? at->name == "answer" : at->op == Op::self && elements_;
}

// The name has been read and is no call.
bool Parser::member(Token const& name, Node input, Node& out) {
    // Over HL7 only what type() gives and %answer have members.
    bool const constant = input.op == Op::constant && !input.constant.empty();
    bool const of_type = (input.op == Op::call && input.function->name == "type") ||
                         (constant && input.constant.front().type() == Type::type_info);
    if (!fhir_ && !of_type && !of_answer(input)) return no_member(name);
    out.op = Op::member;
    out.begin = input.begin;
    out.at = static_cast<std::uint32_t>(name.begin);
    out.end = static_cast<std::uint32_t>(last_end_);
    out.name = name_of(name);
    // Only in front: "Patient.name", and inside criteria.
    if (input.op == Op::self && input.begin == name.begin) out.type.fhir = fhir::Type::find(out.name);
    out.children.push_back(std::move(input));
    return finish(out);
}

// "Patient", "FHIR.Patient", "System.String", "FHIR.`Patient`"
bool Parser::type_name(TypeName& type) {
    auto const is_name = [&] {
        return token_.kind == TokenKind::identifier || token_.kind == TokenKind::delimited;
    };
    auto const begin = token_.begin;
    bool const bracket = token_.symbol("(");
    if (!is_name())
        return fail(begin, "syntax", "the name of a type is missing",
                    bracket ? "write it without brackets" : "such as String, Quantity or Patient");
    std::string space;
    std::string name = name_of(token_);
    if (!advance()) return false;
    if (token_.symbol(".") && (name == "System" || name == "FHIR")) {
        if (!advance()) return false;
        if (!is_name())
            return fail(token_.begin, "syntax", "the name of a type is missing", "such as System.String");
        space = std::exchange(name, name_of(token_));
        if (!advance()) return false;
    }
    auto const found = find_type(space, name);
    if (!found)
        return fail(begin, "unknown_type", "there is no type called \"" + name.substr(0, 60) + "\"",
                    type_remedy(name));
    type = *found;
    return true;
}

}  // namespace hilum::expression
