// Conditions that only compare fields of HL7 v2 with texts, which is most of them: tried on the message's own
// bytes, without building collections. What they can't be sure of, the evaluator decides.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/path.h"
#include "routes/expression/expression.h"
#include "routes/expression/regex.h"
#include "routes/expression/value.h"

namespace hilum::expression {

struct Node;

class Quick {
  public:
    // nullptr: it does more than that.
    static std::unique_ptr<Quick const> of(Node const& root);

    std::vector<Expression::Need> needs() const;

    enum class Answer : unsigned char { no, yes, unknown, unsure };
    Answer test(Context const& context) const { return test(root_, context); }

    // What stands at a path, as it came; data() == nullptr: nothing. False: it has to be decoded first.
    static bool raw_at(hl7::Path const& path, Context const& context, std::string_view& raw);

  private:
    enum class Op : unsigned char {
        exists,
        empty,
        equal,
        not_equal,
        equivalent,
        not_equivalent,
        among,
        none_among,
        some_text,
        no_text,
        starts,
        holds,
        matches,
        counted,
        both,
        either,
        negation,
        is_true,
        is_not_true,
        other,  // the evaluator's
    };
    struct Part {
        Op op = Op::exists;
        std::vector<hl7::Path> paths;  // exists and empty: of any of them
        std::vector<std::string> texts;
        std::shared_ptr<Regex const> regex;
        bool upper = false;               // what stands there is compared in capitals
        std::size_t least = 0, most = 0;  // of counted
        std::vector<Part> children;
    };

    static bool read(Node const& node, Part& out);
    static bool read_paths(Node const& node, std::vector<hl7::Path>& out);
    static bool read_texts(Node const& node, std::vector<std::string>& out);
    static bool read_value(Node const& node, Part& out);
    static bool read_call(Node const& node, Part& out);
    static bool read_where(Node const& node, Part& out);
    static bool read_comparison(Node const& node, Part& out);
    static bool read_count(Node const& node, Part& out);
    static bool read_truth(Node const& node, Part& out);
    static Answer test_paths(Part const& part, Context const& context);
    static Answer test_some(Part const& part, Context const& context);
    static Answer test_text(Part const& part, Context const& context);
    static Answer test(Part const& part, Context const& context);

    Part root_;
};

}  // namespace hilum::expression
