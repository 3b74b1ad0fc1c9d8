// What an Intake's answer means to a transport that must also say it in its own words (HTTP status, done or
// failed folder).
#pragma once

#include <string>

#include "engine/flow/intake.h"

namespace hilum::listeners {

enum class Verdict : unsigned char {
    accepted,  // AA, CA: on disk
    refused,   // the message is at fault: sent again, it would be refused again
    not_now,   // our side is: not stored, HL70357 206 or 207, or no NAK at all
};

Verdict verdict(flow::Answer const& answer);

// "AR" or "AE/101": the acknowledgment code and, when there is one, that of HL70357. No patient data.
std::string code_text(flow::Answer const& answer);

}  // namespace hilum::listeners
