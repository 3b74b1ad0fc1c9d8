#include "routes/expression/hints.h"

#include <vector>

namespace hilum::expression {

std::string nearest_path(std::string_view text) {
    // The first separator is a hyphen, the later ones are points, everything is upper case.
    std::string guess;
    bool field = false;
    bool index = false;
    for (char c : text) {
        if (c == '[') index = true;
        if (c == ']') index = false;
        if (!index && (c == '.' || c == '-' || c == '_' || c == ' ')) {
            if (!guess.empty() && (guess.back() == '-' || guess.back() == '.')) continue;
            guess += field ? '.' : '-';
            field = true;
            continue;
        }
        if (c == ' ') continue;
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        if (!field && guess.size() == 3 && c >= '0' && c <= '9') {  // PID3
            guess += '-';
            field = true;
        }
        guess += c;
    }
    if (guess == text || !hl7::Path::parse(guess)) return {};
    return guess;
}

std::string path_remedy(std::string_view text, std::string_view next) {
    auto const guess = nearest_path(text);
    if (!guess.empty()) return "did you mean " + guess + "?";
    if (!next.empty()) return std::string(next);
    return "a path looks like PID-3, PID-3[2].4.2, OBX[2]-5 or OBX[*]-5; positions count from 1";
}

std::size_t column_of(std::string_view place) {
    std::size_t column = 0;
    auto const digit = place.find_first_of("0123456789");
    if (digit == std::string_view::npos) return 1;
    for (char const c : place.substr(digit)) {
        if (c < '0' || c > '9' || column > 1000000) break;
        column = column * 10 + static_cast<std::size_t>(c - '0');
    }
    return column == 0 ? 1 : column;
}

std::optional<hl7::Path> compile_path(config::Text const& text, config::Diagnostics& diagnostics) {
    auto path = hl7::Path::parse(text.value);
    if (path) return *path;
    auto const& e = path.error();
    diagnostics.error(text.where.shifted(column_of(e.place) - 1), "\"" + text.value + "\": " + e.what,
                      path_remedy(text.value, e.next));
    return std::nullopt;
}

std::string no_group(std::string_view name) {
    return "no message structure has a group called " + config::in_quotes(name);
}

std::string group_remedy(std::string_view name) {
    if (name.size() == 3) return "a segment stands last: groups are named like ORDER_OBSERVATION";
    auto const names = hl7::Dictionary::standard().group_names();
    auto const near = config::nearest(name, names);
    if (!near.empty()) return "did you mean " + std::string(near) + "?";
    return "groups are named as in the standard, such as ORDER_OBSERVATION";
}

std::optional<hl7::GroupPath> compile_group_path(config::Text const& text, config::Diagnostics& diagnostics) {
    if (text.value.find('/') == std::string::npos) {
        auto const plain = compile_path(text, diagnostics);
        if (!plain) return std::nullopt;
        hl7::GroupPath path;
        path.path = *plain;
        return path;
    }
    auto path = hl7::GroupPath::parse(text.value);
    if (!path) {
        auto const& e = path.error();
        diagnostics.error(text.where.shifted(column_of(e.place) - 1),
                          config::in_quotes(text.value) + ": " + e.what, e.next);
        return std::nullopt;
    }
    bool known = true;
    for (auto const& step : path->groups) {
        if (hl7::Dictionary::standard().is_group(step.name)) continue;
        diagnostics.error(text.where.shifted(step.column - 1), no_group(step.name), group_remedy(step.name));
        known = false;
    }
    return known ? std::optional(std::move(*path)) : std::nullopt;
}

}  // namespace hilum::expression
