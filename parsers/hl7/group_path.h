// Paths through groups: ORDER_OBSERVATION[2]/OBX[1]-5, PATIENT_RESULT[1]/ORDER_OBSERVATION[2]/OBX[*]-5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/path.h"
#include "parsers/hl7/structure.h"
#include "parsers/result.h"

namespace hilum::hl7 {

// The first group may be at any depth and counts over the whole message, each following one at any depth
// inside the one before it, and so does the segment. An unindexed group means the first; [*] each.
struct GroupPath {
    struct Step {
        std::string name;              // "ORDER_OBSERVATION": capitals, digits, underscores; two or more
        std::uint32_t occurrence = 1;  // or Path::all
        std::size_t column = 1;        // where it stands in the text, from 1
        friend bool operator==(Step const& a, Step const& b) {
            return a.name == b.name && a.occurrence == b.occurrence;
        }
    };
    static constexpr std::size_t steps_max = 16;

    std::vector<Step> groups;  // empty: a plain path
    Path path;                 // its occurrence counts inside the last group

    bool plain() const { return groups.empty(); }
    bool many() const;
    std::string text() const;

    // The whole of `text` is one path, plain or with groups. Error "bad_path", its place the 1-based column.
    static Result<GroupPath> parse(std::string_view text);
    // The longest group path that `text` begins with and its length; 0 when there is none. A plain path is
    // none here: that is Path::parse_prefix.
    struct Prefix;
    static Prefix parse_prefix(std::string_view text);
    // The groups that `text` begins with, each with its "/", and their length.
    static std::size_t parse_groups(std::string_view text, std::vector<Step>& groups);

    // The segments it names, in the order of the message: their numbers, and which occurrence of the segment
    // name in the whole message that is, for a plain Path.
    struct Found {
        std::size_t segment = 0;
        std::uint32_t occurrence = 0;
    };
    std::vector<Found> resolve(Message const& message, MessageStructure const& structure) const;

    friend bool operator==(GroupPath const&, GroupPath const&) = default;
};

struct GroupPath::Prefix {
    GroupPath path;
    std::size_t length = 0;
};

}  // namespace hilum::hl7
