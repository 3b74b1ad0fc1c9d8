// FHIR packages (http://hl7.org/fhir/packages.html): a gzip-ed tar in npm's layout, the resources directly in
// package/.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "parsers/result.h"

namespace hilum::fhir {

struct PackageLimits {
    std::size_t bytes_max = std::size_t{512} << 20U;  // unpacked, so that a small file can't fill the memory
    std::size_t files_max = 20'000;
};

// Calls `take` with each resource file's name and text, until it refuses one. Errors: "bad_package" (no gzip,
// no tar, or cut off), "too_large", and those of `take`, the file's name in front of the place.
Result<void> read_package(std::string_view tgz,
                          std::function<Result<void>(std::string_view name, std::string text)> const& take,
                          PackageLimits const& limits = {});

}  // namespace hilum::fhir
