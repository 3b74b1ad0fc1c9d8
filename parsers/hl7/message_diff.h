// How two messages differ, value by value.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message_view.h"

namespace hilum::hl7 {

struct Difference {
    enum class Kind : unsigned char {
        changed,  // a value; not in one of them when `before` or `after` is nullopt
        removed,  // a whole segment, which only the first has
        added,    // which only the second has
        order,    // the segments that both have stand in another order
    };
    Kind kind = Kind::changed;
    std::string path;        // in the first; in the second where only that has it
    std::string path_after;  // in the second, when it is another one
    std::string_view name;   // of the field or component, or the segment's title
    std::optional<std::string> before, after;
};
std::string_view name(Difference::Kind kind);  // "changed"

// In the order of the first message, then what only the second has. Delimiters, escapes, charsets, line ends
// and empty fields are no difference. Segments of a name are paired so that little differs where there are
// at most 250,000 pairs, else by their order.
std::vector<Difference> differences(MessageView const& first, MessageView const& second);

}  // namespace hilum::hl7
