// Bytes as text and back (RFC 4648 §4; §5 for URLs and file names).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hilum {

enum class Base64 : unsigned char { plain, url };

std::string to_base64(std::string_view bytes, Base64 alphabet = Base64::plain);
// Takes white space between the digits (MIME breaks lines, and so do senders), and does without the padding.
// nullopt: another character, or a length that none of it has.
std::optional<std::string> from_base64(std::string_view text, Base64 alphabet = Base64::plain);

}  // namespace hilum
