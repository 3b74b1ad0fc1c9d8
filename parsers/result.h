// Errors are values: every function that can be refused by its input returns Result<T>.
#pragma once

#include <boost/system/result.hpp>
#include <string>
#include <utility>

namespace hilum {

// What went wrong, where, and what to do next. Never holds message content beyond a short structural
// fragment (a segment name, a path, a byte in hex), so it may be logged.
struct Error {
    std::string code;   // stable, for programs: "no_msh", "frame_too_large"
    std::string place;  // "PID[1]-3", "byte 17", "journal/000003.log:4096"; empty when there is none
    std::string what;   // for people, one sentence without a full stop
    std::string next;   // what to do about it; empty when that is plain

    // "code at place: what; next"
    std::string text() const;
};

template <class T>
using Result = boost::system::result<T, Error>;

inline Error error(std::string code, std::string place, std::string what, std::string next = {}) {
    return Error{std::move(code), std::move(place), std::move(what), std::move(next)};
}

// Called by Result::value() on an error: a mistake of ours, for value() may only follow a check.
[[noreturn]] void throw_exception_from_error(Error const& error, boost::source_location const& where);

}  // namespace hilum
