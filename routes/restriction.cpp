#include "routes/restriction.h"

#include <span>
#include <vector>

#include "routes/expression/lexer.h"

namespace hilum::routes {
namespace {

using expression::Token;
using expression::TokenKind;
using Clause = std::span<Token const>;

// The operands of a top-level `and`; none when something that binds more weakly stands there.
std::vector<Clause> clauses(std::vector<Token> const& tokens) {
    std::vector<Clause> out;
    std::size_t begin = 0, depth = 0;
    for (std::size_t i = 0; i <= tokens.size(); ++i) {
        if (i < tokens.size()) {
            Token const& token = tokens[i];
            if (token.symbol("(") || token.symbol("[")) ++depth;
            if ((token.symbol(")") || token.symbol("]")) && depth > 0) --depth;
            if (depth > 0) continue;
            if (token.word("or") || token.word("xor") || token.word("implies")) return {};
            if (!token.word("and")) continue;
        }
        out.push_back(Clause(tokens).subspan(begin, i - begin));
        begin = i + 1;
    }
    return out;
}

// The texts that 'A', ('A') or ('A' | 'B') stand for; none when it is anything else.
std::vector<std::string> texts(Clause clause) {
    if (clause.size() > 2 && clause.front().symbol("(") && clause.back().symbol(")"))
        clause = clause.subspan(1, clause.size() - 2);
    std::vector<std::string> out;
    for (std::size_t i = 0; i < clause.size(); ++i) {
        bool const is_text = clause[i].kind == TokenKind::string;
        if (i % 2 == 0 ? !is_text : !clause[i].symbol("|")) return {};
        if (is_text) out.push_back(clause[i].value);
    }
    return clause.size() % 2 == 1 ? out : std::vector<std::string>();
}

bool is_header(Token const& token, std::uint32_t field, std::uint32_t component) {
    return token.kind == TokenKind::path && token.groups.empty() && token.path.segment_name() == "MSH" &&
           token.path.field == field && token.path.component == component && token.path.subcomponent <= 1;
}

void read(Clause clause, Restriction& out) {
    if (clause.size() < 3 || !(clause[1].symbol("=") || clause[1].word("in"))) return;
    Token const* path = &clause[0];
    auto allowed = texts(clause.subspan(2));
    if (clause.size() == 3 && clause[1].symbol("=") && clause[2].kind == TokenKind::path) {
        path = &clause[2];
        allowed = texts(clause.first(1));
    }
    if (allowed.empty() || (clause[1].symbol("=") && allowed.size() > 1)) return;
    if (is_header(*path, 9, 1)) {
        out.types.insert(allowed.begin(), allowed.end());
    } else if (is_header(*path, 9, 2)) {
        out.events.insert(allowed.begin(), allowed.end());
    } else if ((is_header(*path, 12, 0) || is_header(*path, 12, 1)) && allowed.size() == 1) {
        out.version = hl7::version_named(allowed.front());
    }
}

}  // namespace

Restriction restriction_of(std::string_view when) {
    Restriction out;
    auto const tokens = expression::tokens_of(when);
    for (Clause const clause : clauses(tokens)) read(clause, out);
    return out;
}

std::optional<SegmentNames> segments_of(hl7::Dictionary const& dictionary, std::string_view type,
                                        std::string_view event, std::optional<hl7::Version> version) {
    std::optional<SegmentNames> out;
    for (std::size_t i = 0; i < hl7::version_count; ++i) {
        if (version && static_cast<std::size_t>(*version) != i) continue;
        auto const structure = dictionary.structure(static_cast<hl7::Version>(i), type, event);
        if (!structure) continue;
        if (!out) out.emplace();
        for (std::size_t n = 0; n < structure->size(); ++n) {
            if (!structure->node(n).group) out->emplace(structure->node(n).name);
        }
    }
    return out;
}

}  // namespace hilum::routes
