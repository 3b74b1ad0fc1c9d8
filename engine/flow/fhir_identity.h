// What a resource is known by, and the id that follows from it: a listener that names an id and a destination
// that puts the resource under it say the same.
#pragma once

#include <cstdint>
#include <string>

#include "parsers/fhir/resource.h"

namespace hilum::flow {

struct FhirIdentifier {
    std::string system, value;
    bool any_system = false;  // a value, whatever its system

    std::string text() const { return system + "|" + value; }
};

// The first that has a system and a value; of one without a system its value alone.
FhirIdentifier first_identifier(fhir::Element resource);

// The same for the same thing, whoever sends it, however often. `message` and `number`, its place in a Bundle
// from 1 on or 0, stand for what has no identifier. The id of a resource that is created counts for nothing
// (http://hl7.org/fhir/R4/http.html#create): another sender has one with that id as well.
std::string fhir_id(fhir::Element resource, FhirIdentifier const& identifier, std::uint64_t message,
                    std::size_t number);

}  // namespace hilum::flow
