// What a queue's last error says, for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hilum::ops {

// "connect refused" and "mllp lab:2575" to "lab:2575 refuses connections". No patient data: from the class
// and the code alone.
std::string in_plain_words(std::string_view last_error, std::string_view where);

// "41 min", "2 h 5 min", "8 s"
std::string duration_words(std::int64_t us);

}  // namespace hilum::ops
