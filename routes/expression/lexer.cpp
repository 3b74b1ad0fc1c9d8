#include "routes/expression/lexer.h"

#include <algorithm>
#include <utility>

#include "routes/expression/hints.h"
#include "routes/expression/temporal.h"

namespace hilum::expression {
namespace {

bool digit(char c) {
    return c >= '0' && c <= '9';
}
bool letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool upper_letter(char c) {
    return c >= 'A' && c <= 'Z';
}

void append_utf8(std::string& out, unsigned code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0U | code >> 6U);
        out += static_cast<char>(0x80U | (code & 0x3fU));
    } else if (code < 0x10000) {
        out += static_cast<char>(0xe0U | code >> 12U);
        out += static_cast<char>(0x80U | (code >> 6U & 0x3fU));
        out += static_cast<char>(0x80U | (code & 0x3fU));
    } else {
        out += static_cast<char>(0xf0U | code >> 18U);
        out += static_cast<char>(0x80U | (code >> 12U & 0x3fU));
        out += static_cast<char>(0x80U | (code >> 6U & 0x3fU));
        out += static_cast<char>(0x80U | (code & 0x3fU));
    }
}

// Four hex digits at the start of `text`; -1 when there are none.
int hex4(std::string_view text) {
    if (text.size() < 4) return -1;
    int value = 0;
    for (char const c : text.substr(0, 4)) {
        int const d = digit(c)               ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
        if (d < 0) return -1;
        value = value * 16 + d;
    }
    return value;
}

}  // namespace

Error Lexer::fail(std::size_t at, std::string what, std::string next) const {
    return error("bad_token", "column " + std::to_string(at + 1), std::move(what), std::move(next));
}

Token Lexer::token(TokenKind kind, std::size_t begin) const {
    Token t;
    t.kind = kind;
    t.begin = begin;
    t.end = at_;
    t.text = text_.substr(begin, at_ - begin);
    return t;
}

Result<void> Lexer::skip_blank() {
    while (at_ < text_.size()) {
        auto const rest = text_.substr(at_);
        if (rest[0] == ' ' || (rest[0] >= '\t' && rest[0] <= '\r')) {
            ++at_;
        } else if (rest.starts_with("//")) {
            at_ = std::min(text_.find('\n', at_), text_.size());
        } else if (rest.starts_with("/*")) {
            auto const end = text_.find("*/", at_ + 2);
            if (end == std::string_view::npos)
                return fail(at_, "a comment that never ends", "close it with */");
            at_ = end + 2;
        } else {
            break;
        }
    }
    return {};
}

Result<Token> Lexer::next() {
    if (auto skipped = skip_blank(); !skipped) return skipped.error();
    bool const member = std::exchange(after_dot_, false);
    if (at_ >= text_.size()) return token(TokenKind::end, at_);
    char const c = text_[at_];
    if (c == '\'' || c == '`') return quoted(c);
    if (c == '"')
        return fail(at_, "a double quote begins nothing here", "strings stand in single quotes: 'ADT'");
    if (digit(c)) return number();
    if (parts_ && c == '.' && at_ + 1 < text_.size() && digit(text_[at_ + 1])) return part();
    if (letter(c)) {
        if (!member) return word();
        std::size_t const begin = at_;
        while (at_ < text_.size() && (letter(text_[at_]) || digit(text_[at_]))) ++at_;
        return token(TokenKind::identifier, begin);
    }
    if (c == '$') {
        std::size_t const begin = at_++;
        while (at_ < text_.size() && letter(text_[at_])) ++at_;
        auto t = token(TokenKind::variable, begin);
        if (t.text == "$this" || t.text == "$index" || t.text == "$total") return t;
        return fail(begin, "no variable is called " + std::string(t.text),
                    "there are $this and $index, and $total in aggregate()");
    }
    if (c == '@') return moment();
    if (c == '%' && at_ + 1 < text_.size() &&
        (letter(text_[at_ + 1]) || text_[at_ + 1] == '`' || text_[at_ + 1] == '\''))
        return environment();
    auto t = symbol();
    if (t) after_dot_ = t->symbol(".");
    return t;
}

