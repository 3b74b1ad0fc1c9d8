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
        if (!evaluation.run_condition(program, operand, value) || value != Truth::yes) return operand;
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

std::vector<hl7::Path> Expression::paths() const {
    std::vector<hl7::Path> out;
    if (!program_) return out;
    std::vector<Node const*> waiting{&program_->root};
    while (!waiting.empty()) {
        Node const& node = *waiting.back();
        waiting.pop_back();
        if (node.op == Op::path || node.op == Op::group_path || node.op == Op::part) out.push_back(node.path);
        for (auto const& child : node.children) waiting.push_back(&child);
    }
    return out;
}

std::vector<Read> Expression::reads(Context const& context) const {
    std::vector<Read> out;
    if (!program_) return out;
    struct Waiting {
        Node const* node;
        bool argument;  // of a function: what names stand for there is the function's to say
    };
    std::vector<Waiting> waiting{{&failing_part(*program_, context), false}};
    while (!waiting.empty() && out.size() < reads_max) {
        auto const [at, argument] = waiting.back();
        Node const& node = *at;
        waiting.pop_back();
        // An element of a resource is named by all that leads to it.
        bool const element = node.op == Op::member && !argument;
        for (auto i = element ? 0 : node.children.size(); i-- > 0;)
            waiting.push_back({&node.children[i], argument || (node.op == Op::call && i > 0)});
        if (node.op != Op::path && node.op != Op::group_path && !element) continue;
        Read read;
        read.path = program_->source.substr(node.begin, node.end - node.begin);
        if (std::any_of(out.begin(), out.end(), [&](Read const& r) { return r.path == read.path; })) continue;
        Storage storage;
        Evaluation evaluation(context, storage);
        Collection values;
        if (!evaluation.run(*program_, node, values)) continue;
        read.more = values.size() > values_max;
        for (auto const& item : values) {
            if (read.values.size() < values_max) read.values.push_back(item.to_text());
        }
        out.push_back(std::move(read));
    }
    return out;
}

}  // namespace hilum::expression
