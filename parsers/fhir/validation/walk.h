// One walk over a resource, which collects what is wrong with it. Recursion goes as deep as elements do,
// which the reader has bounded.
#pragma once

#include <bitset>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "parsers/fhir/schema.h"
#include "parsers/fhir/validate.h"

namespace hilum::fhir {

class Walk {
  public:
    Walk(Element root, Rules const& rules) : root_(root), rules_(rules), schema_(Schema::r4()) {}
    std::vector<Finding> run();

    // What is wrong, for the parts of the walk; a rule of docs/fhir.md and its issue-type.
    void add(Severity severity, std::string_view code, std::string location, std::string_view rule,
             std::string text);
    void wrong(std::string_view code, Element at, std::string_view rule, std::string text);
    void warn(std::string_view code, Element at, std::string_view rule, std::string text);
    void missing(Element parent, std::string_view child, std::string_view rule, std::string text);
    // Of the resource around: whether it contains one with that id, without the "#".
    bool contains(std::string_view id) const { return contained_.contains(id); }

  private:
    // The elements of one type while its properties are gone through.
    struct Seen {
        std::bitset<128> elements;
        Property const* property = nullptr;  // the one gone through last
        unsigned count = 0;
    };
    // Of the resource around: the nested ones know it as theirs.
    using Contained = std::unordered_map<std::string_view, Element>;

    void resource(Element element, bool contained);
    void content(Element parent, Type type);
    void property(Element written, Element parent, Type type, Seen& seen);
    bool written_well(Element written, Property const& property);
    void occurrence(Element element, Element parent, Property const& property, Seen& seen);
    void unknown(Element written, Element parent, Type type);
    void value(Element element, Property const& property);
    void primitive(Element element, Property const& property);
    void complex(Element element, Property const& property);
    void invariants(Element element, Type type, ElementDefinition const* definition);
    void invariant(std::size_t number, Element element, Type type);

    void bound_code(Element element, ElementDefinition const& definition);
    void bound_coding(Element element, ElementDefinition const& definition);
    void bound_concept(Element element, ElementDefinition const& definition);

    void profiles(Element resource, Type type, bool contained);
    void index_contained(Element resource);
    void index_entries();
    void reference(Element element, ElementDefinition const& definition);
    void entry(Element element);
    std::optional<Type> target_of(Element element, std::string_view reference);

    Element root_;
    Rules const& rules_;
    Schema const& schema_;
    std::vector<Finding> findings_;
    bool full_ = false;  // there is no room for more findings
    Contained contained_;
    std::unordered_map<std::string_view, Element> entries_;  // by fullUrl
    bool in_bundle_ = false;
};

}  // namespace hilum::fhir
