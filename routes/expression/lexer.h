// Tokens of an expression (http://hl7.org/fhirpath/N1/grammar.html), with HL7 v2 paths as one more kind.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/group_path.h"
#include "parsers/result.h"

namespace hilum::expression {

enum class TokenKind : unsigned char {
    end,
    identifier,   // names, functions and the operators written as words
    delimited,    // `name`
    variable,     // $this, $index, $total
    environment,  // %name; its name is the value
    date,         // @2014-01-25; the text is as written
    date_time,    // @2014-01-25T14:30
    time,         // @T14:30
    path,
    string,
    number,
    symbol,  // one of ( ) [ ] { } , . = != ~ !~ < <= > >= + - * / & |
};

struct Token {
    TokenKind kind = TokenKind::end;
    std::size_t begin = 0;  // byte offsets in the expression
    std::size_t end = 0;
    std::string_view text;  // as written
    std::string value;      // string, delimited: after escapes
    hl7::Path path;
    std::vector<hl7::GroupPath::Step> groups;  // that stand before the path

    bool symbol(std::string_view s) const { return kind == TokenKind::symbol && text == s; }
    bool word(std::string_view w) const { return kind == TokenKind::identifier && text == w; }
};

class Lexer {
  public:
    // `text` must outlive the lexer and its tokens.
    // With `parts`, ".4.2" is a path without a segment.
    explicit Lexer(std::string_view text, bool parts = false) : text_(text), parts_(parts) {}
    // Errors: "bad_token" with place "column N".
    Result<Token> next();

  private:
    Result<void> skip_blank();
    Result<Token> quoted(char quote);
    Result<void> escape(std::string& out);
    Token number();
    Token part();
    Result<Token> word();
    Result<Token> symbol();
    Result<Token> moment();
    Result<Token> environment();
    Token token(TokenKind kind, std::size_t begin) const;
    Error fail(std::size_t at, std::string what, std::string next = {}) const;
    Error bad_path(std::size_t begin) const;
    Result<std::size_t> groups(std::vector<hl7::GroupPath::Step>& found) const;

    std::string_view text_;
    std::size_t at_ = 0;
    bool parts_;
    bool after_dot_ = false;  // then a word is a member or function, never a path
};

// All tokens of a text, without the end; none when it has a mistake. For those who look for paths in it.
std::vector<Token> tokens_of(std::string_view text);

}  // namespace hilum::expression
