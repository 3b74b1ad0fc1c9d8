// The parser's one class, over three files: operators and calls in parser.cpp, what an expression begins with
// in parser_primary.cpp, what is said about mistakes in parser_hints.cpp.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "routes/expression/functions.h"
#include "routes/expression/lexer.h"
#include "routes/expression/parser.h"

namespace hilum::expression {

struct Operator {
    std::string_view text;
    Op op;
    int level;  // binds tighter when higher
};
Operator const* operator_of(std::string_view text);
std::vector<std::string_view> word_operators();
std::string lowered(std::string_view text);

// Each member function returns false after it has recorded an error.
class Parser {
  public:
    Parser(std::string_view source, Program& program, Options const& options)
        : lexer_(source, options.parts),
          program_(&program),
          fhir_(options.fhir),
          ordered_(options.ordered),
          criteria_(options.fhir) {}

    bool run();
    Error const& error() const { return error_; }

  private:
    bool fail(std::size_t at, std::string code, std::string what, std::string next = {});
    bool advance();
    bool expect(std::string_view symbol, std::size_t opened);
    bool enter(std::size_t at);
    bool finish(Node& node);
    Operator const* current_operator() const;

    bool expression(int level, Node& out);
    bool unary(Node& out);
    bool postfix(Node& out);
    bool indexed(Node& out);
    bool dotted(Node& out);
    bool call(Token const& name, Node& node);
    bool arguments(Node& node, std::size_t opened, std::vector<std::uint32_t>& starts);
    bool compile_regex(Node& node, std::uint32_t begin);
    bool type_operator(Op op, Node& out);

    bool primary(Node& out);
    bool bracketed(Node& out);
    bool constant(Node& out, Item item);
    bool number(Node& out);
    bool moment(Node& out);
    bool path(Node& out);
    bool variable(Node& out);
    bool environment(Node& out);
    bool word(Node& out);
    bool member(Token const& name, Node input, Node& out);
    bool type_name(TypeName& type);

    bool unexpected();
    bool of_answer(Node const& node) const;
    bool no_member(Token const& name);
    bool unknown_function(Token const& name);
    bool unknown_name(Token const& name);
    bool wrong_arity(Token const& name, Function const& f, std::size_t given);
    bool prefix_not();
    bool no_order(Node const& node);

    Lexer lexer_;
    Program* program_;
    bool fhir_;
    bool ordered_;
    bool criteria_;           // $this means something here
    bool totals_ = false;     // $total does
    bool elements_ = false;   // $this is a part of %answer, so that a bare name is an element of it
    std::uint32_t lazy_ = 0;  // inside arguments that may never be evaluated
    Token token_;
    std::size_t last_end_ = 0;
    std::uint32_t nesting_ = 0;
    Error error_;
};

// The name as meant: without the backticks around it.
inline std::string name_of(Token const& token) {
    return token.kind == TokenKind::delimited ? token.value : std::string(token.text);
}

}  // namespace hilum::expression
