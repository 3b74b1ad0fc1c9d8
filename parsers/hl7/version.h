// The version a message says it has, comparable; and the paths of its header.
#pragma once

#include <charconv>
#include <string_view>
#include <system_error>

#include "parsers/hl7/path.h"

namespace hilum::hl7 {

// 2.5.1 as 20501; one that can't be read counts as the latest.
struct Version {
    int number = 99999;

    explicit Version(std::string_view text) {
        int parts[3] = {0, 0, 0};
        char const* at = text.data();
        char const* const end = at + text.size();
        for (int& part : parts) {
            auto const [next, failed] = std::from_chars(at, end, part);
            if (failed != std::errc{} || part < 0 || part > 99) return;
            at = next;
            if (at == end || *at != '.') break;
            ++at;
        }
        if (parts[0] == 2) number = parts[0] * 10000 + parts[1] * 100 + parts[2];
    }

    bool since(int other) const { return number >= other; }
};

inline Path msh_field(std::uint32_t field, std::uint32_t component = 0) {
    Path path;
    path.segment[0] = 'M';
    path.segment[1] = 'S';
    path.segment[2] = 'H';
    path.field = field;
    path.component = component;
    return path;
}

}  // namespace hilum::hl7
