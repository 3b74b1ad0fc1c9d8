// A message as JSON and back: the shape that docs/inspect.md describes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "parsers/hl7/message_view.h"
#include "parsers/result.h"

namespace hilum::hl7 {

inline constexpr std::size_t message_json_max = std::size_t{256} << 20;

// One object on one line, without line end. `number` is that of the message in its file, `bytes` its size.
// Error "json_too_large".
Result<std::string> to_json(MessageView const& view, std::size_t number, std::size_t bytes,
                            std::size_t bytes_max = message_json_max);

// The message of such an object, segments ended by CR, in UTF-8 whatever MSH-18 says: what it holds is the
// same, its bytes need not be. Errors: those of json::parse, "not_a_message".
Result<std::string> from_json(std::string_view text);

}  // namespace hilum::hl7
