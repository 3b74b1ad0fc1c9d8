// An HL7 v2 message becomes a FHIR Bundle, by maps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message.h"
#include "parsers/result.h"
#include "routes/mapping/carried.h"
#include "routes/mapping/fhir_maps.h"
#include "routes/mapping/made_resources.h"
#include "routes/observer.h"

namespace hilum::routes::mapping {

struct FhirOptions {
    BundleType bundle = BundleType::transaction;
    bool provenance = false;
    std::shared_ptr<TimeZone const> zone;  // of times that have none, where MSH-7 has none either; null: UTC
    std::vector<std::string> only_refer;   // types that are not written but referred to: "Patient"
    std::size_t lost_max = 0;              // of the paths that are listed; 0: losses are not looked for
    std::vector<std::string> lost_ignore;  // segments and fields that don't count: "ZPD", "PID-10"
    bool trace = false;
    std::int64_t now_us = 0;
};

struct FhirBundle {
    std::string json;
    std::size_t entries = 0;
    // What was left out or could not be said as the map wanted. No patient data: rows, tables, places.
    struct Finding {
        std::string code;   // "no_code", "bad_value", "bad_code"
        std::string place;  // "PID-8"
        std::string row;    // "segment/PID[Patient]: PID-8 > gender"
        std::size_t count = 1;
        std::string text() const;
    };
    std::vector<Finding> findings;
    std::size_t more_findings = 0;
    Carried::Lost lost;
    // For each element the value that it was made of, and the row that did it.
    struct Trace {
        std::string element;  // "Patient.name[0].family"
        std::string value;
        std::string place;  // "PID-5.1"; "" of a constant
        std::string row;
    };
    std::vector<Trace> traces;
};

// Errors: "no_map" (none is for such a message), "no_code" (of a row that says hold), "nothing", "too_many"
// (more than 5,000,000 elements), "no_header" (a Bundle of type message without MessageHeader), and those of
// expressions; they name the row. No patient data in them.
Result<FhirBundle> to_fhir(FhirMaps const& maps, FhirOptions const& options, hl7::Message const& message,
                           Observer* observer);

}  // namespace hilum::routes::mapping
