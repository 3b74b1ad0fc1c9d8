// Messages that come in fragments (HL7 v2.8.2 §2.10.2): DSC-1 points to the next one, whose MSH-14 has the
// same pointer; a segment cut in two goes on in an ADD segment.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "parsers/hl7/message.h"

namespace hilum::hl7 {

// What may be waiting for a next fragment.
struct ContinuationLimits {
    std::size_t bytes = 16u << 20;  // of one message
    std::size_t fragments = 1000;   // of one message
    std::size_t messages = 100;     // at a time
    std::size_t bytes_in_all = 64u << 20;
};

// Joins the fragments of any number of senders; those of one are told apart by MSH-3, MSH-4 and the pointer.
// Not thread-safe.
class Continuations {
  public:
    enum class Kind : unsigned char {
        whole,    // no fragment: `message` is empty, take what was given
        waiting,  // kept; another fragment is to come
        joined,   // the last fragment: `message` is the whole
        refused,  // `error`; the fragments before it are forgotten
    };
    struct Outcome {
        Kind kind = Kind::whole;
        std::string message;
        std::optional<Error> error;
    };

    explicit Continuations(ContinuationLimits limits = {}) : limits_(limits) {}

    // Errors: "no_such_continuation" (MSH-14 names no pointer that is waited for), "continuation_repeated" (a
    // second message with a pointer that is waited for), "continuation_too_large", "too_many_fragments",
    // "too_many_continuations".
    Outcome add(Message const& message);
    std::size_t waiting() const { return open_.size(); }

  private:
    struct Open {
        std::string text;  // all fragments so far, ADD and DSC taken out, segments ended by CR
        std::size_t fragments = 0;
    };
    Outcome refuse(char const* code, char const* place, std::string what, std::string next);

    ContinuationLimits limits_;
    std::map<std::string, Open> open_;
    std::size_t bytes_ = 0;  // of all that is open
};

}  // namespace hilum::hl7
