// HL7 v2 paths: PID-3.1, OBX[2]-5, PID-3[2].4.2, OBX[*]-5, NK1[*], PID. Positions count from 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "parsers/result.h"

namespace hilum::hl7 {

struct Path {
    static constexpr std::uint32_t all = 0xffffffff;      // "[*]"
    static constexpr std::uint32_t largest = 99'999'999;  // the greatest position that parses

    char segment[4] = {0, 0, 0, 0};  // "PID", NUL-terminated
    std::uint32_t occurrence = 1;    // of the segment; an unindexed one means the first
    std::uint32_t field = 0;         // 0: the whole segment
    std::uint32_t repetition = 1;
    bool repetition_given = false;   // PID-3[1] was written, not PID-3
    std::uint32_t component = 0;     // 0: the whole field (repetition)
    std::uint32_t subcomponent = 0;  // 0: the whole component

    std::string_view segment_name() const { return {segment, 3}; }
    bool many() const { return occurrence == all || repetition == all; }
    std::string text() const;

    // The whole of `text` is one path. The error's place is the 1-based column.
    static Result<Path> parse(std::string_view text);
    // The longest path that `text` begins with, and its length; length 0 when it begins with none.
    // For the expression language's lexer: "PID-5.1.upper()" gives PID-5.1 and 7. A bare segment name
    // ("PID") counts only when no letter, digit, underscore, '(' or '.' follows.
    struct Prefix;
    static Prefix parse_prefix(std::string_view text);

    friend bool operator==(Path const&, Path const&) = default;
};

struct Path::Prefix {
    Path path;
    std::size_t length = 0;
};

}  // namespace hilum::hl7
