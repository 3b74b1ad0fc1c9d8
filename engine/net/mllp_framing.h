// The three framing bytes of MLLP as configuration, for the listener and the destination alike.
#pragma once

#include "parsers/mllp/decoder.h"
#include "routes/config/describe.h"

namespace hilum::net {

struct MllpFraming {
    unsigned char start_byte = 0x0b;
    unsigned char end_byte = 0x1c;
    unsigned char trailer_byte = 0x0d;

    mllp::Framing framing() const {
        return {static_cast<char>(start_byte), static_cast<char>(end_byte), static_cast<char>(trailer_byte)};
    }
};

template <class V>
void describe(V& v, MllpFraming& o) {
    v.optional("start_byte", o.start_byte, "the byte before a message");
    v.optional("end_byte", o.end_byte, "the byte after a message");
    v.optional("trailer_byte", o.trailer_byte, "the byte after the end byte");
}

inline void check(MllpFraming const& o, config::Location const& at, config::Diagnostics& diagnostics) {
    if (o.start_byte != o.end_byte) return;
    diagnostics.error(at, "start_byte and end_byte are the same",
                      "leave both out for the standard's 0x0b and 0x1c");
}

}  // namespace hilum::net
