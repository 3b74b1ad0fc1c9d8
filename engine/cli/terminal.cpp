#include "engine/cli/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace hilum::cli {
namespace {

// ECMA-48 §8.3.117 (SGR).
std::string_view sequence(Style style) {
    switch (style) {
        case Style::plain:
            return "";
        case Style::heading:
            return "\x1b[1;36m";
        case Style::group:
            return "\x1b[35m";
        case Style::faint:
            return "\x1b[2m";
        case Style::meaning:
        case Style::added:
            return "\x1b[32m";
        case Style::removed:
        case Style::error:
            return "\x1b[31m";
        case Style::warning:
            return "\x1b[33m";
    }
    return "";
}

}  // namespace

Paint::Paint(std::string_view when) {
    char const* const no_color = std::getenv("NO_COLOR");
    bool const wanted = no_color == nullptr || *no_color == '\0';
    on_ = when == "always" || (when == "auto" && wanted && isatty(STDOUT_FILENO) == 1);
}

std::string Paint::operator()(Style style, std::string_view text) const {
    if (!on_ || style == Style::plain || text.empty()) return std::string(text);
    return std::string(sequence(style)) + std::string(text) + "\x1b[0m";
}

std::size_t columns(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace hilum::cli
