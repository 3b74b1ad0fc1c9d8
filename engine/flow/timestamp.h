// HL7 timestamps (DTM, HL7 v2.8.2 §2A.2.21).
#pragma once

#include <cstdint>
#include <string>

namespace hilum::flow {

// Unix time in microseconds as YYYYMMDDHHMMSS+ZZZZ in this machine's time zone.
std::string hl7_timestamp(std::int64_t unix_us);

}  // namespace hilum::flow
