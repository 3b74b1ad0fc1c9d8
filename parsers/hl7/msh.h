// The paths of a message's header.
#pragma once

#include <cstdint>

#include "parsers/hl7/path.h"

namespace hilum::hl7 {

inline Path msh_field(std::uint32_t field, std::uint32_t component = 0) {
    Path path;
    path.segment[0] = 'M';
    path.segment[1] = 'S';
    path.segment[2] = 'H';
    path.field = field;
    path.component = component;
    return path;
}

}  // namespace hilum::hl7
