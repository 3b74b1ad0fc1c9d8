// The compiled expression: a tree of nodes, built by the parser, walked by the evaluator. Never changed after
// that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/group_path.h"
#include "routes/expression/quick.h"
#include "routes/expression/regex.h"
#include "routes/expression/value.h"

namespace hilum::expression {

struct Function;

enum class Op : unsigned char {
    constant,     // `constant`
    path,         // `path` in the message
    group_path,   // the same through groups
    part,         // `path`, without a segment, in the part that a map is about
    member,       // children[0].`name`
    self,         // $this
    index,        // $index
    total,        // $total
    environment,  // %`name`
    is_type,      // children[0] is `type`
    as_type,      // children[0] as `type`
    call,         // children[0] is the input, the rest are arguments
    item,         // children[0][children[1]]
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

// What stands behind `is`, `as` and in ofType(). A name without namespace may be of both.
struct TypeName {
    std::optional<Type> system;
    fhir::Type fhir;
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
    std::string name;  // member, environment
    TypeName type;  // is_type, as_type; call of ofType(); member: it may be the type of what it is asked of
    bool verbatim = false;  // path: MSH-1 and MSH-2 are never unescaped
    Function const* function = nullptr;
    std::shared_ptr<Regex const> regex;  // call of matches() with a literal pattern
};

class Program {
  public:
    std::unique_ptr<Quick const> quick;  // null: the evaluator has to do it
    bool fhir = false;                   // $this at the outermost is the context's element
    std::string source;
    Storage storage;
    Node root;
    std::vector<std::string>
        clauses;  // the operands of a top-level `and` as written, white space squeezed; else the whole
};

}  // namespace hilum::expression
