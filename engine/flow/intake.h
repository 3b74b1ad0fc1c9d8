// The door of the flow, as listeners see it.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "engine/flow/fhir_intake.h"
#include "engine/net/asio.h"
#include "parsers/hl7/ack.h"

namespace hilum::flow {

struct Answer {
    hl7::AckCode code = hl7::AckCode::AA;
    std::string bytes;          // the whole ACK or NAK (ER7, unframed)
    std::uint64_t message = 0;  // its number in the store; 0 when it could not be stored
    bool stored = false;        // on disk: only then code is AA/CA
    bool owed = true;           // false: the sender asked for no answer (MSH-15, MSH-16), so none is sent
    std::string application{};  // enhanced mode: the application acknowledgement, which follows `bytes` on
                                // the same connection; empty when there is none, or it goes elsewhere
};

// One per listener; lives until the listener has stopped. Thread-safe.
class Intake {
  public:
    virtual ~Intake() = default;
    // Parse, route, commit, answer (engine/flow/accept.cpp is the story). Resumes on the caller's context;
    // `bytes` and `source` must live until then. Never throws; every input gets an Answer. Not cancellable:
    // it takes as long as the disk does.
    //  `source` is for the trace: "10.0.0.7:51234", "file:adt.hl7#3".
    virtual net::Task<Answer> accept(std::string_view bytes, std::string_view source) = 0;

    // The same for a FHIR interaction; a listener gives what its kind says (ListenerKind::content), and no
    // other.
    virtual net::Task<FhirAnswer> accept(FhirArrival const& arrival, std::string_view source) = 0;

    // What is wrong with a resource by what this listener holds resources against, whether it does so or not.
    virtual std::vector<fhir::Finding> check(fhir::Element resource) const = 0;

    // False while there is no room for messages: they would be refused, so a listener reads none.
    virtual bool takes() const { return true; }
    // Whether messages have to wait for their turn at all.
    virtual bool paced() const { return false; }
    // How long to wait before the next message is given: the turn is the caller's, who waits so long. Nothing
    // when that would be longer than `longest`: then no turn is taken.
    virtual std::optional<std::chrono::steady_clock::duration> turn(
        std::chrono::steady_clock::duration longest) {
        (void)longest;
        return std::chrono::steady_clock::duration::zero();
    }
};

}  // namespace hilum::flow
