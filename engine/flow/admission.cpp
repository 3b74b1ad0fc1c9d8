#include "engine/flow/admission.h"

#include "parsers/hl7/escape.h"
#include "parsers/hl7/msh.h"

namespace hilum::flow {

namespace {

// HL70357.
constexpr char segment_sequence_error[] = "100";
constexpr char required_field_missing[] = "101";

}  // namespace

hl7::AckError unreadable(Error const& error) {
    return {"MSH^1", segment_sequence_error, error.what + (error.next.empty() ? "" : "; " + error.next), 'E'};
}

std::optional<hl7::AckError> admission_fault(hl7::Message const& message) {
    static auto const type = hl7::msh_field(9);
    static auto const control_id = hl7::msh_field(10);
    if (message.get(type).presence != hl7::Presence::value) {
        return hl7::AckError{"MSH^1^9", required_field_missing, "MSH-9 (message type) is empty", 'E'};
    }
    if (message.get(control_id).presence != hl7::Presence::value) {
        return hl7::AckError{
            "MSH^1^10", required_field_missing,
            "MSH-10 (message control ID) is empty, so no acknowledgement could name the message", 'E'};
    }
    if (message.find("MSH", 2) != 0) {
        return hl7::AckError{"MSH^2", segment_sequence_error,
                             "a second MSH segment: send one message at a time", 'E'};
    }
    return std::nullopt;
}

hl7::AckError refused_by_route(routes::Processed const& processed) {
    return {"", "207", "refused by a route: " + processed.rejection, 'E'};
}

std::string nak_without_header(std::string_view control_id, std::string_view timestamp,
                               hl7::AckError const& error) {
    std::string out = "MSH|^~\\&|HILUM||||";
    out.append(timestamp)
        .append("||ACK|")
        .append(control_id)
        .append("|P|2.5.1\rMSA|AR|\rERR||")
        .append(error.location);
    out.append("|").append(error.code).append("^^HL70357|").append(1, error.severity).append("|||");
    hl7::escape(error.text, {}, out);
    return out += '\r';
}

std::optional<FhirAnswer> admission_fault(fhir::Interaction const& interaction, Validator const* validator,
                                          std::string& note) {
    if (!interaction.has_body) return std::nullopt;
    if (auto const other = contradiction(interaction.request, interaction.resource))
        return refused(400, *other);
    if (!validator || validator->strength == listeners::Strength::off) return std::nullopt;
    auto const findings = validator->fhir->check(interaction.resource.root());
    note = fhir::summary(findings);
    if (validator->strength == listeners::Strength::enforce && fhir::refuses(findings))
        return not_valid(findings);
    return std::nullopt;
}

}  // namespace hilum::flow
