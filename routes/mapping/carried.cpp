#include "routes/mapping/carried.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/lookup.h"
#include "parsers/hl7/scan.h"

namespace hilum::routes::mapping {

namespace {

// Calls f(raw, field, repetition, component, subcomponent) for every smallest piece of a segment; 0 for a
// level that the piece above does not have. f gives false to end it.
template <class F>
void each_piece(std::string_view segment, hl7::Delimiters const& d, F&& f) {
    auto const pieces = [](std::string_view text, char delimiter, auto&& use) {
        bool const several = delimiter != '\0' && text.find(delimiter) != std::string_view::npos;
        std::size_t number = 0;
        while (true) {
            auto const end = several ? text.find(delimiter) : std::string_view::npos;
            if (!use(text.substr(0, end), several ? ++number : 0)) return false;
            if (end == std::string_view::npos) return true;
            text.remove_prefix(end + 1);
        }
    };
    bool const header = segment.starts_with("MSH");
    std::size_t part = 0;
    pieces(segment, d.field, [&](std::string_view field, std::size_t) {
        auto const number = header ? part + 1 : part;
        if (part++ == 0 || field.empty() || (header && number == 2)) return true;
        return pieces(field, d.repetition, [&](std::string_view repetition, std::size_t r) {
            return pieces(repetition, d.component, [&](std::string_view component, std::size_t c) {
                return pieces(component, d.subcomponent,
                              [&](std::string_view sub, std::size_t s) { return f(sub, number, r, c, s); });
            });
        });
    });
}

std::string path_text(std::string_view segment, std::size_t occurrence, std::size_t field,
                      std::size_t repetition, std::size_t component, std::size_t sub) {
    std::string out(segment.substr(0, 3));
    if (occurrence > 1) out += '[' + std::to_string(occurrence) + ']';
    out += '-' + std::to_string(field);
    if (repetition > 1) out += '[' + std::to_string(repetition) + ']';
    if (component > 0) out += '.' + std::to_string(component);
    if (sub > 0) out += (component > 0 ? "." : ".1.") + std::to_string(sub);
    return out;
}

bool of_the_writing(std::string_view segment, std::size_t field, hl7::Lookup const& lookup) {
    if (segment.starts_with("MSH")) return field >= 9 && field <= 12;
    if (field != 1) return false;  // where set IDs stand
    auto const known = lookup.field(segment.substr(0, 3), field);
    return known && known->datatype == "SI";
}

bool ignores(std::vector<std::string> const& ignored, std::string_view segment, std::size_t field) {
    auto const name = segment.substr(0, 3);
    return std::any_of(ignored.begin(), ignored.end(), [&](std::string const& path) {
        return path.size() > 3 && path.starts_with(name) && path == path_text(segment, 1, field, 0, 0, 0);
    });
}

}  // namespace

Carried::Lost Carried::lost(hl7::Message const& message, std::size_t most,
                            std::vector<std::string> const& ignored) {
    std::sort(begins_.begin(), begins_.end(), std::less<>());
    hl7::Lookup const lookup(hl7::Dictionary::standard(), message);
    std::map<std::string_view, std::size_t> occurrences;
    Lost out;
    for (std::size_t n = 1; n <= message.segment_count(); ++n) {
        auto const segment = message.segment(n);
        auto const occurrence = ++occurrences[segment.substr(0, 3)];
        if (std::find(ignored.begin(), ignored.end(), segment.substr(0, 3)) != ignored.end()) continue;
        std::size_t field = 0;
        bool counts = true;
        each_piece(segment, message.delimiters(),
                   [&](std::string_view raw, std::size_t f, std::size_t r, std::size_t c, std::size_t s) {
                       if (f != field) {
                           field = f;
                           counts = !of_the_writing(segment, f, lookup) && !ignores(ignored, segment, f);
                       }
                       if (!counts || raw.empty() || raw == "\"\"") return true;
                       ++out.values;
                       if (std::binary_search(begins_.begin(), begins_.end(), raw.data(), std::less<>()))
                           return true;
                       if (out.paths.size() < most) {
                           out.paths.push_back(path_text(segment, occurrence, f, r, c, s));
                       } else {
                           ++out.more;
                       }
                       return true;
                   });
    }
    return out;
}

std::string place_of(hl7::Message const& message, std::string_view raw) {
    std::map<std::string_view, std::size_t> occurrences;
    std::string out;
    auto const before = std::less<>();
    for (std::size_t n = 1; n <= message.segment_count() && out.empty(); ++n) {
        auto const segment = message.segment(n);
        auto const occurrence = ++occurrences[segment.substr(0, 3)];
        bool const here =
            !before(raw.data(), segment.data()) && before(raw.data(), segment.data() + segment.size());
        if (!here) continue;
        each_piece(segment, message.delimiters(),
                   [&](std::string_view piece, std::size_t f, std::size_t r, std::size_t c, std::size_t s) {
                       if (piece.data() != raw.data()) return true;
                       out = path_text(segment, occurrence, f, r, c, s);
                       return false;
                   });
    }
    return out;
}

}  // namespace hilum::routes::mapping
