// Profiles: what a site, a country or a project demands on top of FHIR R4
// (http://hl7.org/fhir/R4/profiling.html), read from StructureDefinitions with a snapshot. Read once; asked
// by any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "parsers/fhir/definitions.h"
#include "parsers/fhir/resource.h"
#include "parsers/result.h"

namespace hilum::fhir {

// How the slices of an element are told apart (http://hl7.org/fhir/R4/profiling.html#discriminator).
struct Discriminator {
    enum class Kind : unsigned char { value, exists, pattern, type, profile };
    Kind kind = Kind::value;
    std::vector<std::string>
        path;  // elements from the sliced one; empty is $this; "extension(url)" as one of them
};

struct ProfileConstraint {
    std::string key, human, expression;
    bool error = true;
};

// One element of a snapshot; numbers of others are places in Profile::elements.
struct ProfileElement {
    std::string name;   // without [x]; of the root the type
    std::string slice;  // its name; "" of what is no slice
    unsigned min = 0, max = ElementDefinition::unbounded;
    unsigned base_min = 0;
    Element fixed, pattern;                // one that does not exist() when there is none
    std::vector<Type> types;               // empty: as R4 has it
    std::vector<std::string> profiles;     // of its type: one of them has to hold
    std::vector<std::string> targets;      // of a Reference, profiles or R4's resources; empty: any
    std::string value_set;                 // of a required binding
    std::vector<std::size_t> constraints;  // numbers in Profiles::constraints()
    std::vector<Discriminator> discriminators;
    bool closed = false;  // nothing but the slices
    std::vector<std::size_t> children, slices;
};

struct Profile {
    std::string url, name;
    Type type;
    std::vector<ProfileElement> elements;  // the first is the root
};

class Profiles {
  public:
    // Takes in the StructureDefinitions, ValueSets and CodeSystems of a FHIR package. Errors: those of
    // read_package and of Resource::read_json, "no_snapshot".
    Result<void> add_package(std::string_view tgz);
    // Takes in one of these; others are passed over.
    Result<void> add(std::string json);

    Profile const* find(std::string_view url) const;  // with or without |version; nullptr: not known here
    std::vector<std::string_view> names() const;      // their urls
    // Numbered as fhir::invariant() does, from invariant_count() on.
    std::vector<ProfileConstraint> const& constraints() const { return constraints_; }
    // Whether the codes of the value set are listed here, and whether the code is one of them.
    bool lists(std::string_view value_set) const;
    bool has(std::string_view value_set, std::string_view system, std::string_view code) const;
    bool has(std::string_view value_set, std::string_view code) const;

  private:
    using Codes = std::set<std::pair<std::string, std::string>>;  // system, code

    Result<void> take(std::string json);
    Result<void> add_profile(Element definition);
    std::size_t add_element(Profile& profile, Element element);
    Codes const* codes_of(std::string_view value_set) const;
    void list_codes();
    void list_codes(std::string const& value_set, Element definition);

    std::vector<std::unique_ptr<Resource const>> kept_;  // what fixed values and patterns stand in
    std::map<std::string, Profile, std::less<>> profiles_;
    std::map<std::string, Element, std::less<>> value_sets_, code_systems_;
    std::map<std::string, Codes, std::less<>> codes_;
    std::vector<ProfileConstraint> constraints_;
};

}  // namespace hilum::fhir
