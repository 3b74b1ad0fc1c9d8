// Results as JUnit XML, which build servers show.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "routes/testing/runner.h"

namespace hilum::testing {

struct FileResult {
    std::string file;
    std::vector<CaseResult> cases;
};

// One test suite a file. What XML 1.0 has no character for is written as "?".
std::string junit(std::vector<FileResult> const& files);

}  // namespace hilum::testing
