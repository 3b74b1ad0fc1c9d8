// Text for people and JSON has to be UTF-8 (RFC 3629); what comes from peers and files need not be.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hilum {

// The character at the front of `text` (not empty): its length and code point; length 0 when the bytes are
// none (overlong forms, surrogates and anything past U+10FFFF included).
struct Character {
    std::size_t length = 0;
    std::uint32_t point = 0;
};
Character first_character(std::string_view text);

bool is_utf8(std::string_view text);
// The text with U+FFFD for every byte that belongs to no character.
std::string to_utf8(std::string_view text);
// Control characters, line breaks of any kind, and what makes a terminal or an editor show something other
// than what is there (directional overrides, characters without width).
bool deceives(std::uint32_t point);
// Appends `text` so that it is one line and shows what is there: \n \r \t \xhh \uhhhh, and \" and \\ too.
void append_escaped(std::string& out, std::string_view text);
// At most `bytes` of it, not cut through a character.
std::string_view cut_text(std::string_view text, std::size_t bytes);

}  // namespace hilum
