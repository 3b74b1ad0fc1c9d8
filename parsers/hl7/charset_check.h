// Where a message is not what its charset says.
#pragma once

#include <cstddef>
#include <vector>

#include "parsers/hl7/message.h"

namespace hilum::hl7 {

// Findings, the first `at_most`, with their places; none for a message that is ASCII throughout (one scan).
//   "undecodable"        at PID[1]-5: bytes that are no characters; they are kept, and read as U+FFFD
//   "unknown_charset"    at MSH[1]-18: no charset that is known; the message is read as if it named none
//   "undeclared_charset" at MSH[1]-18: none, or ASCII, and the message has more; it is read as UTF-8 or
//                        windows-1252
std::vector<Error> check_charset(Message const& message, std::size_t at_most = 20);

}  // namespace hilum::hl7
