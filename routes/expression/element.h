// FHIR elements as items: their types, children and values (http://hl7.org/fhir/R4/fhirpath.html).
#pragma once

#include <optional>

#include "routes/expression/value.h"

namespace hilum::expression {

// The element with the type that the definitions give it, found from its resource down.
Item typed(fhir::Element element);
// Appends the children of that name, as FHIRPath names them: `value` finds valueQuantity. Returns how many
// were looked at.
std::size_t members(Item const& parent, std::string_view name, Collection& out);
std::size_t children(Item const& parent, Collection& out);

// The System type that a primitive stands for; nullopt for complex types.
std::optional<Type> system_type(fhir::Type type);

// A primitive as the value it stands for, a Quantity as a quantity; other items and elements as they are;
// nullopt for a primitive without a value.
std::optional<Item> value_of(Item const& item, Storage& storage);
// The text of a text-like primitive (string, code, uri and their kin).
std::optional<std::string_view> text_of_element(Item const& item);

// Two complex elements, with all that is in them; `similar` is `~`. Adds to `steps` what it compared.
bool same_elements(fhir::Element a, fhir::Element b, bool similar, std::uint64_t& steps);

// The resource around the element: its own contained one, or (`outermost`) the one that is in nothing but a
// Bundle.
Item resource_of(fhir::Element element, bool outermost);

}  // namespace hilum::expression
