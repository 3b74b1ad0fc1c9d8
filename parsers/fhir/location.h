// Where an element is, as OperationOutcome.issue.expression wants it: element names and indexes
// (http://hl7.org/fhir/R4/operationoutcome-definitions.html#OperationOutcome.issue.expression).
#pragma once

#include <string>
#include <string_view>

#include "parsers/fhir/definitions.h"
#include "parsers/fhir/resource.h"

namespace hilum::fhir {

// "Patient.name[0].given[1]", from `root` down; repeating elements always have their index.
std::string location(Element element, Element root);
// Of a child that is not there, or is no element: "Patient.name[0]" and "family".
std::string location(Element parent, Element root, std::string_view child);
// The type of an element, found from its resource down; none when nothing says it.
Type type_of(Element element);

}  // namespace hilum::fhir
