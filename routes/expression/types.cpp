#include "routes/expression/types.h"

#include "routes/config/diagnostics.h"

namespace hilum::expression {
namespace {

constexpr Type system_types[] = {Type::boolean, Type::integer,   Type::decimal, Type::string,
                                 Type::date,    Type::date_time, Type::time,    Type::quantity};

}  // namespace

std::optional<TypeName> find_type(std::string_view space, std::string_view name) {
    TypeName found;
    if (space.empty() || space == "System") {
        for (auto const type : system_types)
            if (system_name(type) == name) found.system = type;
        // A name of FHIR's is a question with an answer: System.Patient is no type of anything.
        if (space == "System" && !found.system && fhir::Type::find(name).exists()) return TypeName{};
    }
    if (space.empty() || space == "FHIR") found.fhir = fhir::Type::find(name);
    return found.system || found.fhir.exists() ? std::optional(found) : std::nullopt;
}

std::string type_remedy(std::string_view name) {
    auto names = fhir::Type::names();
    for (auto const type : system_types) names.push_back(system_name(type));
    auto const near = config::nearest(name, names);
    if (!near.empty()) return "did you mean " + std::string(near) + "?";
    return "such as String, Quantity, code or Patient";
}

bool is_of(Item const& item, TypeName const& type) {
    if (item.type() == Type::element) return type.fhir.exists() && item.fhir_type().is(type.fhir);
    return type.system && item.type() == *type.system;
}

bool exactly_of(Item const& item, TypeName const& type) {
    if (item.type() == Type::element && item.fhir_type().exists() &&
        item.fhir_type().kind() == fhir::Type::Kind::primitive && type.fhir.exists() &&
        type.fhir.kind() == fhir::Type::Kind::primitive)
        return item.fhir_type() == type.fhir;
    return is_of(item, type);
}

}  // namespace hilum::expression
