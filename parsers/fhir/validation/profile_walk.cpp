#include "parsers/fhir/validation/profile_walk.h"

#include <algorithm>
#include <utility>

#include "parsers/fhir/schema.h"
#include "parsers/fhir/validation/reference_text.h"
#include "parsers/fhir/validation/walk.h"

namespace hilum::fhir {
namespace {

std::string_view text_of(Element parent, std::string_view name) {
    auto const child = parent.child(name);
    return child.exists() && child.kind() == Kind::string ? child.text() : std::string_view();
}

Type type_below(Element element, Property const& property) {
    if (property.type.kind() != Type::Kind::resource) return property.type;
    return Type::find(element.resource_type());
}

// Whether the profile's element of that name means this property: value[x], or valueQuantity alone.
bool names(ProfileElement const& wanted, Property const& property) {
    return wanted.name == property.element->name || wanted.name == property.name;
}

std::string times(std::size_t count) {
    return std::to_string(count) + (count == 1 ? " time" : " times");
}

}  // namespace

void ProfileWalk::wrong(std::string_view code, Element at, std::string_view rule, std::string text,
                        Place place) {
    broken_ = true;
    if (!quiet_) walk_.wrong(code, at, rule, std::move(text) + " (profile " + place.profile->name + ")");
}

void ProfileWalk::missing(Element parent, std::string_view name, Place place, std::string text) {
    broken_ = true;
    if (!quiet_)
        walk_.missing(parent, name, "cardinality",
                      std::move(text) + " (profile " + place.profile->name + ")");
}

void ProfileWalk::apply(Profile const& profile, Element element) {
    auto const type =
        profile.type.kind() == Type::Kind::resource ? Type::find(element.resource_type()) : profile.type;
    Place const root{&profile, 0};
    if (!type.exists() || !type.is(profile.type))
        return wrong("structure", element, "profile-type", "the profile is for another type", root);
    this->element(root, element, type);
}

void ProfileWalk::element(Place place, Element element, Type type) {
    if (++work_ > work_max) return;
    auto const& wanted = place.wanted();
    bool const right_type =
        wanted.types.empty() || place.number == 0 || !type.exists() ||
        std::any_of(wanted.types.begin(), wanted.types.end(), [&](Type t) { return type.is(t); });
    if (!right_type)
        return wrong("structure", element, "choice-type", "the element can't be of this type", place);
    if (wanted.fixed.exists() && !same(element, wanted.fixed))
        wrong("value", element, "fixed", "the value is not the one that is fixed", place);
    if (wanted.pattern.exists() && !includes(element, wanted.pattern))
        wrong("value", element, "pattern", "the value lacks something of the pattern", place);
    bound(place, element, type);
    refers(place, element);
    of_profiles(place, element);
    for (auto const number : wanted.constraints) {
        auto const& constraint = profiles_.constraints()[number - invariant_count()];
        if (!rules_.invariants ||
            rules_.invariants->test(number, element, type) != Invariants::Answer::broken)
            continue;
        if (constraint.error) {
            wrong("invariant", element, constraint.key, constraint.human, place);
        } else if (!quiet_) {
            walk_.warn("invariant", element, constraint.key, constraint.human);
        }
    }
    children(place, element, type);
}

void ProfileWalk::children(Place place, Element parent, Type type) {
    for (auto const number : place.wanted().children) {
        auto const& wanted = place.at(number).wanted();
        std::vector<Typed> all;
        for (auto e = parent.first(); e.exists(); e = e.next()) {
            auto const* const property = Schema::r4().find(type, e.name());
            if (!property || !names(wanted, *property)) continue;
            all.push_back({e, type_below(e, *property)});
        }
        occurrences(place.at(number), parent, all);
    }
}

void ProfileWalk::occurrences(Place place, Element parent, std::vector<Typed> const& all) {
    auto const& wanted = place.wanted();
    // What R4 itself wants, it has said already.
    if (all.size() < wanted.min && !(all.empty() && wanted.base_min > 0))
        missing(parent, wanted.name, place, "the element has to be there at least " + times(wanted.min));
    if (all.size() > wanted.max && wanted.max != ElementDefinition::unbounded)
        wrong("structure", all[wanted.max].element, "cardinality",
              "the element may be there at most " + times(wanted.max), place);
    for (auto const& one : all) element(place, one.element, one.type);
    if (!wanted.slices.empty()) slices(place, parent, all);
}

void ProfileWalk::slices(Place place, Element parent, std::vector<Typed> const& all) {
    auto const& wanted = place.wanted();
    if (wanted.discriminators.empty()) return;
    std::vector<std::size_t> counts(wanted.slices.size());
    for (auto const& [e, type] : all) {
        bool found = false;
        for (std::size_t i = 0; i < counts.size() && !found; ++i) {
            auto const slice = place.at(wanted.slices[i]);
            found = in_slice(slice, wanted.discriminators, e, type);
            if (!found) continue;
            ++counts[i];
            element(slice, e, type);
        }
        if (!found && wanted.closed)
            wrong("structure", e, "slice", "the element is none of those that the profile knows", place);
    }
    for (std::size_t i = 0; i < counts.size(); ++i) {
        auto const slice = place.at(wanted.slices[i]);
        auto const& limits = slice.wanted();
        if (counts[i] < limits.min)
            missing(
                parent, wanted.name, slice,
                "of the slice " + limits.slice + " there have to be at least " + std::to_string(limits.min));
        if (counts[i] > limits.max && limits.max != ElementDefinition::unbounded)
            missing(parent, wanted.name, slice,
                    "of the slice " + limits.slice + " there may be at most " + std::to_string(limits.max));
    }
}

bool ProfileWalk::is_bound(ProfileElement const& wanted, Element element, Type type) const {
    static Type const coding = Type::find("Coding"), concept_type = Type::find("CodeableConcept");
    auto const in_set = [&](Element c) {
        return profiles_.has(wanted.value_set, text_of(c, "system"), text_of(c, "code"));
    };
    if (type == coding) return in_set(element);
    if (type != concept_type) return !element.has_value() || profiles_.has(wanted.value_set, element.text());
    for (auto c = element.child("coding"); c.exists(); c = c.next())
        if (c.name() == "coding" && in_set(c)) return true;
    return false;
}

void ProfileWalk::bound(Place place, Element element, Type type) {
    auto const& wanted = place.wanted();
    if (wanted.value_set.empty() || !profiles_.lists(wanted.value_set) || is_bound(wanted, element, type))
        return;
    wrong("code-invalid", element, "binding", "the code is not in the value set " + wanted.value_set, place);
}

// As far as the reference itself says where it leads.
void ProfileWalk::refers(Place place, Element element) {
    auto const& targets = place.wanted().targets;
    auto const reference = targets.empty() || element.has_value() ? "" : text_of(element, "reference");
    if (reference.empty()) return;
    auto type = type_of_relative(reference);
    if (!type) type = type_of_absolute(reference);
    if (!type) return;
    bool const good = std::any_of(targets.begin(), targets.end(), [&](std::string const& url) {
        auto target = Type::find(std::string_view(url).substr(url.rfind('/') + 1));
        if (auto const* const profile = profiles_.find(url)) target = profile->type;
        return !target.exists() || type->is(target);
    });
    if (!good)
        wrong("value", element, "reference-target",
              "the reference may not lead to a " + std::string(type->name()), place);
}

// One of the profiles of its type has to hold; those that are not known here are not held against it.
void ProfileWalk::of_profiles(Place place, Element element) {
    std::vector<Profile const*> known;
    for (auto const& url : place.wanted().profiles)
        if (auto const* const profile = profiles_.find(url)) known.push_back(profile);
    if (known.empty() || known.size() < place.wanted().profiles.size()) return;
    if (known.size() == 1) return apply(*known.front(), element);
    if (std::none_of(known.begin(), known.end(), [&](Profile const* p) { return holds(*p, element); }))
        wrong("structure", element, "type-profile", "none of the profiles that it may have holds", place);
}

bool ProfileWalk::holds(Profile const& profile, Element element) {
    auto const quiet = std::exchange(quiet_, true), broken = std::exchange(broken_, false);
    apply(profile, element);
    quiet_ = quiet;
    return !std::exchange(broken_, broken);
}

bool ProfileWalk::in_slice(Place slice, std::vector<Discriminator> const& discriminators, Element element,
                           Type type) {
    return std::all_of(discriminators.begin(), discriminators.end(),
                       [&](Discriminator const& d) { return told_apart(slice, d, element, type); });
}

bool ProfileWalk::told_apart(Place slice, Discriminator const& discriminator, Element element, Type type) {
    using K = Discriminator::Kind;
    if (discriminator.kind == K::value || discriminator.kind == K::pattern)
        return is_valued(slice, discriminator.path, 0, element, type);
    // The others: the profile's element and the resource's at the end of the path.
    auto at = slice;
    auto e = element;
    for (auto const& step : discriminator.path) {
        auto const& children = at.wanted().children;
        auto const found = std::find_if(children.begin(), children.end(),
                                        [&](std::size_t c) { return at.at(c).wanted().name == step; });
        if (found == children.end()) return false;
        at = Place{at.profile, *found};
        auto const above = e;
        Property const* property = nullptr;
        for (e = above.exists() ? above.first() : Element(); e.exists(); e = e.next()) {
            property = Schema::r4().find(type, e.name());
            if (property && names(at.wanted(), *property)) break;
        }
        type = e.exists() ? type_below(e, *property) : Type();
    }
    auto const& wanted = at.wanted();
    if (discriminator.kind == K::exists) return wanted.max == 0 ? !e.exists() : wanted.min == 0 || e.exists();
    if (!e.exists()) return false;
    if (discriminator.kind == K::type)
        return std::any_of(wanted.types.begin(), wanted.types.end(), [&](Type t) { return type.is(t); });
    return std::any_of(wanted.profiles.begin(), wanted.profiles.end(), [&](std::string const& url) {
        auto const* const profile = profiles_.find(url);
        return profile && holds(*profile, e);
    });
}

// Whether `element`, `step` steps down the path, has the value that the profile gives there.
bool ProfileWalk::is_valued(Place place, std::vector<std::string> const& path, std::size_t step,
                            Element element, Type type) {
    auto const& wanted = place.wanted();
    auto const given = wanted.fixed.exists() ? wanted.fixed : wanted.pattern;
    if (step == path.size()) {
        if (wanted.fixed.exists()) return same(element, wanted.fixed);
        if (wanted.pattern.exists()) return includes(element, wanted.pattern);
        if (profiles_.lists(wanted.value_set)) return is_bound(wanted, element, type);
        // A CodeableConcept's coding.code and the like: what is below.
        return !wanted.children.empty() &&
               std::all_of(wanted.children.begin(), wanted.children.end(), [&](auto c) {
                   auto const below = place.at(c);
                   bool const says = below.wanted().fixed.exists() || below.wanted().pattern.exists();
                   return !says || is_valued(place, {below.wanted().name}, 0, element, type);
               });
    }
    auto const& name = path[step];
    auto const child = std::find_if(wanted.children.begin(), wanted.children.end(),
                                    [&](std::size_t c) { return place.at(c).wanted().name == name; });
    if (child == wanted.children.end() && given.exists()) return includes(element, given);
    // An extension is known by the url of its profile.
    if (child == wanted.children.end() && name == "url")
        return std::find(wanted.profiles.begin(), wanted.profiles.end(), text_of(element, "url")) !=
               wanted.profiles.end();
    if (child == wanted.children.end()) return false;
    for (auto e = element.first(); e.exists(); e = e.next()) {
        auto const* const property = Schema::r4().find(type, e.name());
        if (property && names(place.at(*child).wanted(), *property) &&
            is_valued(place.at(*child), path, step + 1, e, type_below(e, *property)))
            return true;
    }
    return false;
}

}  // namespace hilum::fhir