// One character of an escape sequence has been seen: the backslash (N1 §4.1.2).
Result<void> Lexer::escape(std::string& out) {
    std::size_t const begin = at_++;
    char const c = at_ < text_.size() ? text_[at_] : '\0';
    static constexpr std::string_view from = "'\"`\\/rntf";
    static constexpr std::string_view to = "'\"`\\/\r\n\t\f";
    if (auto const i = from.find(c); c != '\0' && i != std::string_view::npos) {
        out += to[i];
        ++at_;
        return {};
    }
    if (c != 'u')
        return fail(begin, "no such escape sequence",
                    R"(there are \' \" \` \\ \/ \r \n \t \f and \uXXXX; a backslash itself is written \\)");
    int const first = hex4(text_.substr(at_ + 1));
    if (first < 0) return fail(begin, "\\u needs four hexadecimal digits", "write it like \\u00e4");
    at_ += 5;
    auto code = static_cast<unsigned>(first);
    if (code >= 0xd800 && code < 0xdc00 && text_.substr(at_).starts_with("\\u")) {
        int const second = hex4(text_.substr(at_ + 2));
        if (second >= 0xdc00 && second < 0xe000) {
            code = 0x10000 + ((code - 0xd800) << 10U) + (static_cast<unsigned>(second) - 0xdc00);
            at_ += 6;
        }
    }
    if (code >= 0xd800 && code < 0xe000)
        return fail(begin, "half of a surrogate pair is no character", "write both halves");
    append_utf8(out, code);
    return {};
}

Result<Token> Lexer::quoted(char quote) {
    std::size_t const begin = at_++;
    std::string value;
    while (at_ < text_.size() && text_[at_] != quote) {
        if (text_[at_] != '\\') {
            value += text_[at_++];
        } else if (auto escaped = escape(value); !escaped) {
            return escaped.error();
        }
    }
    if (at_ >= text_.size()) {
        if (quote == '`') return fail(begin, "a name that never ends", "close it with `");
        return fail(begin, "a string that never ends",
                    "close it with a single quote; one inside a string is written \\'");
    }
    ++at_;
    auto t = token(quote == '\'' ? TokenKind::string : TokenKind::delimited, begin);
    t.value = std::move(value);
    return t;
}

Token Lexer::number() {
    std::size_t const begin = at_;
    while (at_ < text_.size() && digit(text_[at_])) ++at_;
    if (at_ + 1 < text_.size() && text_[at_] == '.' && digit(text_[at_ + 1])) {
        ++at_;
        while (at_ < text_.size() && digit(text_[at_])) ++at_;
    }
    return token(TokenKind::number, begin);
}

// ".4", ".4.2": the grammar has nothing else that begins so.
Token Lexer::part() {
    std::size_t const begin = at_;
    hl7::Path path;
    for (auto* const number : {&path.component, &path.subcomponent}) {
        if (at_ + 1 >= text_.size() || text_[at_] != '.' || !digit(text_[at_ + 1])) break;
        ++at_;
        while (at_ < text_.size() && digit(text_[at_])) {
            auto const next = *number * 10 + static_cast<std::uint32_t>(text_[at_++] - '0');
            *number = std::min(next, hl7::Path::largest);
        }
    }
    auto t = token(TokenKind::path, begin);
    t.path = path;
    return t;
}

