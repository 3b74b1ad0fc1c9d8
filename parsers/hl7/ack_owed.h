// Which acknowledgements a message is owed: MSH-15 and MSH-16 against what became of it.
//
// HL7 v2.8.2 §2.9.2 (original mode): MSH-15 and MSH-16 are both empty; one application acknowledgment (AA,
// AE, AR) answers the message. §2.9.3 (enhanced mode): at least one is valued; an accept acknowledgment (CA,
// CE, CR) says whether the message is safely stored, and an application acknowledgment, a later message of
// its own, what the application made of it. Each goes out under the condition of table HL70155: AL always, NE
// never, ER for errors and rejects, SU for success.
#pragma once

#include <optional>
#include <string_view>

#include "parsers/hl7/ack.h"

namespace hilum::hl7 {

// Table HL70155. `none`: empty or null. `unknown`: a value that the table doesn't have.
enum class AckCondition : unsigned char { none, AL, NE, ER, SU, unknown };
AckCondition ack_condition(std::string_view text);  // blanks and lower case are tolerated

// What a message asks for, after the tolerances:
// - a value outside the table alone does not make the mode enhanced: whoever wrote it expects the usual
//   answer;
// - in enhanced mode an empty MSH-15 or MSH-16 asks for nothing (as NE); an unknown MSH-15 counts as AL,
// since
//   a sender that waits in vain would send again for ever, and an unknown MSH-16 as NE, since a second answer
//   that nobody expects would be taken for the next message's;
// - 2.1 has no enhanced mode: its MSH has no such fields;
// - an acknowledgment is owed no application acknowledgment (§2.9.3.2).
struct AckRequest {
    bool enhanced = false;
    AckCondition accept = AckCondition::none;       // AL, NE, ER or SU in enhanced mode, else none
    AckCondition application = AckCondition::none;  // the same
};
AckRequest ack_request(AckCondition msh_15, AckCondition msh_16);
AckRequest ack_request(Message const& message);

// stored: the receiver has taken responsibility for it. error, rejected: as AE/CE and AR/CR.
enum class AckOutcome : unsigned char { stored, error, rejected };

struct AcksOwed {
    std::optional<AckCode> accept;       // CA, CE, CR
    std::optional<AckCode> application;  // AA, AE, AR
    bool any() const { return accept || application; }
};

// The whole table. A message that the accept acknowledgment has refused never gets to an application
// (§2.9.3.1 b, c), so an error is told once: by CE or CR where those are asked for, else by AE or AR where
// those are.
AcksOwed acks_owed(AckRequest const& request, AckOutcome outcome);

}  // namespace hilum::hl7
