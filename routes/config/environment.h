// Filling ${NAME} and ${file:PATH} into a scalar.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "routes/config/diagnostics.h"
#include "routes/config/node.h"

namespace hilum::config {

// Replaces every ${NAME} and ${file:PATH} of `text`, in one pass: what was filled in is not read again, so a
// secret that holds "${" stays what it is. `$${` is a literal `${`. What can't be filled is reported at its
// column (`where` is that of the text's first character) and left out. The result is
// at most `bytes_max` long, else an error.
// `${param.NAME}` is left to whoever knows the parameters: out of the text, and told with its place.
struct Filled {
    std::string text;
    bool any = false;         // there was a ${...} of the environment
    bool failed = false;      // and not all could be filled in
    bool secret = false;      // from a file, or a variable whose name says so
    std::vector<Hole> holes;  // in order
};
Filled fill_in(std::string_view text, Location const& where, Environment const& environment,
               std::size_t bytes_max, Diagnostics& diagnostics);

// The text that fill_in() makes into this one.
std::string escaped(std::string_view text);

// The offset of the first byte that is not UTF-8 or is NUL; npos when there is none.
std::size_t find_bad_byte(std::string_view text);

}  // namespace hilum::config
