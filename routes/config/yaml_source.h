// A YAML file as text: where things are in it for people, and what is wrong with it, in their words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "routes/config/diagnostics.h"

namespace hilum::config {

// A place as parsers give it: from 0, in bytes; negative when there is none.
struct Mark {
    int pos = -1;
    int line = -1;
    int column = -1;
};

// The text must outlive it.
class YamlSource {
  public:
    YamlSource(std::string_view text, std::string file_name, std::shared_ptr<Use const> used);

    // Reports what forbids to parse it: too large, not UTF-8, NUL bytes. True when it may be parsed.
    bool check_bytes(Diagnostics& diagnostics) const;

    // For people: from 1, columns in characters.
    Location file() const { return {file_, 0, 0, used_}; }
    Location place(Mark const& mark) const;
    // The first character of a scalar, after its anchor, tag, opening quote or block header.
    Location place_of_scalar(Mark const& mark) const;
    // The dash, comma or bracket after which an item is missing (a parser's mark is that of what follows).
    Location place_of_missing_item(Mark const& mark) const;

    // "---" stands there.
    bool begins_document(Mark const& mark) const;

    // What a syntax error of yaml-cpp means, by its text.
    void report_syntax(std::string_view message, Mark const& mark, Diagnostics& diagnostics) const;

  private:
    Location at(std::size_t pos, int line, int column) const;
    std::uint32_t line_indented_by_tab(std::uint32_t last_line) const;
    std::string_view text_;
    std::shared_ptr<std::string const> file_;
    std::shared_ptr<Use const> used_;
};

}  // namespace hilum::config
