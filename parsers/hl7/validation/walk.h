// One pass over a message: every segment, field, repetition, component and subcomponent against its slot in
// the dictionary and its element in the profile.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "parsers/hl7/profile.h"
#include "parsers/hl7/structure.h"
#include "parsers/hl7/validate.h"
#include "parsers/hl7/validation/compiled.h"

namespace hilum::hl7::validation {

class Walk {
  public:
    Walk(Message const& message, Rules const& rules, Report& report);
    void run();

    // The segment at hand, for conditions: raw fields, empty when absent.
    std::string_view segment_name() const { return name_; }
    std::string_view field(std::size_t number) const {
        return number <= field_count_ ? fields_[number - 1] : std::string_view{};
    }
    // Of the first repetition.
    std::string_view component(std::size_t field_number, std::uint32_t number) const;
    bool valued(std::size_t number) const { return !field(number).empty() && field(number) != "\"\""; }
    Version version() const { return version_; }
    std::string_view type() const { return type_; }    // MSH-9.1
    std::string_view event() const { return event_; }  // MSH-9.2
    // A finding in a field of the segment at hand.
    void report_field(std::uint32_t number, Rule rule, char severity, std::uint16_t code,
                      std::string_view subject);

    // ORC-2 and ORC-3 of the order that an OBR may repeat; taken by the first OBR after it.
    struct Order {
        std::string_view placer, filler;
        bool open = false;
    };
    Order order;

  private:
    static constexpr std::size_t fields_kept = 64;

    void read_header();
    void check_structure();
    void take_structure(Structure const& structure, bool by_profile);
    void report_structure(StructureFinding const& found, bool by_profile);
    void unknown_structure();
    void segment(std::size_t number);
    void split_fields(std::string_view text);
    void check_field(std::uint32_t number, std::string_view raw, unsigned marks, Slot const* slot,
                     ProfileElement const* element);
    void check_missing_fields(std::uint32_t from);
    // The slot of OBX-5 by the datatype that OBX-2 names (§7.4.2.5).
    Slot const& value_slot(Slot const& of);
    Slot adapted(Slot const& of, std::string_view datatype) const;
    void check_value(Slot const& slot, ProfileElement const* element, std::string_view raw, int level);
    void check_parts(Slot const& slot, ProfileElement const* element, std::string_view raw, int level);
    void check_plain(Slot const& slot, ProfileElement const* element, std::string_view raw);
    void check_together(Type const& type, std::string_view raw, char delimiter, int level);
    // True when there is a value to look at.
    bool check_presence(Slot const& slot, ProfileElement const* element, std::string_view raw);
    void check_length(Slot const& slot, ProfileElement const* element, std::string_view raw, int level);
    void check_profile_segments();
    bool holds(ProfileCondition const& condition) const;
    ProfileUsage usage_of(ProfileElement const& element) const;
    ProfileSegment const* profile_segment(std::size_t number) const;
    std::string_view plain(std::string_view raw);
    void report(Rule rule, char severity, std::uint16_t code, std::uint32_t number = 0,
                std::string_view subject = {}, bool by_profile = false);
    void set_level(int level, std::uint32_t number);

    Message const& message_;
    Compiled const& compiled_;
    Profile const* profile_;
    Report& report_;
    Delimiters const delimiters_;
    std::array<unsigned char, 256> marks_{};  // which bytes are delimiters

    Version version_ = assumed_version;
    std::string_view type_, event_, structure_name_;
    ProfileMessage const* profile_message_ = nullptr;
    std::optional<MessageStructure> structure_;

    // The segment at hand.
    std::string_view name_;
    std::size_t number_ = 0;
    CompiledSegment const* compiled_segment_ = nullptr;
    ProfileSegment const* profile_segment_ = nullptr;
    std::array<std::string_view, fields_kept> fields_;
    std::size_t field_count_ = 0;
    std::uint32_t key_ = 0;
    std::string_view value_type_;  // the OBX-2 that value_slot_ is for
    Slot value_slot_;
    FindingPlace place_;
    std::string scratch_;
};

}  // namespace hilum::hl7::validation
