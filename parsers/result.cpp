#include "parsers/result.h"

#include <stdexcept>

namespace hilum {

std::string Error::text() const {
    std::string line = code;
    if (!place.empty()) line += " at " + place;
    line += ": " + what;
    if (!next.empty()) line += "; " + next;
    return line;
}

void throw_exception_from_error(Error const& error, boost::source_location const&) {
    throw std::logic_error("unchecked error: " + error.text());
}

}  // namespace hilum
