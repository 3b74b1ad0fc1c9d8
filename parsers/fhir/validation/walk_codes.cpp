// Required bindings (http://hl7.org/fhir/R4/terminologies.html#required): a code that the value set does not
// have is an error, whatever its text says.
#include <algorithm>

#include "parsers/fhir/validation/walk.h"

namespace hilum::fhir {
namespace {

constexpr std::string_view currencies = "http://hl7.org/fhir/ValueSet/currencies";

std::string_view text_of(Element parent, std::string_view name) {
    auto const child = parent.child(name);
    return child.exists() ? child.text() : std::string_view();
}

std::string not_in(ValueSet set) {
    return "the code is not in the value set " + std::string(set.url());
}

// Of a set that only a terminology server knows, what its codes look like: three capitals of ISO 4217.
bool looks_right(ValueSet set, std::string_view code) {
    return set.url() != currencies || (code.size() == 3 && std::all_of(code.begin(), code.end(), [](char c) {
                                           return c >= 'A' && c <= 'Z';
                                       }));
}

}  // namespace

void Walk::bound_code(Element element, ElementDefinition const& definition) {
    auto const set = definition.value_set;
    bool const good = set.listed() ? set.has(element.text()) : looks_right(set, element.text());
    if (!good) wrong("code-invalid", element, "binding", not_in(set));
}

void Walk::bound_coding(Element element, ElementDefinition const& definition) {
    auto const set = definition.value_set;
    if (set.listed() && !set.has(text_of(element, "system"), text_of(element, "code")))
        wrong("code-invalid", element, "binding", not_in(set));
}

void Walk::bound_concept(Element element, ElementDefinition const& definition) {
    auto const set = definition.value_set;
    if (!set.listed()) return;
    for (auto c = element.child("coding"); c.exists(); c = c.next())
        if (c.name() == "coding" && set.has(text_of(c, "system"), text_of(c, "code"))) return;
    wrong("code-invalid", element, "binding",
          "none of the codings is in the value set " + std::string(set.url()));
}

}  // namespace hilum::fhir
