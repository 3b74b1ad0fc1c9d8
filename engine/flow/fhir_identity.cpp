#include "engine/flow/fhir_identity.h"

#include "parsers/uuid.h"

namespace hilum::flow {

FhirIdentifier first_identifier(fhir::Element resource) {
    FhirIdentifier found;
    for (auto e = resource.child("identifier"); e.exists(); e = e.next()) {
        if (e.name() != "identifier" || e.text_of("value").empty()) continue;
        FhirIdentifier const one{std::string(e.text_of("system")), std::string(e.text_of("value"))};
        if (!one.system.empty()) return one;
        if (found.value.empty()) found = one;
    }
    return found;
}

std::string fhir_id(fhir::Element resource, FhirIdentifier const& identifier, std::uint64_t message,
                    std::size_t number) {
    std::string const type(resource.resource_type());
    if (!identifier.value.empty()) return uuid_of(type, identifier.text());
    return uuid_of(type, "message " + std::to_string(message) + "/" + std::to_string(number));
}

}  // namespace hilum::flow