// "@2014-01-25T14:30:14.559+10:00", "@2014", "@T14:30" (N1 §4.1.6 to §4.1.8).
Result<Token> Lexer::moment() {
    std::size_t const begin = at_++;
    auto const digits = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i)
            if (at_ + i >= text_.size() || !digit(text_[at_ + i])) return false;
        at_ += count;
        return true;
    };
    // A separator is taken only together with the digits it announces: "@2014-01-01.precision()".
    auto const part = [&](char separator, std::size_t count) {
        if (at_ >= text_.size() || text_[at_] != separator) return false;
        auto const back = at_++;
        if (digits(count)) return true;
        at_ = back;
        return false;
    };
    TokenKind kind = TokenKind::date;
    bool const dated = digits(4);
    if (dated && part('-', 2)) part('-', 2);
    if (at_ < text_.size() && text_[at_] == 'T') {
        ++at_;
        kind = dated ? TokenKind::date_time : TokenKind::time;
        if (digits(2) && part(':', 2) && part(':', 2) && part('.', 1))
            while (digits(1)) continue;
        if (at_ < text_.size() && text_[at_] == 'Z') {
            ++at_;
        } else if (part('+', 2) || part('-', 2)) {
            part(':', 2);
        }
    }
    auto t = token(kind, begin);
    auto const text = t.text.substr(1);
    bool const right = kind == TokenKind::time
                           ? Temporal::time(text.substr(std::min<std::size_t>(1, text.size()))).has_value()
                       : kind == TokenKind::date_time ? Temporal::date_time(text).has_value()
                                                      : Temporal::date(text).has_value();
    if (right) return t;
    return fail(begin, "no date or time is written like this",
                "such as @2014-01-25, @2014-01-25T14:30:00+01:00 or @T14:30");
}

// "%resource", "%`ext-patient-birthTime`", "%'ext-…'"
Result<Token> Lexer::environment() {
    std::size_t const begin = at_++;
    if (!letter(text_[at_])) {
        auto name = quoted(text_[at_]);
        if (!name) return name;
        name->kind = TokenKind::environment;
        name->begin = begin;
        return name;
    }
    while (at_ < text_.size() && (letter(text_[at_]) || digit(text_[at_]))) ++at_;
    auto t = token(TokenKind::environment, begin);
    t.value = t.text.substr(1);
    return t;
}

// Says what is wrong with the path that begins at `begin`.
Error Lexer::bad_path(std::size_t begin) const {
    std::size_t end = begin;
    int open = 0;
    for (; end < text_.size() && end - begin < 60; ++end) {
        char const c = text_[end];
        if (c == '[') ++open;
        if (c == ']' && --open < 0) break;
        if (open > 0 && c != '\n') continue;
        if (!letter(c) && !digit(c) && c != '-' && c != '.' && c != ']') break;
    }
    auto text = text_.substr(begin, end - begin);
    // A function behind the path is no part of it: "pid-3.upper()".
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == '.' && letter(text[i + 1])) {
            text = text.substr(0, i);
            break;
        }
    }
    while (text.ends_with('.') || text.ends_with('-')) text.remove_suffix(1);
    auto const parsed = hl7::Path::parse(text);
    auto const column = parsed ? 1 : column_of(parsed.error().place);
    auto const what = parsed ? "no such path" : parsed.error().what;
    auto const next = parsed ? std::string() : parsed.error().next;
    auto e = fail(begin + std::min(column, text.size() + 1) - 1, "\"" + std::string(text) + "\": " + what,
                  path_remedy(text, next));
    e.code = "bad_path";
    return e;
}

// The groups before a path; a name that no version of the standard has is an error here.
Result<std::size_t> Lexer::groups(std::vector<hl7::GroupPath::Step>& found) const {
    std::size_t const length = hl7::GroupPath::parse_groups(text_.substr(at_), found);
    for (auto const& step : found) {
        if (hl7::Dictionary::standard().is_group(step.name)) continue;
        auto e = fail(at_ + step.column - 1, no_group(step.name), group_remedy(step.name));
        e.code = "unknown_group";
        return e;
    }
    return length;
}

