// The standard's names of the commonest segments and their fields (HL7 v2.8.2), for `hilum inspect`.
#pragma once

#include <cstddef>
#include <string_view>

namespace hilum::cli {

// "Patient Identification"; empty when not known.
std::string_view segment_title(std::string_view segment);
// "Patient Identifier List" for ("PID", 3); empty when not known.
std::string_view field_name(std::string_view segment, std::size_t field);

}  // namespace hilum::cli
