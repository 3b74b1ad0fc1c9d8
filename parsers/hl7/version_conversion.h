// A message of one version of HL7 v2 as one of another (v2.8.2 §2.8, version compatibility).
//
// The standard keeps versions compatible by position: a new datatype's first components mean what the old
// datatype meant. So most of a message stays as it came, byte for byte, and what changes is:
//
//   MSH-12, MSH-9.3  the target's version and message structure (2.3.1 and later have MSH-9.3)
//   MSH-2            without the truncation character where the target has none (before 2.7)
//   TS to DTM        the first component; TS or DTM to DT: the date
//   XTN.1            to XTN.12 where it is withdrawn
//   OBX-2            the successor of a datatype that the target does not have (CE: CWE, TS: DTM, CK: CX)
//   fields that the target keeps for older versions only, to the place that the standard names instead:
//                    PID-2, PID-4, PID-19 and PID-20 to PID-3, PID-9 to PID-5, PID-12 to PID-11.9,
//                    PID-28 to PID-26, MRG-2 and MRG-4 to MRG-1, DG1-2, DG1-4, PR1-2 and PR1-4 to the code
//
// What the target has no place for stays where it is, or is dropped when that is asked for, and is listed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/dictionary.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/version.h"
#include "parsers/result.h"

namespace hilum::hl7 {

struct ConversionNote {
    enum class Kind : unsigned char {
        moved,    // to another place
        changed,  // what it means is the same
        kept,     // not carried: the target has no place for it; it stands where it stood
        dropped,  // not carried, and gone
    };
    Kind kind = Kind::kept;
    std::string path;    // in the message as it came: "PID-2", "OBX[2]-14[1].2", "SPM"
    std::string reason;  // for people, one sentence without a full stop; no values
};
std::string_view name(ConversionNote::Kind kind);  // "moved"

struct Conversion {
    std::string bytes;
    std::vector<ConversionNote> notes;  // in the order of the message, the first 1,000
    std::size_t note_count = 0;
};

struct ConversionOptions {
    std::optional<Version> from;  // nothing: what MSH-12 says
    bool drop = false;            // what the target has no place for, Z-segments excepted
};

// Errors: "same_version" (there is nothing to convert).
Result<Conversion> convert(Message const& message, Version to,
                           Dictionary const& dictionary = Dictionary::standard(),
                           ConversionOptions const& options = {});

}  // namespace hilum::hl7
