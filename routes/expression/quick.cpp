#include "routes/expression/quick.h"

#include <algorithm>
#include <limits>

#include "routes/expression/functions.h"
#include "routes/expression/program.h"

namespace hilum::expression {

namespace {

bool is_call(Node const& node, std::string_view name, std::size_t children) {
    return node.op == expression::Op::call && node.function->name == name && node.children.size() == children;
}

// The number of the segment that a path to the first of its name means; 0: there is none.
std::size_t segment_of(hl7::Path const& path, Context const& context) {
    auto const latest = context.latest ? context.latest->of(path.segment_name()) : 0;
    return latest != 0 ? latest : context.message->find(path.segment_name());
}

std::string_view value_at(hl7::Path const& path, Context const& context) {
    auto const* const latest = context.latest;
    if (latest && latest->is_here(path.segment_name()) && path.field != 0 && path.repetition == 1) {
        auto const& d = context.message->delimiters();
        auto found = latest->first_repetition(path.field, d);
        if (path.component != 0) found = found.piece(path.component, d);
        if (path.subcomponent != 0) found = found.piece(path.subcomponent, d);
        return found.raw;
    }
    return context.message->get_in(segment_of(path, context), path).raw;
}

char small(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
char capital(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

using Answer = Quick::Answer;

Answer answer(bool yes) {
    return yes ? Answer::yes : Answer::no;
}

}  // namespace

bool Quick::raw_at(hl7::Path const& path, Context const& context, std::string_view& raw) {
    auto const& message = *context.message;
    raw = {};
    if (path.segment[0] == '\0') {
        if (!context.part) return true;
        auto found = context.part->piece(path.component);
        if (path.subcomponent != 0) found = found.piece(path.subcomponent, message.delimiters());
        raw = found.raw;
    } else {
        raw = value_at(path, context);
    }
    if (raw.empty()) {
        raw = {};
        return true;
    }
    if (context.plain) return raw != "\"\"";
    auto const escape = message.delimiters().escape;
    return raw != "\"\"" && std::none_of(raw.begin(), raw.end(), [escape](char c) {
               return c == escape || static_cast<unsigned char>(c) >= 0x80 ||
                      static_cast<unsigned char>(c) < 0x20;
           });
}

std::unique_ptr<Quick const> Quick::of(Node const& root) {
    auto made = std::make_unique<Quick>();
    if (!read(root, made->root_)) return nullptr;
    return made;
}

std::vector<Expression::Need> Quick::needs() const {
    std::vector<Expression::Need> out;
    auto const add = [&out](Part const& part) {
        if (part.op == Op::equal && !part.upper) out.push_back({part.paths.front(), part.texts});
    };
    add(root_);
    if (root_.op == Op::both) std::for_each(root_.children.begin(), root_.children.end(), add);
    return out;
}

bool Quick::read(Node const& node, Part& out) {
    switch (node.op) {
        case expression::Op::both:
        case expression::Op::either:
            out.op = node.op == expression::Op::both ? Op::both : Op::either;
            // Up to the first that the evaluator has to decide, those before it may do.
            for (auto const& child : node.children) {
                if (read(child, out.children.emplace_back())) continue;
                out.children.back() = {};
                out.children.back().op = Op::other;
                break;
            }
            return out.children.front().op != Op::other;
        case expression::Op::equal:
        case expression::Op::not_equal:
        case expression::Op::in:
        case expression::Op::equivalent:
        case expression::Op::not_equivalent:
        case expression::Op::less:
        case expression::Op::less_equal:
        case expression::Op::greater:
        case expression::Op::greater_equal:
            return read_count(node, out) || read_truth(node, out) || read_comparison(node, out);
        case expression::Op::call:
            return read_call(node, out);
        default:
            return false;
    }
}

// "(...) ~ true" and "!~ true" ask whether something holds, be it that it is empty.
bool Quick::read_truth(Node const& node, Part& out) {
    if (node.op != expression::Op::equivalent && node.op != expression::Op::not_equivalent) return false;
    auto const& right = node.children[1];
    bool const to_true = right.op == expression::Op::constant && right.constant.size() == 1 &&
                         right.constant.front().type() == Type::boolean && right.constant.front().boolean();
    if (!to_true) return false;
    out.op = node.op == expression::Op::equivalent ? Op::is_true : Op::is_not_true;
    return read(node.children[0], out.children.emplace_back());
}

// "OBX-5[*].count() > 1"
bool Quick::read_count(Node const& node, Part& out) {
    constexpr auto most = std::numeric_limits<std::size_t>::max();
    if (!is_call(node.children[0], "count", 1)) return false;
    auto const& input = node.children[0].children[0];
    auto const& right = node.children[1];
    if (input.op != expression::Op::path || input.verbatim) return false;
    bool const segments = input.path.field == 0 && input.path.occurrence == hl7::Path::all;
    bool const repetitions =
        input.path.field != 0 && input.path.occurrence == 1 && input.path.repetition == hl7::Path::all;
    bool const number = right.op == expression::Op::constant && right.constant.size() == 1 &&
                        right.constant.front().type() == Type::integer &&
                        right.constant.front().integer() >= 0;
    if (!(segments || repetitions) || !number) return false;
    auto const n = static_cast<std::size_t>(right.constant.front().integer());
    switch (node.op) {
        case expression::Op::equal:
            out.least = out.most = n;
            break;
        case expression::Op::less:
            if (n == 0) return false;
            out.most = n - 1;
            break;
        case expression::Op::less_equal:
            out.most = n;
            break;
        case expression::Op::greater:
            out.least = n + 1;
            out.most = most;
            break;
        case expression::Op::greater_equal:
            out.least = n;
            out.most = most;
            break;
        default:
            return false;
    }
    out.op = Op::counted;
    out.paths.push_back(input.path);
    return true;
}

bool Quick::read_comparison(Node const& node, Part& out) {
    switch (node.op) {
        case expression::Op::equal:
        case expression::Op::in:
            out.op = Op::equal;
            break;
        case expression::Op::not_equal:
            out.op = Op::not_equal;
            break;
        case expression::Op::equivalent:
            out.op = Op::equivalent;
            break;
        case expression::Op::not_equivalent:
            out.op = Op::not_equivalent;
            break;
        default:
            return false;
    }
    out.upper = is_call(node.children[0], "upper", 1);
    auto const& left = out.upper ? node.children[0].children[0] : node.children[0];
    return read_value(left, out) && read_texts(node.children[1], out.texts) &&
           (node.op == expression::Op::in || out.texts.size() == 1);
}

// One path of something that has a text.
bool Quick::read_value(Node const& node, Part& out) {
    return read_paths(node, out.paths) && out.paths.size() == 1 &&
           out.paths[0].component + out.paths[0].field != 0;
}

bool Quick::read_call(Node const& node, Part& out) {
    if (is_call(node, "not", 1)) {
        out.op = Op::negation;
        return read(node.children[0], out.children.emplace_back());
    }
    if (is_call(node, "startsWith", 2) || is_call(node, "contains", 2)) {
        out.op = node.function->name == "contains" ? Op::holds : Op::starts;
        return read_value(node.children[0], out) && read_texts(node.children[1], out.texts) &&
               out.texts.size() == 1;
    }
    if (is_call(node, "matches", 2)) {
        out.op = Op::matches;
        out.regex = node.regex;
        return node.regex && read_value(node.children[0], out);
    }
    bool const exists = is_call(node, "exists", 1);
    if (!exists && !is_call(node, "empty", 1)) return false;
    auto const& input = node.children[0];
    if (is_call(input, "where", 2)) {
        out.op = exists ? Op::among : Op::none_among;
        return read_where(input, out);
    }
    out.op = exists ? Op::exists : Op::empty;
    return read_paths(input, out.paths);
}

// PATH.where($this = 'x'), PATH.where($this in ('x' | 'y'))
bool Quick::read_where(Node const& node, Part& out) {
    auto const& criterion = node.children[1];
    // PATH.where($this != ''): what is not null.
    bool const not_null = criterion.op == expression::Op::not_equal &&
                          criterion.children[0].op == expression::Op::self &&
                          read_texts(criterion.children[1], out.texts) && out.texts.front().empty();
    if (not_null) {
        out.op = out.op == Op::among ? Op::some_text : Op::no_text;
        auto const& path = node.children[0];
        if (path.op != expression::Op::path || path.verbatim || path.path.occurrence != 1 ||
            path.path.field == 0)
            return false;
        out.paths.push_back(path.path);
        return true;
    }
    out.texts.clear();
    bool const compares = criterion.op == expression::Op::equal || criterion.op == expression::Op::in;
    if (!compares || criterion.children[0].op != expression::Op::self) return false;
    return read_value(node.children[0], out) && read_texts(criterion.children[1], out.texts);
}

bool Quick::read_paths(Node const& node, std::vector<hl7::Path>& out) {
    if (node.op == expression::Op::unite)
        return std::all_of(node.children.begin(), node.children.end(),
                           [&](Node const& child) { return read_paths(child, out); });
    bool const one = (node.op == expression::Op::path || node.op == expression::Op::part) && !node.verbatim &&
                     !node.path.many() && node.path.occurrence == 1;
    if (one) out.push_back(node.path);
    return one;
}

bool Quick::read_texts(Node const& node, std::vector<std::string>& out) {
    if (node.op != expression::Op::constant) return false;
    for (auto const& item : node.constant) {
        if (item.type() != Type::string || item.is_hl7()) return false;
        out.emplace_back(item.text());
    }
    return !out.empty();
}

Quick::Answer Quick::test(Part const& part, Context const& context) {
    switch (part.op) {
        case Op::both:
        case Op::either: {
            // `no` decides an and, `yes` an or; else what is unknown leaves all unknown.
            auto const decides = part.op == Op::both ? Answer::no : Answer::yes;
            bool unknown = false;
            for (auto const& child : part.children) {
                auto const one = test(child, context);
                if (one == decides || one == Answer::unsure) return one;
                unknown = unknown || one == Answer::unknown;
            }
            return unknown ? Answer::unknown : answer(part.op == Op::both);
        }
        case Op::negation:
        case Op::is_true:
        case Op::is_not_true: {
            auto const one = test(part.children.front(), context);
            if (one == Answer::unsure) return one;
            if (part.op != Op::negation) return answer((one == Answer::yes) == (part.op == Op::is_true));
            return one == Answer::yes ? Answer::no : one == Answer::no ? Answer::yes : one;
        }
        case Op::exists:
        case Op::empty:
        case Op::counted:
            return test_paths(part, context);
        case Op::some_text:
        case Op::no_text:
            return test_some(part, context);
        case Op::other:
            return Answer::unsure;
        default:
            return test_text(part, context);
    }
}

Quick::Answer Quick::test_paths(Part const& part, Context const& context) {
    if (part.op != Op::counted) {
        // That something is there needs no decoding.
        bool const there = std::any_of(part.paths.begin(), part.paths.end(), [&](hl7::Path const& path) {
            std::string_view raw;
            raw_at(path, context, raw);
            return raw.data() != nullptr;
        });
        return answer(there == (part.op == Op::exists));
    }
    auto const& path = part.paths.front();
    auto const& message = *context.message;
    std::size_t count = 0;
    if (path.field == 0) {
        count = message.count(path.segment_name());
    } else {
        message.for_each_in(segment_of(path, context), path,
                            [&count](hl7::Value const& value) { count += value.raw.empty() ? 0 : 1; });
    }
    return answer(count >= part.least && count <= part.most);
}

Quick::Answer Quick::test_some(Part const& part, Context const& context) {
    auto const& path = part.paths.front();
    bool some = false;
    auto const look = [&some](hl7::Value const& value) {
        some = some || (!value.raw.empty() && value.raw != "\"\"");
    };
    if (!path.many()) {
        look({value_at(path, context), hl7::Presence::value});
    } else {
        context.message->for_each_in(segment_of(path, context), path, look);
    }
    return answer(some == (part.op == Op::some_text));
}

Quick::Answer Quick::test_text(Part const& part, Context const& context) {
    std::string_view raw;
    if (!raw_at(part.paths.front(), context, raw)) return Answer::unsure;
    bool const there = raw.data() != nullptr;
    if (part.op == Op::matches) return there ? answer(part.regex->search(raw)) : Answer::unknown;
    auto const& first = part.texts.front();
    switch (part.op) {
        case Op::starts:
            return there ? answer(raw.starts_with(first)) : Answer::unknown;
        case Op::holds:
            return there ? answer(raw.find(first) != raw.npos) : Answer::unknown;
        case Op::equivalent:
        case Op::not_equivalent: {
            // Without regard to case; white space is for the evaluator to weigh.
            if (part.upper || raw.find(' ') != raw.npos || first.find(' ') != first.npos)
                return Answer::unsure;
            bool const same = there && raw.size() == first.size() &&
                              std::equal(raw.begin(), raw.end(), first.begin(),
                                         [](char a, char b) { return small(a) == small(b); });
            return answer(same == (part.op == Op::equivalent));
        }
        default:
            break;
    }
    bool const found =
        there && std::any_of(part.texts.begin(), part.texts.end(), [&](std::string const& t) {
            if (!part.upper) return t == raw;
            return t.size() == raw.size() && std::equal(t.begin(), t.end(), raw.begin(),
                                                        [](char a, char b) { return a == capital(b); });
        });
    if (part.op == Op::among) return answer(found);
    if (part.op == Op::none_among) return answer(!found);
    if (!there) return Answer::unknown;
    return answer(found == (part.op == Op::equal));
}

}  // namespace hilum::expression
