// openapi.yaml, put into the binary when it is built.
#pragma once

#include <string_view>

namespace hilum::ops {

std::string_view openapi_document();

}  // namespace hilum::ops
