// Regular expressions, linear in the length of the text (RE2): no pattern can make a message cost minutes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "parsers/result.h"

namespace re2 {
class RE2;
}

namespace hilum::expression {

class Regex {
  public:
    // Single-line mode, UTF-8 (http://hl7.org/fhirpath/N1/#matches). "(?<name>...)" is accepted beside
    // "(?P<name>...)". Errors: "bad_regex", with the reason RE2 gives.
    static Result<std::shared_ptr<Regex const>> compile(std::string_view pattern);
    ~Regex();

    bool search(std::string_view text) const;  // anywhere in the text
    bool covers(std::string_view text) const;  // all of the text
    bool empty() const;                        // the pattern has no characters
    // Every match replaced; $1, ${1} and ${name} stand for groups, $0 for the match, $$ for a dollar. Stops
    // and returns false when `out` would exceed `limit` bytes, or when matches times length exceed 2^29.
    bool replace(std::string_view text, std::string_view substitution, std::size_t limit,
                 std::string& out) const;

  private:
    explicit Regex(std::unique_ptr<re2::RE2> re);
    std::unique_ptr<re2::RE2> re_;
    // What it matches lies between these, so that most of what it does not match is told at a glance. The
    // upper one is of use where it matches all of a text: a text may go on behind a match.
    bool bounded_ = false, to_the_end_ = false;
    std::string least_, greatest_;
};

}  // namespace hilum::expression
