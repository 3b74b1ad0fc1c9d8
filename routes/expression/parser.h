// Text to program: FHIRPath's grammar and precedence (http://hl7.org/fhirpath/N1/grammar.html).
#pragma once

#include <memory>
#include <string_view>

#include "parsers/result.h"
#include "routes/expression/expression.h"
#include "routes/expression/program.h"

namespace hilum::expression {

constexpr std::size_t source_max = 64 * 1024;  // bytes of one expression
constexpr std::uint32_t nesting_max = 200;     // parentheses, arguments, signs
constexpr std::uint32_t depth_max = 400;       // levels of the tree: chains of operators and calls too

// Parts that don't depend on the message are computed here, once. Errors have place "column N".
Result<std::unique_ptr<Program const>> parse(std::string_view text, Options const& options);

}  // namespace hilum::expression
