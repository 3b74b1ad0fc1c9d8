// Conformance profiles of NIST's IGAMT and its validation tools, as XML: a profile (ConformanceProfile with
// Messages, Segments and Datatypes) and a value set library (ValueSetLibrary). What is read: the structure of
// each message with usage and cardinality, and of fields, components and subcomponents the usage,
// cardinality, length, datatype, constant value and the table they are bound to. Not read: the constraints
// file, so that usage C is not checked; conformance lengths; dynamic mappings. Schemas:
// github.com/usnistgov/v2-validation, Profile.xsd and ValueSets.xsd.
#pragma once

#include <string_view>

#include "parsers/hl7/profile.h"
#include "parsers/result.h"

namespace hilum::hl7 {

// `value_sets` may be empty. Errors, code "bad_igamt", place the element: no well-formed XML, more than 16
// MiB, deeper than 32 elements, another root element, a reference that leads nowhere.
Result<Profile> read_igamt(std::string_view profile, std::string_view value_sets);

}  // namespace hilum::hl7
