// The fields that later versions replace by a place in another field of the same segment.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace hilum::hl7 {

struct FieldMove {
    enum class How : unsigned char {
        identifier,  // a CX, CK or ST becomes one more repetition of a list of CX
        license,     // a DLN does
        repetition,  // becomes one more repetition as it is
        component,   // becomes a component of the only repetition
        alias,       // a name becomes one more repetition, its type (XPN.7) A
    };
    std::string_view segment;
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    How how = How::repetition;
    std::uint32_t component = 0;  // How::component
    std::string_view type;        // How::identifier and license: CX.5, where it has none (table 0203)
};

std::span<FieldMove const> field_moves();

// The successor (or, to an older version, predecessor) candidates of a datatype in OBX-2.
struct DatatypeSuccessor {
    std::string_view older;
    std::string_view newer;
};
std::span<DatatypeSuccessor const> datatype_successors();

}  // namespace hilum::hl7
