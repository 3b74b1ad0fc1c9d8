// A message as people read it: every value that is there, with the dictionary's names and the meaning of
// codes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/lookup.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/structure.h"

namespace hilum::hl7 {

// A field, and below it, where it has them, its components and theirs. Views live as long as the dictionary.
struct ValueView {
    std::string path;  // "OBX[2]-5[1].2": good for --path
    std::uint32_t field = 0, repetition = 1, component = 0, subcomponent = 0;  // 0: not below the field
    bool whole = false;  // its parts follow; text is then as it stands, with delimiters and escapes
    bool null = false;   // HL7's explicit null
    std::string text;    // UTF-8
    std::string_view name, datatype;
    std::uint16_t table = 0;  // of HL7's tables; 0: none
    std::string_view table_name;
    std::string_view meaning;  // of the code, where the table has it

    int level() const { return subcomponent != 0 ? 3 : component != 0 ? 2 : 1; }
};

struct SegmentView {
    std::size_t number = 0;   // in the message, from 1
    std::string name, path;   // "OBX", "OBX[2]"
    std::string_view title;   // "Observation/Result"; empty when not known
    std::uint32_t group = 0;  // an index into MessageStructure::groups()
    std::vector<ValueView> values;
};

// The message and the dictionary must outlive it.
class MessageView {
  public:
    explicit MessageView(Message const& message, Dictionary const& dictionary = Dictionary::standard());

    Message const& message() const { return message_; }
    Lookup const& lookup() const { return lookup_; }
    MessageStructure const& structure() const { return structure_; }
    std::size_t segment_count() const { return message_.segment_count(); }
    SegmentView segment(std::size_t number) const;
    std::string segment_path(std::size_t number) const;  // "OBX[2]"
    // "PATIENT_RESULT/ORDER_OBSERVATION[2]"; "" for the message itself
    std::string group_path(std::uint32_t group) const;
    // A segment's line as it stands, in UTF-8.
    std::string line(std::size_t number) const;

  private:
    struct Place;
    void add_field(SegmentView& out, std::size_t number, std::string_view raw, std::string_view text) const;
    void add_parts(SegmentView& out, Place const& place, std::string_view raw, int level) const;
    void add(SegmentView& out, Place const& place, std::string_view raw, bool whole) const;
    std::string as_it_stands(std::string_view raw) const;

    Message const& message_;
    Lookup lookup_;
    MessageStructure structure_;
    std::vector<std::uint32_t> occurrences_;  // by segment number less one, among those of its name
};

}  // namespace hilum::hl7
