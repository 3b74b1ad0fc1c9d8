// Findings about a resource, and the OperationOutcome that tells a client of them
// (http://hl7.org/fhir/R4/operationoutcome.html).
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "parsers/result.h"

namespace hilum::fhir {

// http://hl7.org/fhir/R4/valueset-issue-severity.html
enum class Severity : unsigned char { fatal, error, warning, information };
std::string_view name(Severity severity);

struct Finding {
    Severity severity = Severity::error;
    std::string_view
        code;  // issue-type (http://hl7.org/fhir/R4/valueset-issue-type.html), a literal: "structure"
    std::string location;  // FHIRPath from the resource: "Patient.name[0].given[1]"
    std::string rule;      // "pat-1" of an invariant; "cardinality" and the other rules of docs/fhir.md
    std::string text;      // for people; names of the standard only, nothing of the resource's values
};

// Whether the resource is to be refused: a finding is fatal or an error.
bool refuses(std::span<Finding const> findings);

// The OperationOutcome in JSON. FHIR wants one issue at least: without findings it says that all is well.
std::string operation_outcome(std::span<Finding const> findings);
// Of what could not even be read, or was refused for another reason: the error's code decides the issue-type.
std::string operation_outcome(Error const& error);
std::string_view issue_type(Error const& error);

}  // namespace hilum::fhir
