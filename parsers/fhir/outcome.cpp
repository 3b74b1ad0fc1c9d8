#include "parsers/fhir/outcome.h"

#include <algorithm>
#include <iterator>

#include "parsers/json.h"

namespace hilum::fhir {
namespace {

void issue(json::Writer& w, std::string_view severity, std::string_view code, std::string_view rule,
           std::string_view text, std::string_view location) {
    w.object([&] {
        w.field("severity", severity);
        w.field("code", code);
        if (!rule.empty()) {
            w.key("details");
            w.object([&] { w.field("text", rule); });
        }
        w.field_if("diagnostics", text);
        if (!location.empty()) {
            w.key("expression");
            w.array([&] { w.value(location); });
        }
    });
}

template <class Issues>
std::string outcome(Issues issues) {
    json::Writer w;
    w.object([&] {
        w.field("resourceType", "OperationOutcome");
        w.key("issue");
        w.array([&] { issues(w); });
    });
    return w.text();
}

}  // namespace

std::string_view name(Severity severity) {
    static constexpr std::string_view names[] = {"fatal", "error", "warning", "information"};
    return names[static_cast<std::size_t>(severity)];
}

bool refuses(std::span<Finding const> findings) {
    return std::any_of(findings.begin(), findings.end(),
                       [](Finding const& f) { return f.severity <= Severity::error; });
}

std::string operation_outcome(std::span<Finding const> findings) {
    return outcome([&](json::Writer& w) {
        for (auto const& f : findings) issue(w, name(f.severity), f.code, f.rule, f.text, f.location);
        if (findings.empty()) issue(w, "information", "informational", "", "no issues were found", "");
    });
}

std::string_view issue_type(Error const& error) {
    struct Row {
        std::string_view code, issue;
    };
    // What is not here is a matter of how the resource is written.
    static constexpr Row rows[] = {
        {"too_large", "too-long"},      {"xml_too_large", "too-long"},         {"too_deep", "too-costly"},
        {"xml_too_deep", "too-costly"}, {"unknown_resource", "not-supported"}, {"bad_value", "value"},
        {"empty_element", "required"},
    };
    auto const* const row =
        std::find_if(std::begin(rows), std::end(rows), [&](Row const& r) { return r.code == error.code; });
    return row == std::end(rows) ? "structure" : row->issue;
}

std::string operation_outcome(Error const& error) {
    std::string text = error.what;
    if (!error.place.empty()) text = error.place + ": " + text;
    if (!error.next.empty()) text += "; " + error.next;
    return outcome([&](json::Writer& w) { issue(w, "error", issue_type(error), error.code, text, ""); });
}

}  // namespace hilum::fhir
