// Quantities: numbers with a unit (http://hl7.org/fhirpath/N1/#quantity).
#pragma once

#include "routes/expression/ucum.h"
#include "routes/expression/value.h"

namespace hilum::expression {

std::string text_of(Quantity const& quantity);  // "4.5 'mg'", "3 days"
// "4.5 'mg'", "3 days", "2"; the unit is borrowed from `text`.
std::optional<Quantity> parse_quantity(std::string_view text);

// The unit of a quantity; calendar words below the month are what UCUM has for them.
std::optional<Unit> unit_of(Quantity const& quantity);
std::string_view ucum_of(std::string_view word);  // "d" of "days"; itself for other words

Truth equal(Quantity const& a, Quantity const& b);
bool equivalent(Quantity const& a, Quantity const& b);
std::optional<std::strong_ordering> compare(Quantity const& a, Quantity const& b);

// nullopt: other kinds, unknown units or an overflow. A made unit is put into `storage`.
std::optional<Quantity> add(Quantity const& a, Quantity const& b);
std::optional<Quantity> multiply(Quantity const& a, Quantity const& b, Storage& storage);
std::optional<Quantity> divide(Quantity const& a, Quantity const& b, Storage& storage);

}  // namespace hilum::expression
