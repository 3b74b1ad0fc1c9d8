// A place in a FHIR resource that a step writes to. The front of its text is any FHIRPath that selects
// elements which are there; the names at its end are made where they are missing:
//   Patient.active
//   Patient.identifier.where(system = 'urn:mrn').value
//   Bundle.entry.resource.ofType(Patient).meta.tag[0].code
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routes/steps/step.h"

namespace hilum::routes {

class FhirPath {
  public:
    // Reports what is no such path, and names that R4 does not have where the path says its type.
    static std::optional<FhirPath> compile(config::Text const& text, config::Diagnostics& diagnostics);
    std::string const& text() const { return text_; }

    // The elements it names that are there.
    Result<std::vector<fhir::Element>> find(Work& work) const;
    // Writes to each of them; where a selected element has none, one is made. In a resource of another type,
    // and where the front selects nothing, there is nothing to write to. Errors: "no_such_element" (the names
    // lead nowhere in this type, or to a place behind one that is not there yet), "bad_value" (text that the
    // type does not allow, such as "yes" for a boolean), "several_types" (value[x] without its type),
    // "no_parts" (a complex element has no text).
    Result<void> set(Work& work, std::string_view value) const;
    // Puts copies of `sources` where the path leads, in place of what is there; false: it leads nowhere in
    // this resource. Errors: those of set(), and "several_values" where there is room for one.
    Result<bool> put(Work& work, std::vector<fhir::Element> const& sources) const;

  private:
    struct Name {
        std::string name;
        std::optional<std::size_t> index{};  // from 0
    };
    struct Place {
        fhir::Element element;
        fhir::Type type;
    };
    Result<std::vector<Place>> fronts(Work& work) const;
    // The parents of what the last name names; `make`: those on the way are made.
    Result<std::vector<Place>> parents(Work& work, bool make) const;

    std::string text_;
    std::string root_;  // the type it begins with; "": any
    std::optional<expression::Expression> front_;
    std::vector<Name> names_;
};

// A primitive's text as a value of its type. Errors: "bad_value", "no_parts".
Result<void> write_primitive(Work& work, fhir::Element element, fhir::Type type, std::string_view value);

}  // namespace hilum::routes
