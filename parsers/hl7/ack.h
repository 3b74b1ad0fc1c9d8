// Acknowledgements, built and read (HL7 v2.8.2 §2.9, §2.15.8 MSA, §2.15.5 ERR; ERR-1 form up to 2.4).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/message.h"

namespace hilum::hl7 {

enum class AckCode : unsigned char { AA, AE, AR, CA, CE, CR };
std::string_view name(AckCode code);
std::optional<AckCode> ack_code(std::string_view text);

// One ERR segment.
struct AckError {
    std::string location{};    // "PID^1^3": segment, its number, field ..., always with ^ here; becomes ERR-2
                               // (2.5+) or the start of ERR-1 (up to 2.4); empty when unknown
    std::string code = "207";  // HL70357: 100 segment sequence error, 101 required field missing, 102 data
                               // type error, 103 table value not found, 200 unsupported message type, 201
                               // unsupported event code, 202 unsupported processing id, 203 unsupported
                               // version id, 207 application internal error ...
    std::string text{};        // ERR-7 / ERR-8, for people; no patient data
    char severity = 'E';       // ERR-4: E, W, I
    std::vector<AckError> further{};  // more of them: ERR segments of their own since 2.5, before that
                                      // repetitions of ERR-1 (§2.15.5; up to 2.4 there is one ERR)
};

struct AckOptions {
    std::string_view control_id{};  // MSH-10 of the answer
    std::string_view timestamp{};   // MSH-7 of the answer, already formatted (YYYYMMDDHHMMSS+ZZZZ)
    // MSH-15 and MSH-16 of the answer: in enhanced mode an answer says itself what it is owed (from 2.2; both
    // empty in original mode).
    std::string_view accept{};
    std::string_view application{};
    std::optional<std::int64_t> expected_sequence{};  // MSA-4, the sequence number protocol (§2.10.1)
};

// The answer to `message`: sender and receiver swapped, version and delimiters of the message, MSA-2 = its
// MSH-10. MSH-11, MSH-12 and MSH-18 are the message's. MSH-9 is ACK^event^ACK from 2.3.1, ACK^event from 2.2,
// ACK in 2.1. The error's text goes to ERR-8 (2.5+) and, up to 2.6, to MSA-3 too, which many senders read
// alone (2.7 withdrew it). A message whose version is unknown is answered as the latest. Appends to `out`;
// always succeeds.
void build_ack(Message const& message, AckCode code, AckOptions const& options, AckError const* error,
               std::string& out);

// The best NAK for bytes that are no message: uses what can be read of an MSH (delimiters, MSH-3..6, MSH-10,
// MSH-12). Empty when there is no "MSH" to answer to. MSA-1 is AR. Where MSH-11 or MSH-12 can't be read, P
// and 2.5.1 stand.
std::string build_nak_for_fragment(std::string_view bytes, AckOptions const& options, AckError const& error);

// What a receiver answered.
struct AckReading {
    AckCode code = AckCode::AA;
    std::string control_id;  // MSA-2
    std::string error_code;  // ERR-3.1, else ERR-1.4.1 (up to 2.4), else MSA-6.1; empty when none
    std::string text;  // the first there is of ERR-8, ERR-7, MSA-3, ERR-3.2, ERR-1.4.2: for the trace, may
                       // hold patient data
};
// Tolerated: absent MSH fields, further segments, lower case and blanks in MSA-1.
// Errors: "no_msa", "bad_msa_1", and those of Message::view.
Result<AckReading> read_ack(std::string_view bytes);

}  // namespace hilum::hl7
