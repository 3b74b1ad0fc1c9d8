#include "parsers/hl7/version.h"

#include <array>

namespace hilum::hl7 {

namespace {

constexpr std::array<std::string_view, version_count> names = {
    "2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2"};

// "2.5.1" as 2'05'01; 0 when `text` does not begin with such a number. Only what could be a version is
// read, so no digit can overflow.
unsigned as_number(std::string_view text) {
    unsigned value = 0;
    std::size_t at = 0;
    for (int part = 0; part < 3; ++part) {
        unsigned n = 0;
        std::size_t digits = 0;
        while (at < text.size() && text[at] >= '0' && text[at] <= '9' && digits < 2) {
            n = n * 10 + static_cast<unsigned>(text[at++] - '0');
            ++digits;
        }
        if (digits == 0 && part < 2) return 0;
        value = value * 100 + n;
        if (at < text.size() && text[at] == '.') ++at;
    }
    return value;
}

}  // namespace

std::string_view name(Version version) {
    return names[static_cast<std::size_t>(version)];
}

std::optional<Version> version_named(std::string_view text) {
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == text) return static_cast<Version>(i);
    }
    return std::nullopt;
}

Version version_of(std::string_view msh12) {
    auto const begin = msh12.find("2.");
    if (begin == std::string_view::npos) return assumed_version;
    unsigned const wanted = as_number(msh12.substr(begin));
    if (wanted < 20100 || wanted >= 30000) return assumed_version;
    std::size_t found = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (as_number(names[i]) <= wanted) found = i;
    }
    return static_cast<Version>(found);
}

}  // namespace hilum::hl7
