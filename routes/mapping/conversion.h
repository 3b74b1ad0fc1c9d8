// A text of HL7 v2 as a value of a FHIR primitive: times, numbers, yes and no, and text
// (http://hl7.org/fhir/R4/datatypes.html#primitive; HL7 v2.8.2 §2A.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "parsers/fhir/definitions.h"
#include "routes/mapping/tree.h"
#include "routes/tables/time_zone.h"

namespace hilum::routes::mapping {

enum class Primitive : unsigned char {
    text,  // string, markdown
    code,
    word,  // id, uri, url, canonical, oid, uuid: no white space in it
    boolean,
    integer,  // positiveInt and unsignedInt too
    decimal,
    date,
    date_time,
    instant,
    time,
    base64,
    other,  // xhtml: nothing becomes one
};

Primitive primitive_of(fhir::Type type);

struct FhirValue {
    Tree::Kind kind = Tree::Kind::text;
    std::string_view text;  // a piece of what was given, or kept by the tree
};

// What a time without a zone of its own means.
struct Zone {
    std::string offset;               // "+01:00", as MSH-7 says it; counts before `place`
    TimeZone const* place = nullptr;  // borrowed; null: UTC
};

// nullopt: it can't be said as that type. `text` is decoded; it lives as long as the tree.
std::optional<FhirValue> fhir_value(std::string_view text, Primitive primitive, fhir::Type type,
                                    Zone const& zone, Tree& tree);

// "+01:00" of "20260102030405+0100"; "" when it has no zone, or a wrong one.
std::string offset_of(std::string_view hl7_time);

}  // namespace hilum::routes::mapping
