#include "parsers/fhir/validation/reference_text.h"

#include "parsers/fhir/validation/formats.h"

namespace hilum::fhir {

std::optional<Type> type_of_relative(std::string_view reference) {
    static Type const id = Type::find("id");
    auto const slash = reference.find('/');
    if (slash == reference.npos) return std::nullopt;
    auto const type = Type::find(reference.substr(0, slash));
    if (!type.exists() || type.kind() != Type::Kind::resource) return std::nullopt;
    auto rest = reference.substr(slash + 1);
    if (auto const history = rest.find("/_history/"); history != rest.npos) {
        if (!well_formed(id, rest.substr(history + 10))) return std::nullopt;
        rest = rest.substr(0, history);
    }
    return well_formed(id, rest) ? std::optional(type) : std::nullopt;
}

std::optional<Type> type_of_absolute(std::string_view url) {
    auto const path = url.substr(0, url.find("/_history/"));
    auto const slash = path.rfind('/');
    if (slash == path.npos || slash == 0) return std::nullopt;
    auto const before = path.rfind('/', slash - 1);
    if (before == path.npos) return std::nullopt;
    return type_of_relative(path.substr(before + 1));
}

}  // namespace hilum::fhir
