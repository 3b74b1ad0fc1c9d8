// The commit acknowledgements of MLLP Release 2 (HL7 Version 3 Standard: Transport Specification - MLLP,
// Release 2): a block whose content is one byte, by which a receiver says that it has what it was sent on
// stable storage (<SB><ACK><EB><CR>), or that it could not store it (<SB><NAK><EB><CR>).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "parsers/mllp/decoder.h"

namespace hilum::mllp {

enum class Commit : char { ack = '\x06', nak = '\x15' };

// What the content of a frame says; nothing when it is a message.
constexpr std::optional<Commit> commit_of(std::string_view content) {
    if (content.size() != 1) return std::nullopt;
    if (content[0] == static_cast<char>(Commit::ack)) return Commit::ack;
    if (content[0] == static_cast<char>(Commit::nak)) return Commit::nak;
    return std::nullopt;
}

// Appends the block to `out`.
inline void encode(Commit commit, std::string& out, Framing framing = {}) {
    char const content = static_cast<char>(commit);
    encode(std::string_view(&content, 1), out, framing);
}

}  // namespace hilum::mllp
