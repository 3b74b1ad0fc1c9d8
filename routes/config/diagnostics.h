// What a configuration gets told: every finding at once, each with its place, what is wrong and the nearest
// right thing.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace hilum::config {

struct Use;

// Line and column count from 1; 0 when there is none (a whole file).
struct Location {
    std::shared_ptr<std::string const> file;  // as the user named it; shared by all nodes of the file
    std::uint32_t line = 0;
    std::uint32_t column = 0;
    // By what it counts elsewhere than where it stands: inherited, included. Null otherwise.
    std::shared_ptr<Use const> used = {};

    std::string text() const;  // "hilum.yaml:14:7"
    // `columns` further right, for a place inside a scalar (an expression's error).
    Location shifted(std::size_t columns) const;
};

struct Use {
    std::string how;  // `inherited by route "icu"`, `included`
    Location at;

    std::string text() const;  // `inherited by route "icu" at hilum.yaml:9:14`
};

enum class Severity : unsigned char { error, warning };

struct Diagnostic {
    Severity severity = Severity::error;
    Location where;
    std::string what;    // `unknown key "prot"`
    std::string remedy;  // `did you mean "port"?`; empty when there is none to give

    // `hilum.yaml:14:7: error: unknown key "prot"; did you mean "port"?`, and in parentheses how it is used
    // where that is elsewhere.
    std::string text() const;
};

class Diagnostics {
  public:
    void error(Location where, std::string what, std::string remedy = {});
    void warning(Location where, std::string what, std::string remedy = {});

    bool failed() const { return errors_ > 0; }
    std::size_t errors() const { return errors_; }
    // Nothing more will be kept, so that costly remedies need not be worked out.
    bool full() const { return dropped_ > 0; }
    // Sorted by file, line, column; at most 200 are kept (a broken file shouldn't scroll for pages), the rest
    // counted.
    std::vector<Diagnostic> sorted() const;
    std::string text() const;  // one line each

  private:
    void add(Diagnostic diagnostic);
    std::vector<Diagnostic> all_;
    std::size_t errors_ = 0;
    std::size_t dropped_ = 0;
};

// The candidate nearest to `word` by edit distance (with transpositions), if near enough to be meant; else
// "".
std::string_view nearest(std::string_view word, std::span<std::string_view const> candidates);
// `did you mean "x"?` or, when nothing is near, `known keys: a, b, c`  (kind names what they are: "keys",
// "destinations").
std::string suggest(std::string_view word, std::span<std::string_view const> candidates,
                    std::string_view kind);

// `word` in double quotes for a message: control characters escaped, cut after 60 bytes.
std::string in_quotes(std::string_view word);

}  // namespace hilum::config
