// Conditions that are asked one after the other of the same place in a message, as those of a map's rows are:
// the same one is tried once, and those that want certain texts in one field share one look at it.
#pragma once

#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "parsers/hl7/path.h"
#include "parsers/result.h"
#include "routes/expression/expression.h"

namespace hilum::expression {

class Conditions {
  public:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);
    static constexpr std::size_t remembered = 128;  // conditions whose answers a round keeps
    static constexpr std::size_t choices_max = 16;

    // Its number; the same text has the same one.
    std::size_t add(Expression condition);
    // Once all are there.
    void share();

    enum class Answer : unsigned char { no, yes, failed };

    // The conditions while the message, the segment and the part that they are asked of stay the same.
    class Round {
      public:
        Round(Conditions const& conditions, Context const& context)
            : conditions_(conditions), context_(context) {
            chosen_.fill(unknown);
        }
        // Whether it is known, or known at a glance, that it does not hold.
        bool ruled_out(std::size_t number);
        // failed: `why` says it. As Expression::test().
        Answer ask(std::size_t number, Error& why);

      private:
        static constexpr unsigned char unknown = 255, undecided = 254, another = 253;
        unsigned char choose(std::size_t choice) const;

        Conditions const& conditions_;
        Context const& context_;
        std::bitset<remembered> no_, yes_;
        std::array<unsigned char, choices_max> chosen_{};
    };

  private:
    static constexpr std::size_t texts_max = 64;

    struct One {
        Expression condition;
        std::size_t choice = none;
        std::uint64_t among = 0;  // of the choice's texts
    };
    struct Choice {
        hl7::Path path;
        std::vector<std::string> texts;
    };

    std::vector<One> all_;
    std::vector<Choice> choices_;
};

}  // namespace hilum::expression
