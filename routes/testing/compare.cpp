#include "routes/testing/compare.h"

#include <algorithm>

#include "parsers/fhir/interaction.h"
#include "parsers/hl7/message_form.h"
#include "routes/testing/fhir_compare.h"
#include "routes/testing/test_file.h"

namespace hilum::testing {
namespace {

std::string_view without_last_end(std::string_view text) {
    while (!text.empty() && (text.back() == '\r' || text.back() == '\n')) text.remove_suffix(1);
    return text;
}

}  // namespace

std::vector<hl7::Difference> differences_between(std::string_view before, std::string_view after) {
    if (fhir::looks_like_interaction(before) && hl7::form_of(before) != hl7::Form::er7)
        if (auto found = fhir_differences(before, after); !found.empty()) return found;
    auto const first = hl7::read_body(before);
    auto const second = hl7::read_body(after);
    if (!first || !second) return {};
    return hl7::differences(hl7::MessageView(*first), hl7::MessageView(*second));
}

std::string golden_text(std::string_view message) {
    if (same_fhir(message, message)) return pretty_json(message);
    std::string out(message);
    if (message.find('\n') == std::string_view::npos) std::replace(out.begin(), out.end(), '\r', '\n');
    return out;
}

bool same_message(std::string_view golden, std::string_view message) {
    if (same_fhir(golden, message)) return true;
    if (hl7::form_of(message) != hl7::Form::er7) return without_last_end(golden) == without_last_end(message);
    return without_last_end(with_segment_ends(golden)) == without_last_end(message);
}

std::string value_at(hl7::Message const& message, hl7::GroupPath const& path,
                     hl7::StructureCache& structures) {
    std::string scratch;
    if (path.plain()) return std::string(message.text(path.path, scratch));
    auto const found = path.resolve(message, structures.get());
    if (found.empty()) return {};
    auto const value = message.get_in(found.front().segment, path.path);
    return value.presence == hl7::Presence::value ? std::string(message.decode(value.raw, scratch))
                                                  : std::string();
}

std::string named(hl7::GroupPath const& path, hl7::Message const& message, hl7::Lookup const& lookup) {
    std::string const text = path.text();
    auto const& place = path.path;
    auto const field = lookup.field(place.segment_name(), place.field);
    if (!field) return text;
    std::string_view name = field->name;
    if (place.component != 0) {
        auto const number = message.find(place.segment_name());
        auto const type =
            number == 0 ? field->datatype
                        : lookup.datatype_of(message.segment(number), place.field, message.delimiters());
        auto const datatype = lookup.datatype(type);
        if (auto const component = datatype ? datatype->components.at(place.component) : std::nullopt)
            name = component->name;
    }
    return name.empty() ? text : text + " (" + std::string(name) + ")";
}

}  // namespace hilum::testing
