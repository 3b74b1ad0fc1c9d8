#include <algorithm>
#include <utility>
#include <vector>

#include "engine/cli/commands.h"
#include "engine/cli/output.h"
#include "engine/cli/resource_file.h"
#include "parsers/fhir/location.h"
#include "parsers/fhir/validate.h"
#include "routes/fhir_invariants.h"

namespace hilum::cli {
namespace {

Style style_of(fhir::Severity severity) {
    if (severity == fhir::Severity::information) return Style::faint;
    return severity == fhir::Severity::warning ? Style::warning : Style::error;
}

// The element behind `e` as a reader goes: below it, beside it, or beside what is around it.
fhir::Element following(fhir::Element e) {
    if (auto const below = e.first(); below.exists()) return below;
    while (e.exists() && !e.next().exists()) e = e.parent();
    return e.exists() ? e.next() : e;
}

// Every value with its place.
std::string listing(fhir::Resource const& resource, Paint const& paint) {
    std::vector<std::pair<std::string, std::string>> rows;
    std::size_t width = 0;
    for (auto e = resource.root(); e.exists(); e = following(e)) {
        if (!e.has_value() || e.name() == "resourceType") continue;
        rows.emplace_back(printable(fhir::location(e, resource.root())), printable(e.text()));
        width = std::max(width, columns(rows.back().first));
    }
    std::string out;
    for (auto const& [place, value] : rows)
        out += paint(Style::faint, place) + std::string(width - columns(place) + 2, ' ') + value + "\n";
    return out;
}

}  // namespace

int inspect_resource(std::string const& file, std::string text, bool json, Paint const& paint) {
    auto const bytes = text.size();
    auto const resource = read_resource(std::move(text));
    if (!resource) {
        complain(printable(file) + ": " + resource.error().text());
        return answer_is_no;
    }
    auto const findings = fhir::validate(resource->root(), {&FhirInvariants::r4()});
    if (json) {
        answer(fhir::operation_outcome(findings) + "\n");
        return good;
    }
    auto out = "resource " + printable(resource->type()) + ", FHIR R4, " + std::to_string(bytes) + " bytes\n";
    for (auto const& f : findings)
        out += paint(style_of(f.severity), name(f.severity)) + ": " + printable(f.location) + ": " + f.text +
               " (" + f.rule + ")\n";
    answer(out + listing(*resource, paint));
    return good;
}

}  // namespace hilum::cli
