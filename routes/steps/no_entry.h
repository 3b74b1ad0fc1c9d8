// The reason of a look-up that found nothing, written and read in one place: people are shown such messages
// gathered by it.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hilum::routes {

struct NoEntry {
    std::string table, place;
};

inline constexpr std::string_view no_entry_begin = "no entry in table ", no_entry_middle = " for ";

inline std::string text(NoEntry const& one) {
    return std::string(no_entry_begin) + one.table + std::string(no_entry_middle) + one.place;
}

// Of a reason that ends with it, behind the way to the step.
inline std::optional<NoEntry> read_no_entry(std::string_view reason) {
    auto const begin = reason.rfind(no_entry_begin);
    if (begin == std::string_view::npos) return std::nullopt;
    auto const rest = reason.substr(begin + no_entry_begin.size());
    auto const middle = rest.rfind(no_entry_middle);
    if (middle == std::string_view::npos) return std::nullopt;
    return NoEntry{std::string(rest.substr(0, middle)),
                   std::string(rest.substr(middle + no_entry_middle.size()))};
}

}  // namespace hilum::routes
