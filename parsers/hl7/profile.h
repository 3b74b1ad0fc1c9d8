// A conformance profile (HL7 v2.8.2 §2.B): what a site or a guide allows of the standard. Read from YAML by
// routes/config/profile.h, from NIST's IGAMT by igamt.h; checked by validate().
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/path.h"

namespace hilum::hl7 {

// §2.B.7.5
enum class ProfileUsage : unsigned char {
    unsaid,       // what the standard says
    required,     // R
    empty,        // RE: to be sent where known, which no one can check
    optional,     // O
    conditional,  // C: by `condition`; without one nothing is checked
    not_used,     // X
};

using CodeSet = std::set<std::string, std::less<>>;

// True when each test is.
struct ProfileCondition {
    enum class Kind : unsigned char { valued, empty, in };
    struct Test {
        Path path;  // in the segment at hand when it is of that name, else in the first of its name
        Kind kind = Kind::valued;
        CodeSet codes;
    };
    std::vector<Test> tests;
};

// Of a field, component or subcomponent.
struct ProfileElement {
    std::uint32_t number = 0;  // from 1
    ProfileUsage usage = ProfileUsage::unsaid;
    ProfileUsage otherwise = ProfileUsage::unsaid;  // of a conditional one whose condition is false
    std::shared_ptr<ProfileCondition const> condition;
    std::optional<std::uint32_t> repetitions_min, repetitions_max;  // of a field; max 0: any number
    std::uint32_t length_min = 0;
    std::uint32_t length_max = 0;  // 0: nothing is said
    std::string datatype;          // "" : that of the standard
    std::shared_ptr<CodeSet const> codes;
    std::string table;  // the name of `codes`, for people
    std::optional<std::string> constant;
    std::shared_ptr<std::vector<ProfileElement> const> components;  // by number
};

struct ProfileSegment {
    std::string name;
    std::string group;  // "" : wherever it stands
    ProfileUsage usage = ProfileUsage::unsaid;
    std::optional<std::uint32_t> min, max;  // in its group, or the message without one; max 0: any number
    std::vector<ProfileElement> fields;     // by number
};

struct ProfileMessage {
    std::string type, event;  // MSH-9.1, MSH-9.2; "" : any
    // What it says of order and groups; without one, the structure of the standard.
    std::optional<Dictionary> dictionary;  // owns the structure
    std::optional<Structure> structure;
    std::vector<ProfileSegment> segments;
};

struct Profile {
    std::string name;
    std::vector<ProfileMessage> messages;

    // The first that fits; nullptr: the profile says nothing of such messages.
    ProfileMessage const* message(std::string_view type, std::string_view event) const;
};

}  // namespace hilum::hl7
