// What people search a message by.
#pragma once

#include <string>
#include <string_view>

#include "parsers/hl7/path.h"

namespace hilum::store {

struct IndexFields {
    std::string type;        // MSH-9.1^MSH-9.2
    std::string control_id;  // MSH-10
    std::string sender;      // MSH-3.1|MSH-4.1
    std::string patient_id;  // PID-3.1, the first repetition
    std::string visit;       // PV1-19.1
};

// Reads them. Paths are compiled once; not thread-safe.
class FieldReader {
  public:
    FieldReader();
    // Bytes that are no HL7 message have no fields. `bytes` may be cut off anywhere.
    void read(std::string_view bytes, IndexFields& out);

  private:
    hl7::Path code_, trigger_, control_id_, application_, facility_, patient_, visit_;
    std::string scratch_;
};

}  // namespace hilum::store
