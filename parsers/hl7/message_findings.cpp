#include "parsers/hl7/message_findings.h"

#include "parsers/hl7/charset_check.h"

namespace hilum::hl7 {
namespace {

using Code = StructureFinding::Code;

std::string in_group(MessageView const& view, StructureFinding const& finding) {
    std::string const path = view.group_path(finding.group);
    if (!path.empty()) return path;
    auto const& structure = view.structure().structure();
    return structure ? std::string(structure->name()) : "the message";
}

std::string text_of(MessageView const& view, StructureFinding const& finding) {
    std::string const name(finding.name);
    switch (finding.code) {
        case Code::unknown_structure:
            return "no message structure is known for its type and event (MSH-9)";
        case Code::unexpected:
            return "the message structure has no such segment";
        case Code::out_of_place:
            return "out of place; it belongs to " + in_group(view, finding);
        case Code::too_many:
            return "one more than " + in_group(view, finding) + " allows";
        case Code::missing:
            return name + " is missing in " + in_group(view, finding);
        case Code::local:
            return "a segment of the sender's own";
    }
    return {};
}

std::string_view severity_of(Code code) {
    if (code == Code::local) return "information";
    return code == Code::unknown_structure ? "warning" : "error";
}

void add_structure(MessageView const& view, std::vector<MessageFinding>& findings) {
    for (auto const& finding : view.structure().findings()) {
        std::string place =
            finding.code == Code::unknown_structure ? "MSH-9" : view.segment_path(finding.segment);
        if (finding.code == Code::missing) place = "after " + place;
        findings.push_back({"structure", severity_of(finding.code), std::string(name(finding.code)),
                            std::move(place), text_of(view, finding)});
    }
}

void add_charset(MessageView const& view, std::vector<MessageFinding>& findings) {
    for (auto const& error : check_charset(view.message())) {
        std::string_view const severity = error.code == "undeclared_charset" ? "warning" : "error";
        findings.push_back({"charset", severity, error.code, error.place, error.what});
    }
}

}  // namespace

std::vector<MessageFinding> findings_of(MessageView const& view) {
    std::vector<MessageFinding> findings;
    add_structure(view, findings);
    add_charset(view, findings);
    return findings;
}

}  // namespace hilum::hl7
