// The dictionary in the form the validator walks: every look-up done once, per version. For validation/ and
// validate.cpp only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/validation/lexical.h"

namespace hilum::hl7::validation {

// Up to seven bytes and their count as a number, never 0.
inline constexpr std::size_t packed_max = 7;
inline std::uint64_t packed(std::string_view text) {
    std::uint64_t key = text.size() + 1;
    for (char const c : text) key = key << 8 | static_cast<unsigned char>(c);
    return key;
}

// The codes of one table, asked for once per value.
class Codes {
  public:
    explicit Codes(std::uint16_t table) : table_(table) {}
    void add(std::string_view code);
    void finish();  // after the last add()
    bool contains(std::string_view code) const;
    std::uint16_t table() const { return table_; }
    bool empty() const { return count_ == 0; }

  private:
    std::uint16_t table_ = 0;
    std::size_t count_ = 0;
    std::vector<std::uint64_t> short_;    // while adding: the codes; then open addressing, 0 is free
    std::vector<std::string_view> long_;  // in byte order
};

struct Type;

// A field or component, ready to be checked.
struct Slot {
    std::string_view name;
    std::string_view datatype;
    Type const* type = nullptr;    // its components; nullptr: primitive, or nothing is known
    Codes const* codes = nullptr;  // of a plain value, that of the first component included
    std::uint32_t length_max = 0;
    std::uint16_t repetitions_max = 1;
    Lexical form = Lexical::any;  // of a plain value, as `codes`
    Usage usage = Usage::optional;
    bool known = true;         // the datatype is one of this version; else its parts are not looked at
    bool more_needed = false;  // a plain value is not enough: other components are required
};

// What a datatype asks of its components together.
enum class Together : unsigned char {
    nothing,
    pair_2_3,     // HD.2 and HD.3 both or neither (§2.A.36)
    pair_3_4,     // EI.3 and EI.4 (§2.A.28)
    coding_name,  // CWE, CNE since 2.7: CWE.1 needs CWE.3 or CWE.14 (§2.A.13)
};

struct Type {
    std::string_view name;
    std::vector<Slot> components;
    std::uint32_t last_required = 0;  // the greatest number of a required component
    Together together = Together::nothing;
};

struct CompiledSegment {
    std::string_view name;
    std::vector<Slot> fields;
    std::uint32_t index = 0;          // among those of the version
    std::uint32_t last_required = 0;  // the greatest number of a required field
    bool msh_like = false;
    bool conditional = false;  // conditions.h has something for it
};

struct CompiledVersion {
    std::unordered_map<std::uint64_t, std::unique_ptr<Type>> types;
    std::unordered_map<std::uint32_t, std::unique_ptr<CompiledSegment>> segments;
};

// A message structure as an array of numbers.
struct CompiledStructure {
    struct Node {
        std::uint32_t key = 0;  // of a segment's name; 0 for a group
        std::uint16_t min = 0, max = 1, span = 1;
        std::uint16_t parent = 0;  // itself at the top
        bool group = false, choice = false;
    };
    Structure structure;
    std::vector<Node> nodes;  // node 0 is the message; node n + 1 is the structure's node n

    explicit CompiledStructure(Structure const& of);
    // Whether the segments with these keys follow each other as the structure says. Sound,
    // not complete: a false asks for MessageStructure, which says what is wrong, if anything is. `counts` is
    // working memory, one for each node.
    bool plainly_fits(std::span<std::uint32_t const> keys, std::span<std::uint16_t> counts) const;
};

// Of the three characters of a segment's name; 0 for one that is shorter.
inline std::uint32_t segment_key(std::string_view name) {
    if (name.size() < 3) return 0;
    auto const at = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(name[i])}; };
    return 1u << 24 | at(0) << 16 | at(1) << 8 | at(2);
}

struct Compiled {
    Dictionary dictionary;
    std::map<std::uint16_t, std::unique_ptr<Codes>> codes;  // those that are checked; nullptr: none
    std::array<CompiledVersion, version_count> versions;
    std::array<std::unique_ptr<Codes>, version_count> value_types;  // table 0125: any datatype of the version
    // By version, type and event. Only what is frequent: others are looked up.
    std::unordered_map<std::uint64_t, std::shared_ptr<CompiledStructure const>> structures;

    Compiled(Dictionary of, std::set<std::uint16_t> closed_tables);
    CompiledSegment const* segment(Version version, std::uint32_t key) const;
    Type const* type(Version version, std::string_view name) const;
    static std::uint64_t structure_key(Version version, std::string_view type, std::string_view event);

  private:
    Codes const* codes_of(Version version, Position const& position, bool coded_first);
    Type const* compile_type(Version version, std::string_view name, int depth);
    Slot compile_slot(Version version, Position const& position, int depth);
    void compile_segments(Version version);
    void compile_structures(Version version);

    std::set<std::uint16_t> closed_;
};

}  // namespace hilum::hl7::validation
