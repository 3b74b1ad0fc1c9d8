// The versions of HL7 v2 (table 0104).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace hilum::hl7 {

// In order: later versions compare greater.
enum class Version : std::uint8_t {
    v2_1,
    v2_2,
    v2_3,
    v2_3_1,
    v2_4,
    v2_5,
    v2_5_1,
    v2_6,
    v2_7,
    v2_7_1,
    v2_8,
    v2_8_1,
    v2_8_2,
};
constexpr std::size_t version_count = 13;

// What is assumed of a message whose MSH-12 says nothing usable: by far the most frequent in the field.
constexpr Version assumed_version = Version::v2_5_1;

std::string_view name(Version version);  // "2.5.1"

// Exactly a version of table 0104: "2.5.1".
std::optional<Version> version_named(std::string_view text);

// What is meant by MSH-12 or its first component, as raw text: "2.5.1^USA" "v2.5" " 2.3 " "2.5.2" (the
// greatest known one not above: 2.5.1), "2.9" (2.8.2), "2" or nothing usable: assumed_version.
Version version_of(std::string_view msh12);

}  // namespace hilum::hl7
