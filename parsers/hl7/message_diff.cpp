#include "parsers/hl7/message_diff.h"

#include <algorithm>
#include <array>
#include <map>

#include "parsers/hl7/characters.h"

namespace hilum::hl7 {
namespace {

// Field, repetition, component, subcomponent: PID-8 and PID-8.1 are one value.
using Key = std::array<std::uint32_t, 4>;
using Values = std::map<Key, ValueView>;

Values values_of(SegmentView const& segment) {
    Values values;
    for (auto const& value : segment.values) {
        if (value.whole) continue;
        values[{value.field, value.repetition, std::max(value.component, 1U),
                std::max(value.subcomponent, 1U)}] = value;
    }
    // The delimiters say how a message is written, not what it says.
    if (header_name(segment.name)) {
        values.erase({1, 1, 1, 1});
        values.erase({2, 1, 1, 1});
    }
    return values;
}

struct Side {
    MessageView const& view;
    std::vector<Values> values;                               // by segment number less one
    std::map<std::string, std::vector<std::size_t>> by_name;  // numbers

    explicit Side(MessageView const& of) : view(of) {
        for (std::size_t n = 1; n <= of.segment_count(); ++n) {
            auto const segment = of.segment(n);
            values.push_back(values_of(segment));
            by_name[segment.name].push_back(n);
        }
    }
};

// A Set ID counts segments; that another one came before is no sign of another segment.
std::size_t distance(Values const& a, Values const& b) {
    std::size_t different = 0;
    auto const counts = [](ValueView const& value) {
        std::string_view const start = value.name.substr(0, 4);
        return start != "Set " && start != "SET ";
    };
    auto left = a.begin();
    auto right = b.begin();
    while (left != a.end() || right != b.end()) {
        if (right == b.end() || (left != a.end() && left->first < right->first)) {
            ++different, ++left;
        } else if (left == a.end() || right->first < left->first) {
            ++different, ++right;
        } else {
            bool const same = left->second.text == right->second.text;
            different += same || !counts(left->second) ? 0 : 1;
            ++left, ++right;
        }
    }
    return different;
}

// Pairs of segment numbers; 0 stands for none.
using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

Pairs by_order(std::vector<std::size_t> const& a, std::vector<std::size_t> const& b) {
    Pairs pairs;
    for (std::size_t i = 0; i < std::max(a.size(), b.size()); ++i)
        pairs.emplace_back(i < a.size() ? a[i] : 0, i < b.size() ? b[i] : 0);
    return pairs;
}

// The pairing of least cost that keeps the order: a pair costs its differing values, a segment alone its
// values and one more.
Pairs paired(Side const& first, std::vector<std::size_t> const& a, Side const& second,
             std::vector<std::size_t> const& b) {
    constexpr std::size_t pairs_max = 250'000;
    if (a.empty() || b.empty() || a.size() > pairs_max / b.size()) return by_order(a, b);
    auto const alone = [](Side const& side, std::size_t number) {
        return side.values[number - 1].size() + 1;
    };
    std::size_t const width = b.size() + 1;
    std::vector<std::size_t> cost((a.size() + 1) * width);
    std::vector<std::size_t> together((a.size() + 1) * width);
    for (std::size_t j = b.size(); j-- > 0;)
        cost[a.size() * width + j] = cost[a.size() * width + j + 1] + alone(second, b[j]);
    for (std::size_t i = a.size(); i-- > 0;) {
        cost[i * width + b.size()] = cost[(i + 1) * width + b.size()] + alone(first, a[i]);
        for (std::size_t j = b.size(); j-- > 0;) {
            std::size_t const at = i * width + j;
            together[at] = cost[at + width + 1] + distance(first.values[a[i] - 1], second.values[b[j] - 1]);
            cost[at] = std::min(
                {together[at], cost[at + width] + alone(first, a[i]), cost[at + 1] + alone(second, b[j])});
        }
    }
    Pairs pairs;
    std::size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
        std::size_t const at = i * width + j;
        if (i < a.size() && j < b.size() && cost[at] == together[at]) {
            pairs.emplace_back(a[i++], b[j++]);
        } else if (i < a.size() && cost[at] == cost[at + width] + alone(first, a[i])) {
            pairs.emplace_back(a[i++], 0);
        } else {
            pairs.emplace_back(0, b[j++]);
        }
    }
    return pairs;
}

void compare(Values const& a, Values const& b, std::vector<Difference>& out) {
    auto left = a.begin();
    auto right = b.begin();
    while (left != a.end() || right != b.end()) {
        bool const only_left = right == b.end() || (left != a.end() && left->first < right->first);
        bool const only_right = !only_left && (left == a.end() || right->first < left->first);
        Difference difference;
        if (!only_right) {
            difference.path = left->second.path;
            difference.name = left->second.name;
            difference.before = left->second.text;
        }
        if (!only_left) {
            if (only_right) difference.path = right->second.path;
            if (!only_right && right->second.path != left->second.path)
                difference.path_after = right->second.path;
            difference.name = difference.name.empty() ? right->second.name : difference.name;
            difference.after = right->second.text;
        }
        if (difference.before != difference.after) out.push_back(std::move(difference));
        if (!only_right) ++left;
        if (!only_left) ++right;
    }
}

Difference whole(Side const& side, std::size_t number, Difference::Kind kind) {
    Difference difference;
    difference.kind = kind;
    auto const segment = side.view.segment(number);
    difference.path = segment.path;
    difference.name = segment.title;
    (kind == Difference::Kind::added ? difference.after : difference.before) = side.view.line(number);
    return difference;
}

}  // namespace

std::string_view name(Difference::Kind kind) {
    switch (kind) {
        case Difference::Kind::changed:
            return "changed";
        case Difference::Kind::removed:
            return "removed";
        case Difference::Kind::added:
            return "added";
        case Difference::Kind::order:
            return "order";
    }
    return "";
}

std::vector<Difference> differences(MessageView const& first, MessageView const& second) {
    Side const a(first), b(second);
    Pairs pairs;
    static std::vector<std::size_t> const none;
    for (auto const& [segment, numbers] : a.by_name) {
        auto const other = b.by_name.find(segment);
        auto const found = paired(a, numbers, b, other == b.by_name.end() ? none : other->second);
        pairs.insert(pairs.end(), found.begin(), found.end());
    }
    for (auto const& [segment, numbers] : b.by_name) {
        if (a.by_name.contains(segment)) continue;
        for (std::size_t const n : numbers) pairs.emplace_back(0, n);
    }
    // Those of the first message in its order; what only the second has comes last, in its own.
    std::sort(pairs.begin(), pairs.end(), [](auto const& x, auto const& y) {
        auto const key = [](auto const& p) {
            return std::pair(p.first == 0, p.first == 0 ? p.second : p.first);
        };
        return key(x) < key(y);
    });
    std::vector<Difference> out;
    bool in_order = true;
    std::size_t last = 0;
    for (auto const& [left, right] : pairs) {
        if (left == 0) {
            out.push_back(whole(b, right, Difference::Kind::added));
        } else if (right == 0) {
            out.push_back(whole(a, left, Difference::Kind::removed));
        } else {
            compare(a.values[left - 1], b.values[right - 1], out);
            in_order = in_order && right > last;
            last = right;
        }
    }
    if (!in_order) {
        Difference order;
        order.kind = Difference::Kind::order;
        out.push_back(std::move(order));
    }
    return out;
}

}  // namespace hilum::hl7
