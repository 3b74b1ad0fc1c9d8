// What the HL7 v2 standard says of segments, fields, datatypes, tables and message structures, version by
// version (2.1 to 2.8.2), and what a site declares on top of it. Sources, corrections and gaps:
// docs/dictionary.md.
//
// The standard's part is constant data in the binary: nothing is built at start, a look-up is a binary
// search and allocates nothing. Everything here is immutable once built and may be read from any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/version.h"
#include "parsers/result.h"

namespace hilum::hl7 {

// HL7 v2.8.2 §2.5.3.4 (optionality).
enum class Usage : char {
    required = 'R',
    optional = 'O',
    conditional = 'C',
    backward = 'B',   // kept for older versions
    withdrawn = 'W',  // removed from the standard
    unused = 'X',     // not used with this event
};

// A field of a segment, or a component of a datatype (then never repeating). Views live as long as the
// dictionary that gave them; those of the standard for ever.
struct Position {
    std::string_view name;              // "Patient Identifier List"
    std::string_view datatype;          // "CX"; "varies" where another field names it (OBX-5)
    std::uint32_t length_max = 0;       // characters; 0: the source gives none
    std::uint16_t repetitions_min = 0;  // 1 when required
    std::uint16_t repetitions_max = 1;  // 0: any number
    std::uint16_t table = 0;            // 203 for HL70203; 0: none
    Usage usage = Usage::optional;

    bool required() const { return usage == Usage::required; }
    friend bool operator==(Position const&, Position const&) = default;
};

// The fields of a segment or the components of a datatype, from 1.
class Positions {
  public:
    Positions() = default;
    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    // nullopt beyond the last one.
    std::optional<Position> at(std::size_t number) const;

  private:
    friend class Dictionary;
    std::uint16_t const* ids_ = nullptr;  // of the standard
    Position const* own_ = nullptr;       // of an overlay
    std::size_t count_ = 0;
};

struct Segment {
    std::string_view name;   // "PID"
    std::string_view title;  // "Patient Identification"
    Positions fields;
};

struct Datatype {
    std::string_view name;   // "CX"
    std::string_view title;  // "Extended Composite ID with Check Digit"
    Positions components;    // empty: primitive

    bool primitive() const { return components.empty(); }
};

enum class TableKind : unsigned char {
    hl7,      // defined by HL7: other codes are wrong
    user,     // suggestions: a site has its own
    unknown,  // the sources don't say
};

struct Code {
    std::string_view code;
    std::string_view meaning;
};

// A table with the codes of all versions together.
class Table {
  public:
    std::uint16_t number() const { return number_; }
    std::string_view name() const { return name_; }
    TableKind kind() const { return kind_; }
    // Codes in byte order, from 0. A table without codes is one that a site fills, or an external one.
    std::size_t size() const { return count_; }
    Code code(std::size_t index) const;
    // Exact, as codes are case-sensitive (§2.5.3.6); nullopt when it isn't in the table.
    std::optional<Code> find(std::string_view code) const;

  private:
    friend class Dictionary;
    std::uint16_t number_ = 0;
    TableKind kind_ = TableKind::unknown;
    std::string_view name_;
    std::uint32_t first_ = 0;    // of the standard
    Code const* own_ = nullptr;  // of an overlay
    std::size_t count_ = 0;
};

// One place in a message structure, in preorder: a group's children follow it.
struct StructureNode {
    std::string_view name;  // "OBX", "ORDER_OBSERVATION"
    std::uint16_t min = 0;
    std::uint16_t max = 1;   // 0: any number
    std::uint16_t span = 1;  // nodes from here to the end of this subtree, itself included
    bool group = false;
    bool choice = false;  // a group of which one child stands for the whole
};

// A message structure (§2.5.2): what segments, in what order, in what groups.
class Structure {
  public:
    std::string_view name() const { return name_; }  // "ORU_R01"
    // Nodes of the top level follow each other from 0, each with its subtree: the next sibling of node i is
    // i + node(i).span.
    std::size_t size() const { return count_; }
    StructureNode node(std::size_t index) const;

