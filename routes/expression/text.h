// Text as people count it: characters of UTF-8, whatever the locale. A byte that is no UTF-8 counts as one
// character and stays.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hilum::expression {

// The bytes of the character that `text` (not empty) begins with: 1 to 4.
std::size_t character_length(std::string_view text);
std::size_t character_count(std::string_view text);
// The byte offset of character `index`, text.size() when there are not so many.
std::size_t offset_of(std::string_view text, std::size_t index);

// Latin, Greek and Cyrillic letters; others stay.
std::string upper(std::string_view text);
std::string lower(std::string_view text);
std::string_view trim(std::string_view text);
// For `~`: lower case, every run of white space one blank (http://hl7.org/fhirpath/N1/#equivalent), trimmed.
std::string folded(std::string_view text);

}  // namespace hilum::expression
