#include "parsers/hl7/ack_owed.h"

#include <array>
#include <utility>

#include "parsers/hl7/msh.h"
#include "parsers/hl7/version.h"

namespace hilum::hl7 {

namespace {

bool valued(AckCondition condition) {
    return condition != AckCondition::none && condition != AckCondition::unknown;
}

bool due(AckCondition condition, AckOutcome outcome) {
    switch (condition) {
        case AckCondition::AL:
            return true;
        case AckCondition::ER:
            return outcome != AckOutcome::stored;
        case AckCondition::SU:
            return outcome == AckOutcome::stored;
        case AckCondition::NE:
        case AckCondition::none:
        case AckCondition::unknown:
            break;
    }
    return false;
}

AckCode accept_code(AckOutcome outcome) {
    return outcome == AckOutcome::stored  ? AckCode::CA
           : outcome == AckOutcome::error ? AckCode::CE
                                          : AckCode::CR;
}

AckCode application_code(AckOutcome outcome) {
    return outcome == AckOutcome::stored  ? AckCode::AA
           : outcome == AckOutcome::error ? AckCode::AE
                                          : AckCode::AR;
}

}  // namespace

AckCondition ack_condition(std::string_view text) {
    using enum AckCondition;
    constexpr std::array<std::pair<std::string_view, AckCondition>, 4> table = {
        {{"AL", AL}, {"NE", NE}, {"ER", ER}, {"SU", SU}}};
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
    while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
    if (text.empty() || text == "\"\"") return none;
    auto const upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
    for (auto const& [name, condition] : table) {
        if (text.size() == 2 && upper(text[0]) == name[0] && upper(text[1]) == name[1]) return condition;
    }
    return unknown;
}

AckRequest ack_request(AckCondition msh_15, AckCondition msh_16) {
    AckRequest request;
    if (!valued(msh_15) && !valued(msh_16)) return request;
    request.enhanced = true;
    request.accept = msh_15 == AckCondition::unknown ? AckCondition::AL
                     : valued(msh_15)                ? msh_15
                                                     : AckCondition::NE;
    request.application = valued(msh_16) ? msh_16 : AckCondition::NE;
    return request;
}

AckRequest ack_request(Message const& message) {
    static Path const version_id = msh_field(12, 1);
    static Path const type = msh_field(9, 1);
    static Path const accept = msh_field(15);
    static Path const application = msh_field(16);
    auto const asks_accept = message.get(accept);
    auto const asks_application = message.get(application);
    if (asks_accept.raw.empty() && asks_application.raw.empty()) return {};
    if (version_of(message.get(version_id).raw) < Version::v2_2) return {};
    auto request = ack_request(ack_condition(asks_accept.raw), ack_condition(asks_application.raw));
    if (request.enhanced && message.get(type).raw == "ACK") request.application = AckCondition::NE;
    return request;
}

AcksOwed acks_owed(AckRequest const& request, AckOutcome outcome) {
    AcksOwed owed;
    if (!request.enhanced) {
        owed.application = application_code(outcome);
        return owed;
    }
    if (due(request.accept, outcome)) owed.accept = accept_code(outcome);
    bool const told = owed.accept && outcome != AckOutcome::stored;
    if (!told && due(request.application, outcome)) owed.application = application_code(outcome);
    return owed;
}

}  // namespace hilum::hl7
