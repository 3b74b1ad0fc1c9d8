// docs/reference.md: every key of the configuration, from the declarations that also check it.
#pragma once

#include <string>
#include <string_view>

namespace hilum::cli {

// Markdown, from the JSON Schema that flow::configuration_schema() gives.
std::string configuration_reference(std::string const& schema);

}  // namespace hilum::cli
