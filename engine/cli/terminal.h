// Colours for people at a terminal.
#pragma once

#include <string>
#include <string_view>

namespace hilum::cli {

enum class Style : unsigned char { plain, heading, group, faint, meaning, removed, added, warning, error };

// Whether answers are coloured: "always", "never", "auto" (a terminal, and NO_COLOR is not set;
// no-color.org).
class Paint {
  public:
    explicit Paint(std::string_view when);
    // `text` between the sequences that begin and end the style.
    std::string operator()(Style style, std::string_view text) const;

  private:
    bool on_ = false;
};

// Columns that `text` takes on a terminal: its characters, as far as UTF-8 tells.
std::size_t columns(std::string_view text);

}  // namespace hilum::cli
