#include "engine/destinations/hl7_answer.h"

#include "parsers/hl7/ack.h"

namespace hilum::destinations {

std::optional<Attempt> read_hl7_answer(std::string_view bytes, std::string_view control_id) {
    constexpr std::size_t kept = 4096;
    auto reading = hl7::read_ack(bytes);
    Attempt attempt;
    attempt.answer = bytes.substr(0, kept);
    if (!reading) {
        attempt.result = AttemptClass::bad_answer;
        attempt.code = reading.error().code;
        attempt.text = reading.error().text();
        return attempt;
    }
    if (reading->control_id != control_id) return std::nullopt;
    attempt.code = hl7::name(reading->code);
    if (!reading->error_code.empty()) attempt.code += "/" + reading->error_code;
    attempt.text = reading->text;
    using enum hl7::AckCode;
    if (reading->code == AA || reading->code == CA) return attempt;
    // HL70357 206: application record locked, 207: application internal error. Both may pass by themselves.
    bool const busy = reading->error_code == "206" || reading->error_code == "207";
    bool const reject = reading->code == AR || reading->code == CR;
    attempt.result = busy ? AttemptClass::busy : reject ? AttemptClass::ar : AttemptClass::ae;
    return attempt;
}

Wanted wanted(hl7::AckRequest const& request, WaitFor wait_for) {
    using enum hl7::AckCondition;
    Wanted out;
    if (wait_for == WaitFor::none) return out;
    if (wait_for == WaitFor::application) {
        out.application = true;
    } else if (wait_for == WaitFor::accept || !request.enhanced) {
        out.accept = true;
    } else {
        // SU is waited for as AL is: silence then means a failure.
        out.accept = request.accept == AL || request.accept == SU;
        out.application = request.application == AL || request.application == SU;
        out.quiet = out.nothing() && (request.accept == ER || request.application == ER);
        // NE and NE: written is not delivered (a receiver that ends now has lost it), and most receivers answer
        // whatever they are asked. Who never answers is to be named by `wait_for: none`.
        if (out.nothing()) out.accept = true;
    }
    return out;
}

}  // namespace hilum::destinations
