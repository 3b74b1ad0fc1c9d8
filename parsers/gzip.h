// gzip (RFC 1952), by zlib, which stays behind gzip.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "parsers/result.h"

namespace hilum {

// Never makes more than `bytes_max` bytes, whatever the input says. Errors: "not_gzip" (it is none, is cut
// off, or there is more behind it), "too_large".
Result<std::string> gunzip(std::string_view bytes, std::size_t bytes_max);
std::string gzip(std::string_view bytes);

}  // namespace hilum
