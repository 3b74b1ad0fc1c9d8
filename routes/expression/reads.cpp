// What a condition has read, for people at the desk: `explain` and failing route tests.
#include <algorithm>

#include "routes/expression/evaluator.h"
#include "routes/expression/expression.h"

namespace hilum::expression {
namespace {

constexpr std::size_t reads_max = 50;
constexpr std::size_t values_max = 10;  // of one path

// The operand of a top-level `and` that does not hold, or the whole.
Node const& failing_part(Program const& program, Context const& context) {
    if (program.root.op != Op::both) return program.root;
    for (auto const& operand : program.root.children) {
        Storage storage;
        Evaluation evaluation(context, storage);
        Truth value = Truth::unknown;
        if (!evaluation.evaluate_condition(operand, Frame{}, value) || value != Truth::yes) return operand;
    }
    return program.root;
}

}  // namespace

std::string Read::text() const {
    std::string out = path + " is ";
    if (values.empty()) return out + "empty";
    for (std::size_t i = 0; i < values.size(); ++i)
        out += (i == 0 ? "" : " | ") + config::in_quotes(values[i]);
    return out + (more ? " ..." : "");
}

bool Expression::reads_answer() const {
    if (!program_) return false;
    std::vector<Node const*> waiting{&program_->root};
    while (!waiting.empty()) {
        Node const& node = *waiting.back();
        waiting.pop_back();
        if (node.op == Op::environment && node.name == "answer") return true;
        for (auto const& child : node.children) waiting.push_back(&child);
    }
    return false;
}

std::vector<Read> Expression::reads(Context const& context) const {
    std::vector<Read> out;
    if (!program_) return out;
    std::vector<Node const*> waiting{&failing_part(*program_, context)};
    while (!waiting.empty() && out.size() < reads_max) {
        Node const& node = *waiting.back();
        waiting.pop_back();
        for (auto child = node.children.rbegin(); child != node.children.rend(); ++child)
            waiting.push_back(&*child);
        if (node.op != Op::path && node.op != Op::group_path) continue;
        Read read;
        read.path = program_->source.substr(node.begin, node.end - node.begin);
        if (std::any_of(out.begin(), out.end(), [&](Read const& r) { return r.path == read.path; })) continue;
        Storage storage;
        Evaluation evaluation(context, storage);
        Collection values;
        if (!evaluation.evaluate(node, Frame{}, values)) continue;
        read.more = values.size() > values_max;
        for (auto const& item : values) {
            if (read.values.size() < values_max) read.values.push_back(item.to_text());
        }
        out.push_back(std::move(read));
    }
    return out;
}

}  // namespace hilum::expression
