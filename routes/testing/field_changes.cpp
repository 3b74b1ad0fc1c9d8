#include "routes/testing/field_changes.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <vector>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/message.h"
#include "routes/testing/compare.h"

namespace hilum::testing {
namespace {

using Found = std::function<void(std::string_view, FieldChange)>;

using Lines = std::vector<std::string_view>;

// The segments of one name in both messages.
struct Named {
    Lines before, after;
};
using ByName = std::map<std::string_view, Named>;

ByName by_name(hl7::Message const& a, hl7::Message const& b) {
    ByName out;
    for (std::size_t n = 1; n <= a.segment_count(); ++n)
        out[a.segment(n).substr(0, 3)].before.push_back(a.segment(n));
    for (std::size_t n = 1; n <= b.segment_count(); ++n)
        out[b.segment(n).substr(0, 3)].after.push_back(b.segment(n));
    return out;
}

// Leaves out, in order, what both have alike. False when that would be too much work.
bool leave_out_equal(Named& named) {
    constexpr std::size_t pairs_max = 250'000;
    auto& [before, after] = named;
    if (!after.empty() && before.size() > pairs_max / after.size()) return false;
    Lines rest_before, rest_after;
    std::size_t next = 0;
    for (auto const line : before) {
        auto const at = std::find(after.begin() + static_cast<std::ptrdiff_t>(next), after.end(), line);
        if (at == after.end()) {
            rest_before.push_back(line);
            continue;
        }
        auto const found = static_cast<std::size_t>(at - after.begin());
        for (; next < found; ++next) rest_after.push_back(after[next]);
        ++next;
    }
    for (; next < after.size(); ++next) rest_after.push_back(after[next]);
    before = std::move(rest_before);
    after = std::move(rest_after);
    return true;
}

// The names of those segments that are as many in both, in the order of the message.
Lines common_order(hl7::Message const& message, ByName const& names) {
    Lines out;
    for (std::size_t n = 1; n <= message.segment_count(); ++n) {
        auto const name = message.segment(n).substr(0, 3);
        auto const& [before, after] = names.at(name);
        if (before.size() == after.size()) out.push_back(name);
    }
    return out;
}

// The next field of a segment; empty beyond the last.
std::string_view take_field(std::string_view& rest, char delimiter) {
    auto const field = rest.substr(0, rest.find(delimiter));
    rest.remove_prefix(std::min(rest.size(), field.size() + 1));
    return field;
}

FieldChange change_of(bool before, bool after) {
    if (before == after) return FieldChange::changed;
    return before ? FieldChange::gone : FieldChange::added;
}

void compare_segments(std::string_view before, std::string_view after, char delimiter, Found const& found) {
    std::string const segment(before.substr(0, 3));
    std::size_t number = hl7::header_name(segment) ? 1 : 0;  // MSH-1 is the delimiter itself
    take_field(before, delimiter);
    take_field(after, delimiter);
    while (!before.empty() || !after.empty()) {
        ++number;
        auto const a = take_field(before, delimiter);
        auto const b = take_field(after, delimiter);
        if (a != b) found(segment + "-" + std::to_string(number), change_of(!a.empty(), !b.empty()));
    }
}

// "PID-5" of "PID-5[2].1" and "OBX-5" of "OBX[3]-5".
std::string field_of(std::string_view path) {
    std::string out(path.substr(0, 3));
    auto const dash = path.find('-');
    if (dash == std::string_view::npos) return out;
    auto const digits = path.substr(dash + 1);
    return out.append("-").append(digits.substr(0, digits.find_first_not_of("0123456789")));
}

void compare_by_value(std::string_view before, std::string_view after, Found const& found) {
    auto const all = differences_between(before, after);
    if (all.empty()) found("", FieldChange::other);
    for (auto const& one : all) {
        using enum hl7::Difference::Kind;
        if (one.kind == order) {
            found("", FieldChange::moved);
        } else if (one.kind == changed) {
            found(field_of(one.path), change_of(one.before.has_value(), one.after.has_value()));
        } else {
            found(field_of(one.path), one.kind == removed ? FieldChange::gone : FieldChange::added);
        }
    }
}

}  // namespace

std::string_view name(FieldChange change) {
    switch (change) {
        case FieldChange::changed:
            return "changed";
        case FieldChange::gone:
            return "gone";
        case FieldChange::added:
            return "new";
        case FieldChange::moved:
            return "segments in another order";
        case FieldChange::other:
            return "other bytes, no other value";
    }
    return "";
}

void field_changes(std::string_view before, std::string_view after, Found const& found) {
    auto const a = hl7::Message::view(before);
    auto const b = hl7::Message::view(after);
    if (!a || !b) return found("", FieldChange::other);
    auto const delimiter = a->delimiters().field;
    auto names = by_name(*a, *b);
    bool simple = delimiter == b->delimiters().field,
         any = common_order(*a, names) != common_order(*b, names);
    if (any) found("", FieldChange::moved);
    for (auto& [name, lines] : names) {
        if (lines.before.size() == lines.after.size()) continue;
        simple = simple && leave_out_equal(lines) &&
                 (lines.before.empty() || lines.after.empty() || lines.before.size() == lines.after.size());
    }
    // Which belong together is a question of their values.
    if (!simple) return compare_by_value(before, after, found);
    for (auto const& [name, lines] : names) {
        auto const& [first, second] = lines;
        for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
            if (i < first.size() && i < second.size() && first[i] == second[i]) continue;
            any = true;
            if (i >= first.size() || i >= second.size()) {
                found(name, i < first.size() ? FieldChange::gone : FieldChange::added);
            } else {
                compare_segments(first[i], second[i], delimiter, found);
            }
        }
    }
    if (!any) found("", FieldChange::other);  // terminators
}

}  // namespace hilum::testing
