#include "routes/testing/field_changes.h"

#include "parsers/hl7/characters.h"
#include "parsers/hl7/message.h"
#include "routes/testing/compare.h"

namespace hilum::testing {
namespace {

using Found = std::function<void(std::string_view, FieldChange)>;

bool same_segments(hl7::Message const& a, hl7::Message const& b) {
    if (a.segment_count() != b.segment_count() || a.delimiters().field != b.delimiters().field) return false;
    for (std::size_t n = 1; n <= a.segment_count(); ++n)
        if (a.segment(n).substr(0, 3) != b.segment(n).substr(0, 3)) return false;
    return true;
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
    if (!same_segments(*a, *b)) return compare_by_value(before, after, found);
    bool any = false;
    for (std::size_t n = 1; n <= a->segment_count(); ++n) {
        if (a->segment(n) == b->segment(n)) continue;
        any = true;
        compare_segments(a->segment(n), b->segment(n), a->delimiters().field, found);
    }
    if (!any) found("", FieldChange::other);  // terminators
}

}  // namespace hilum::testing
