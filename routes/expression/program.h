// The compiled expression: a tree of nodes, built by the parser, walked by the evaluator. Never changed after
// that.
#pragma once

#include <cstdint>
#include <forward_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/group_path.h"
#include "routes/expression/regex.h"
#include "routes/expression/value.h"

namespace hilum::expression {

struct Function;

enum class Op : unsigned char {
    constant,    // `constant`
    path,        // `path` in the message
    group_path,  // the same through groups
    self,        // $this
    index,       // $index
    call,        // children[0] is the input, the rest are arguments
    item,        // children[0][children[1]]
    negate,
    multiply,
    divide,
    whole_divide,
    modulo,
    add,
    subtract,
    concatenate,  // two or more children
    unite,        // two or more children
    less,
    less_equal,
    greater,
    greater_equal,
    equal,
    not_equal,
    equivalent,
    not_equivalent,
    in,
    contains,
    both,    // and: two or more children
    either,  // or: two or more children
    exclusive,
    implies,
};

struct Node {
    Op op = Op::constant;
    std::uint32_t begin = 0;  // byte offsets in the source
    std::uint32_t end = 0;
    std::uint32_t at = 0;     // of the operator, bracket or function name: where an error points
    std::uint32_t depth = 1;  // levels from here down
    std::vector<Node> children;
    Collection constant;
    hl7::Path path;
    std::shared_ptr<hl7::GroupPath const> group_path;
    bool verbatim = false;  // path: MSH-1 and MSH-2 are never unescaped
    Function const* function = nullptr;
    std::shared_ptr<Regex const> regex;  // call of matches() with a literal pattern
};

// What strings and decimals of constants and results are kept in; addresses are stable.
struct Storage {
    std::forward_list<std::string> texts;
    std::forward_list<Decimal> decimals;

    std::string_view keep(std::string text) { return texts.emplace_front(std::move(text)); }
    Decimal const* keep(Decimal const& decimal) { return &decimals.emplace_front(decimal); }
};

class Program {
  public:
    std::string source;
    Storage storage;
    Node root;
    std::vector<std::string>
        clauses;  // the operands of a top-level `and` as written, white space squeezed; else the whole
};

}  // namespace hilum::expression
