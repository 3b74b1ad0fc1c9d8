// A resource, or a part of one, held against a profile. What R4 itself demands is Walk's matter; here is what
// the profile adds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/fhir/profiles.h"
#include "parsers/fhir/validate.h"

namespace hilum::fhir {

class Walk;

class ProfileWalk {
  public:
    ProfileWalk(Walk& walk, Rules const& rules) : walk_(walk), rules_(rules), profiles_(*rules.profiles) {}
    void apply(Profile const& profile, Element element);

  private:
    // Where in a profile, and what stands there.
    struct Place {
        Profile const* profile;
        std::size_t number;
        ProfileElement const& wanted() const { return profile->elements[number]; }
        Place at(std::size_t other) const { return {profile, other}; }
    };
    struct Typed {
        Element element;
        Type type;
    };
    static constexpr std::uint32_t work_max = 2'000'000;  // elements looked at in all

    void element(Place place, Element element, Type type);
    void children(Place place, Element parent, Type type);
    void occurrences(Place place, Element parent, std::vector<Typed> const& all);
    void slices(Place place, Element parent, std::vector<Typed> const& all);
    void bound(Place place, Element element, Type type);
    void refers(Place place, Element element);
    void of_profiles(Place place, Element element);
    bool holds(Profile const& profile, Element element);
    bool in_slice(Place slice, std::vector<Discriminator> const& discriminators, Element element, Type type);
    bool told_apart(Place slice, Discriminator const& discriminator, Element element, Type type);
    bool is_valued(Place place, std::vector<std::string> const& path, std::size_t step, Element element,
                   Type type);
    bool is_bound(ProfileElement const& wanted, Element element, Type type) const;

    void wrong(std::string_view code, Element at, std::string_view rule, std::string text, Place place);
    void missing(Element parent, std::string_view name, Place place, std::string text);

    Walk& walk_;
    Rules const& rules_;
    Profiles const& profiles_;
    bool quiet_ = false, broken_ = false;  // on trial: nothing is reported, but whether something is wrong
    std::uint32_t work_ = 0;
};

// Whether they are the same, and whether `element` has at least what is in `pattern`
// (http://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_).
bool same(Element a, Element b);
bool includes(Element element, Element pattern);

}  // namespace hilum::fhir