  private:
    friend class Dictionary;
    std::string_view name_;
    std::uint16_t const* ids_ = nullptr;  // of the standard
    StructureNode const* own_ = nullptr;  // of an overlay
    std::size_t count_ = 0;
};

// What a site adds or changes, as plain values: routes/config reads it from YAML.
struct DictionaryOverlay {
    struct Field {
        std::uint32_t number = 0;  // from 1
        // What is not given stays as it is in the standard; in a field the standard does not have: an
        // optional ST, once, without length or table.
        std::optional<std::string> name = {};
        std::optional<std::string> datatype = {};
        std::optional<std::uint32_t> length_max = {};
        std::optional<std::uint16_t> repetitions_max = {};
        std::optional<std::uint16_t> table = {};
        std::optional<Usage> usage = {};
    };
    struct Segment {
        std::string name = {};  // "ZPI", or one of the standard
        std::optional<std::string> title = {};
        std::vector<Field> fields = {};
    };
    struct Table {
        std::uint16_t number = 0;
        std::optional<std::string> name = {};
        std::map<std::string, std::string> codes = {};  // code to meaning; those of the standard stay
        bool closed = false;                            // no other codes are right: TableKind::hl7
    };
    struct Node {  // a segment, or a group when it has children
        std::string name = {};
        std::uint16_t min = 1;
        std::uint16_t max = 1;  // 0: any number
        std::vector<Node> children = {};
    };
    struct Structure {
        std::string name = {};                 // "ZDS_Z01", or one of the standard, which it replaces
        std::vector<std::string> events = {};  // "ZDS^Z01", "ORU^R01": the messages that have it
        std::vector<Node> nodes = {};          // from MSH on
    };
    std::vector<Segment> segments = {};
    std::vector<Table> tables = {};
    std::vector<Structure> structures = {};

    bool empty() const { return segments.empty() && tables.empty() && structures.empty(); }
};

// Copies share what they hold.
class Dictionary {
  public:
    // The standard alone. A constant: no construction, no lock.
    static Dictionary const& standard();
    // The standard with an overlay, which holds for every version. Errors (code "bad_dictionary", place
    // naming the entry): a segment or group name that is none, a field number of 0 or above 999, a datatype
    // no version has, a structure without segments, with more than 1,000 nodes or nested deeper than 16.
    static Result<Dictionary> with(DictionaryOverlay const& overlay);

    // nullopt: that version does not have it.
    std::optional<Segment> segment(Version version, std::string_view name) const;
    std::optional<Datatype> datatype(Version version, std::string_view name) const;
    std::optional<Position> field(Version version, std::string_view segment, std::size_t number) const;
    std::optional<Table> table(std::uint16_t number) const;
    // By its own name: "ORU_R01".
    std::optional<Structure> structure(Version version, std::string_view name) const;
    // For a message by MSH-9: its third component where that names a structure of this version, else by
    // type and event ("ADT", "A04" gives ADT_A01 since 2.3.1); a type alone gives its only or first
    // structure. A structure which this version lacks is looked for in later ones, then in earlier ones:
    // senders write 2.3 and send what came with 2.5.
    std::optional<Structure> structure(Version version, std::string_view type, std::string_view event,
                                       std::string_view named = {}) const;

    // Whether any version has a group of that name, and all such names in byte order: for checking paths.
    bool is_group(std::string_view name) const;
    std::vector<std::string_view> group_names() const;
    // The datatypes of all versions, in byte order: for checking and suggesting.
    std::vector<std::string_view> datatype_names() const;

  private:
    struct Overlay;
    constexpr Dictionary() = default;
    std::optional<Structure> structure_in(Version version, std::string_view key) const;
    std::shared_ptr<Overlay const> overlay_;  // nullptr: the standard alone
};

}  // namespace hilum::hl7