// A path, or a word. What looks like a path but is none is an error here, for "PID-0" would else read as PID
// minus 0.
Result<Token> Lexer::word() {
    std::size_t const start = at_;
    std::vector<hl7::GroupPath::Step> qualifiers;
    auto const lead = groups(qualifiers);
    if (!lead) return lead.error();
    std::size_t const begin = at_ + *lead;
    auto const rest = text_.substr(begin);
    auto const after = [&](std::size_t n) { return begin + n < text_.size() ? text_[begin + n] : '\0'; };
    auto const prefix = hl7::Path::parse_prefix(rest);
    std::size_t length = prefix.length;
    hl7::Path path = prefix.path;
    std::size_t name = 0;
    while (letter(after(name)) || digit(after(name))) ++name;
    if (length == 0 && name == 3 && after(3) == '.' && letter(after(4))) {
        // "OBX.exists()": the segment as the input of a function.
        if (auto whole = hl7::Path::parse(rest.substr(0, 3))) {
            path = *whole;
            length = 3;
        }
    }
    if (length > 0) {
        bool const more = after(length) == '[' || (after(length) == '.' && digit(after(length + 1))) ||
                          letter(after(length)) || digit(after(length)) ||
                          (path.field == 0 && after(length) == '-' && digit(after(length + 1)));
        if (more) return bad_path(begin);
        at_ = begin + length;
        auto t = token(TokenKind::path, start);
        t.path = path;
        t.groups = std::move(qualifiers);
        return t;
    }
    if (*lead > 0) return bad_path(begin);
    bool const hyphen = after(name) == '-' && digit(after(name + 1)) && name <= 4;
    bool const segment = (name == 3 || name == 4) &&
                         std::all_of(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(name),
                                     [](char c) { return upper_letter(c) || digit(c); });
    bool const index = after(name) == '[' && segment;
    bool const point = after(name) == '.' && digit(after(name + 1));
    if (hyphen || index || (point && name <= 4)) return bad_path(begin);
    at_ += name;
    return token(TokenKind::identifier, begin);
}

Result<Token> Lexer::symbol() {
    struct Wrong {
        std::string_view text;
        std::string_view next;
    };
    static constexpr Wrong wrong[] = {{"==", "did you mean =?"},           {"<>", "did you mean !=?"},
                                      {"=>", "did you mean >=?"},          {"=<", "did you mean <=?"},
                                      {"&&", "did you mean and?"},         {"||", "did you mean or?"},
                                      {"**", "there is no power operator"}};
    auto const rest = text_.substr(at_);
    for (auto const& w : wrong)
        if (rest.starts_with(w.text))
            return fail(at_, "no operator is written " + std::string(w.text), std::string(w.next));
    for (std::string_view const two : {"!=", "!~", "<=", ">="}) {
        if (!rest.starts_with(two)) continue;
        at_ += 2;
        return token(TokenKind::symbol, at_ - 2);
    }
    if (std::string_view("()[]{},.=~<>+-*/&|").find(rest[0]) != std::string_view::npos) {
        ++at_;
        return token(TokenKind::symbol, at_ - 1);
    }
    if (rest[0] == '!')
        return fail(at_, "there is no operator !", "write the condition in parentheses and .not() behind it");
    if (rest[0] == '%')
        return fail(at_, "there is no operator %", "the remainder of a division is written mod");
    auto const byte = static_cast<unsigned char>(rest[0]);
    if (byte < 0x20 || byte >= 0x7f)
        return fail(at_, "a character that means nothing here",
                    "text stands in single quotes; check for typographic quotes");
    std::string what = "the character ";
    what += rest[0];
    return fail(at_, what + " means nothing here", "text stands in single quotes");
}

std::vector<Token> tokens_of(std::string_view text) {
    std::vector<Token> out;
    Lexer lexer(text);
    while (true) {
        auto token = lexer.next();
        if (!token) return {};
        if (token->kind == TokenKind::end) return out;
        out.push_back(std::move(*token));
    }
}

}  // namespace hilum::expression
