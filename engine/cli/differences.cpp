#include "engine/cli/differences.h"

#include <algorithm>

#include "engine/cli/output.h"
#include "parsers/hl7/lookup.h"

namespace hilum::cli {
namespace {

using Kind = hl7::Difference::Kind;

std::string path_of(hl7::Difference const& one) {
    return printable(one.path + (one.path_after.empty() ? "" : " / " + one.path_after));
}

}  // namespace

std::string_view field_name(std::string_view path) {
    auto const place = hl7::Path::parse(path);
    if (!place || place->field == 0) return {};
    hl7::Lookup const lookup(hl7::Dictionary::standard(), *hl7::version_named("2.5.1"));
    auto const field = lookup.field(place->segment_name(), place->field);
    return field ? field->name : std::string_view();
}

std::string difference_lines(std::vector<hl7::Difference> const& all, std::size_t indent,
                             Paint const& paint) {
    std::size_t paths = 0, names = 0;
    for (auto const& one : all) {
        paths = std::max(paths, columns(path_of(one)));
        names = std::max(names, columns(one.name));
    }
    std::string out;
    for (auto const& one : all) {
        out.append(indent, ' ');
        if (one.kind == Kind::order) {
            out += "  the segments that both have stand in another order\n";
            continue;
        }
        std::string const path = path_of(one);
        char const* const mark = one.kind == Kind::removed ? "- " : one.kind == Kind::added ? "+ " : "  ";
        out += mark + path + std::string(paths - columns(path) + 2, ' ') + paint(Style::faint, one.name) +
               std::string(names - columns(one.name) + 2, ' ');
        auto const side = [&](std::optional<std::string> const& text, Style style) {
            return text ? paint(style, printable(*text)) : paint(Style::faint, "(nothing)");
        };
        if (one.kind != Kind::added) out += side(one.before, Style::removed);
        if (one.kind == Kind::changed) out += " -> ";
        if (one.kind != Kind::removed) out += side(one.after, Style::added);
        out += '\n';
    }
    return out;
}

}  // namespace hilum::cli
