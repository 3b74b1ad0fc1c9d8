// Puts a message or document into a file so that a reader of the folder sees all of it or nothing. Blocking:
// for the blocking pool.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "parsers/result.h"

namespace hilum::net {

struct Written {
    std::string name;        // relative to the root: "ADT/42~2.hl7"
    bool was_there = false;  // with the same bytes: an earlier attempt had got that far
};

// What a name gets that other bytes have already: "~2", "~3" ..., or the error "exists".
enum class Taken : unsigned char { number, refuse };

// `components` as name_components() gives them. Durable when it returns: the file's bytes and its name.
// Written under a temporary name
// (".hilum-OWNER-..."), synced, renamed without replacing; the same bytes under the name count as written;
// other bytes are as `taken` says. Below `root` no symbolic link is followed. Errors: those of
// net::file_error, and "name_taken".
Result<Written> write_message(std::string const& root, std::vector<std::string> const& components,
                              std::string_view bytes, std::string_view owner, Taken taken = Taken::number);

// Removes temporary files of `owner` that nobody is writing, in the root and `depth` levels of folders below.
// Returns how many.
Result<std::size_t> remove_leftovers(std::string const& root, std::string_view owner, std::size_t depth);

}  // namespace hilum::net
