#include "parsers/hl7/validate.h"

#include "parsers/hl7/profile.h"
#include "parsers/hl7/validation/walk.h"

namespace hilum::hl7 {

namespace {

constexpr std::array<std::string_view, rule_count> rule_names = {"version",
                                                                 "message_type",
                                                                 "message_structure",
                                                                 "segment_missing",
                                                                 "segment_unexpected",
                                                                 "segment_order",
                                                                 "segment_count",
                                                                 "required",
                                                                 "not_used",
                                                                 "withdrawn",
                                                                 "length",
                                                                 "datatype",
                                                                 "table",
                                                                 "repetition",
                                                                 "extra_field",
                                                                 "extra_component",
                                                                 "conditional",
                                                                 "constant",
                                                                 "profile"};

std::string with(std::string_view subject, std::string_view before, std::string_view after = {}) {
    std::string out(before);
    if (!subject.empty()) ((out += " (") += subject) += ")";
    return out += after;
}

std::string table_name(std::uint32_t number) {
    std::string digits = std::to_string(number);
    return "HL7" + std::string(digits.size() < 4 ? 4 - digits.size() : 0, '0') + digits;
}

}  // namespace

std::string_view name(Rule rule) {
    return rule_names[static_cast<std::size_t>(rule)];
}

std::string FindingPlace::err_location() const {
    std::string out = std::string(segment) + "^" + std::to_string(occurrence);
    if (field == 0) return out;
    out += "^" + std::to_string(field);
    if (repetition == 0) return out;
    out += "^" + std::to_string(repetition);
    if (component == 0) return out;
    out += "^" + std::to_string(component);
    if (subcomponent != 0) out += "^" + std::to_string(subcomponent);
    return out;
}

std::string FindingPlace::text() const {
    std::string out = std::string(segment) + "[" + std::to_string(occurrence) + "]";
    if (field == 0) return out;
    out += "-" + std::to_string(field);
    if (repetition > 1) out += "[" + std::to_string(repetition) + "]";
    if (component != 0) out += "." + std::to_string(component);
    if (subcomponent != 0) out += "." + std::to_string(subcomponent);
    return out;
}

std::string Finding::text() const {
    std::string const by = by_profile ? " by the profile" : "";
    switch (rule) {
        case Rule::version:
            return code == 101 ? "MSH-12 names no version"
                               : "MSH-12 names a version that HL7 has not published";
        case Rule::message_type:
            return code == 200 ? "no version has messages of this type"
                               : "this type of message has no such event";
        case Rule::message_structure:
            return with(subject, "MSH-9.3 is not the structure of this type and event");
        case Rule::segment_missing:
            return with(subject, "a required segment or group is missing") + by;
        case Rule::segment_unexpected:
            return "the message structure has no such segment";
        case Rule::segment_order:
            return "the segment is not where the message structure has it";
        case Rule::segment_count:
            return number == 0 ? "more of this segment than the message structure allows"
                               : "the segment has to come " + std::to_string(number) + " times" + by;
        case Rule::required:
            return with(subject, "a required value is missing") + by;
        case Rule::not_used:
            return with(subject, "this is not to be sent") + by;
        case Rule::withdrawn:
            return with(subject, "this version has withdrawn the field");
        case Rule::length:
            return code == 102 ? with(subject, "shorter than " + std::to_string(number) + " characters") + by
                               : with(subject, "longer than " + std::to_string(number) + " characters") + by;
        case Rule::datatype:
            return with(subject, "not in the form of its datatype",
                        ": " + std::string(pattern(static_cast<Lexical>(number))));
        case Rule::table:
            return by_profile ? with(subject, "not in the table") + by : "not in table " + table_name(number);
        case Rule::repetition:
            return with(subject, "the field may repeat " + std::to_string(number) + " times") + by;
        case Rule::extra_field:
            return "beyond the last field of this segment, " + std::to_string(number);
        case Rule::extra_component:
            return with(subject, "more components than the datatype has");
        case Rule::conditional:
            return std::string(subject);
        case Rule::constant:
            return with(subject, "not the value that is fixed") + by;
        case Rule::profile:
            return with(subject, "the profile has no message of this type and event");
    }
    return {};
}

void Report::clear() {
    findings.clear();
    errors = warnings = notes = 0;
    by_rule.fill(0);
}

Rules Rules::of(Dictionary dictionary, std::set<std::uint16_t> closed_tables) {
    Rules rules;
    rules.compiled_ =
        std::make_shared<validation::Compiled const>(std::move(dictionary), std::move(closed_tables));
    return rules;
}

Rules Rules::with(std::shared_ptr<Profile const> profile) const {
    Rules rules = *this;
    rules.profile_ = std::move(profile);
    return rules;
}

void validate(Message const& message, Rules const& rules, Report& report) {
    report.clear();
    validation::Walk(message, rules, report).run();
}

Report validate(Message const& message, Rules const& rules) {
    Report report;
    validate(message, rules, report);
    return report;
}

}  // namespace hilum::hl7
