// A message as JSON: the shape that docs/inspect.md describes.
#pragma once

#include <cstddef>
#include <string>

#include "parsers/hl7/message_view.h"

namespace hilum::cli {

// One object on one line, without line end. `number` is that of the message in its file, `bytes` its size.
std::string message_json(hl7::MessageView const& view, std::size_t number, std::size_t bytes);

}  // namespace hilum::cli
