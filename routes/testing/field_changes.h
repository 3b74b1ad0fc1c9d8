// In which fields two messages differ, without regard to which repetition, component or occurrence: what
// differences of many messages are counted by.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace hilum::testing {

enum class FieldChange : unsigned char {
    changed,  // it has another value
    gone,     // it has none any more; of a segment: it is gone
    added,    // it had none; of a segment: it is new
    moved,    // segments stand in another order
    other,    // the bytes differ, no value does; or one of them is no message
};
std::string_view name(FieldChange change);

// Calls `found("PID-5", change)` for each field, or `found("NK1", change)` for a segment, by segment name;
// the same may come several times. Fields are compared as they stand, with delimiters and escapes; only where
// it is not plain which segments belong together, by value.
void field_changes(std::string_view before, std::string_view after,
                   std::function<void(std::string_view path, FieldChange change)> const& found);

}  // namespace hilum::testing
