// Now, and points in time as FHIR writes them (http://hl7.org/fhir/R4/datatypes.html#instant).
#pragma once

#include <cstdint>
#include <string>

namespace hilum::net {

// "2026-01-02T03:04:05.678Z", from microseconds since 1970.
std::string instant(std::int64_t time_us);

// The clock on the wall, in microseconds since 1970.
std::int64_t now_us();

}  // namespace hilum::net
