// What every kind of listener that takes HL7 v2 can be told about holding messages against the standard.
#pragma once

#include <memory>

#include "parsers/hl7/profile.h"
#include "routes/config/config.h"
#include "routes/config/describe.h"
#include "routes/fhir_conformance.h"

namespace hilum::listeners {

enum class Strength : unsigned char { off, observe, enforce };

struct ValidationOptions {
    Strength validate = Strength::off;
    config::Text profile;  // a file; empty: the standard alone
};

// Called by the describe() of a listener's own options.
template <class V>
void describe(V& v, ValidationOptions& o) {
    v.choice("validate", o.validate,
             {{"off", Strength::off}, {"observe", Strength::observe}, {"enforce", Strength::enforce}},
             "whether messages are held against the standard: off, observe (count what is found) or enforce "
             "(refuse messages with errors)");
    v.optional("profile", o.profile,
               "a conformance profile, YAML or NIST IGAMT XML, relative to this configuration file");
}

// The same for one that takes FHIR R4.
struct FhirValidationOptions {
    Strength validate = Strength::off;
    FhirProfileOptions profiles;
};

template <class V>
void describe(V& v, FhirValidationOptions& o) {
    v.choice("validate", o.validate,
             {{"off", Strength::off}, {"observe", Strength::observe}, {"enforce", Strength::enforce}},
             "whether resources are held against FHIR R4: off, observe (note what is found in the trace) or "
             "enforce (refuse those with errors, with 422)");
    describe(v, o.profiles);
}

void check(FhirValidationOptions const& o, config::Diagnostics& diagnostics);
void check(ValidationOptions const& o, config::Component const& component, config::Diagnostics& diagnostics);

// That of a listener which has passed check; the file is read anew.
struct Validation {
    Strength strength = Strength::off;
    std::shared_ptr<FhirConformance const> fhir{};  // of a listener that takes FHIR: never null
    std::shared_ptr<hl7::Profile const> profile;
};
Validation validation_of(config::Component const& component);

}  // namespace hilum::listeners
