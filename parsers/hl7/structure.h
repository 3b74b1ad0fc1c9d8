// Where each segment of a message stands in its message structure (HL7 v2.8.2 §2.5.2): a tree of group
// occurrences over segment numbers.
//
// Tolerant: real feeds leave segments out, repeat and misplace them. Every segment gets exactly one place;
// what does not fit is attached to the nearest group and reported. Linear time: each segment is compared
// with the few places that carry its name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/message.h"

namespace hilum::hl7 {

struct StructureFinding {
    enum class Code : unsigned char {
        unknown_structure,  // of the message (segment 1): no structure for its type and event
        unexpected,         // a segment that this structure does not have
        out_of_place,       // one that it has, but not here
        too_many,           // one more than the structure allows
        missing,            // a required segment or group is not there; segment: the last one before it
        local,              // a Z-segment: where the sender likes, not wrong
    };
    Code code = Code::unexpected;
    std::size_t segment = 0;  // its number in the message, from 1
    std::uint32_t group = 0;  // the group occurrence it concerns, an index into groups()
    std::string_view name;    // of the segment or group concerned; lives as long as the dictionary and
                              // the message
};
std::string_view name(StructureFinding::Code code);  // "out_of_place"

// One occurrence of a group. Occurrence 0 is the message itself.
struct GroupOccurrence {
    static constexpr std::uint32_t none = 0xffffffff;

    std::string_view name;        // "ORDER_OBSERVATION"; of the message: the structure's name, or ""
    std::uint32_t parent = none;  // index into groups(), always smaller than the own one
    std::uint32_t number = 1;     // among those of its name in the parent
    std::size_t first = 0;        // the segment number it begins with
    std::size_t last = 0;         // the greatest segment number in it or in a group below it
};

struct SegmentPlace {
    static constexpr std::uint32_t nowhere = 0xffffffff;

    std::uint32_t group = 0;       // index into groups()
    std::uint32_t node = nowhere;  // of the structure; nowhere: it has no such segment
};

class MessageStructure {
  public:
    // By MSH-9 and MSH-12 of the message. The dictionary must outlive the result.
    static MessageStructure of(Message const& message, Dictionary const& dictionary = Dictionary::standard());
    // By a given structure.
    static MessageStructure of(Message const& message, Structure const& structure);

    // nullopt: none is known, everything is in group 0.
    std::optional<Structure> const& structure() const { return structure_; }
    // In the order of their first segment.
    std::vector<GroupOccurrence> const& groups() const { return groups_; }
    SegmentPlace place(std::size_t segment) const { return places_[segment - 1]; }
    std::size_t segment_count() const { return places_.size(); }
    // By segment number. At most 1,000 are kept; finding_count() counts all.
    std::vector<StructureFinding> const& findings() const { return findings_; }
    std::size_t finding_count() const { return finding_count_; }

  private:
    friend class StructureBuilder;
    std::optional<Structure> structure_;
    std::vector<GroupOccurrence> groups_;
    std::vector<SegmentPlace> places_;
    std::vector<StructureFinding> findings_;
    std::size_t finding_count_ = 0;
};

// The structure of one message, worked out when it is first asked for and again after an edit that added or
// removed segments. Borrows both; for one thread.
class StructureCache {
  public:
    explicit StructureCache(Message const& message, Dictionary const& dictionary = Dictionary::standard())
        : message_(&message), dictionary_(&dictionary) {}
    MessageStructure const& get();
    // When the message has become another one.
    void forget() { structure_.reset(); }

  private:
    Message const* message_;
    Dictionary const* dictionary_;
    std::optional<MessageStructure> structure_;
    std::uint32_t revision_ = 0;
};

}  // namespace hilum::hl7
