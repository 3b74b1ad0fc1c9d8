#include "parsers/fhir/validation/walk.h"

#include <algorithm>
#include <utility>

#include "parsers/fhir/location.h"
#include "parsers/fhir/validation/formats.h"
#include "parsers/fhir/validation/own_invariants.h"
#include "parsers/fhir/validation/profile_walk.h"

namespace hilum::fhir {
namespace {

Type const& bundle_type() {
    static Type const type = Type::find("Bundle");
    return type;
}

}  // namespace

void Walk::add(Severity severity, std::string_view code, std::string location, std::string_view rule,
               std::string text) {
    if (full_) return;
    if (findings_.size() >= rules_.findings_max) {
        full_ = true;
        findings_.push_back(
            {Severity::information, "too-costly", {}, "too-many", "there are more findings than are listed"});
        return;
    }
    findings_.push_back({severity, code, std::move(location), std::string(rule), std::move(text)});
}

void Walk::wrong(std::string_view code, Element at, std::string_view rule, std::string text) {
    if (!full_) add(Severity::error, code, location(at, root_), rule, std::move(text));
}

void Walk::warn(std::string_view code, Element at, std::string_view rule, std::string text) {
    if (!full_) add(Severity::warning, code, location(at, root_), rule, std::move(text));
}

void Walk::missing(Element parent, std::string_view child, std::string_view rule, std::string text) {
    if (!full_) add(Severity::error, "required", location(parent, root_, child), rule, std::move(text));
}

std::vector<Finding> Walk::run() {
    if (root_.resource_type().empty()) {
        add(Severity::fatal, "structure", "", "resource-type",
            "there is no resourceType, so this is no resource");
        return std::move(findings_);
    }
    in_bundle_ = Type::find(root_.resource_type()) == bundle_type();
    if (in_bundle_) index_entries();
    resource(root_, false);
    return std::move(findings_);
}

void Walk::resource(Element element, bool contained) {
    auto const name = element.resource_type();
    auto const type = Type::find(name);
    if (name.empty())
        return wrong("structure", element, "resource-type",
                     "there is no resourceType, so this is no resource");
    if (!type.exists() || type.kind() != Type::Kind::resource || type.is_abstract())
        return wrong("not-supported", element, "resource-type", "FHIR R4 has no resource of this type");
    // What a contained resource refers to stands beside it
    // (http://hl7.org/fhir/R4/references.html#contained).
    Contained outside;
    if (!contained) {
        outside.swap(contained_);
        index_contained(element);
    }
    content(element, type);
    invariants(element, type, nullptr);
    if (rules_.profiles && !full_) profiles(element, type, contained);
    if (!contained) contained_.swap(outside);
}

// Those that the resource says it follows, and those that the caller wants of it.
void Walk::profiles(Element resource, Type type, bool contained) {
    std::vector<std::string_view> urls;
    if (auto const meta = resource.child("meta"); meta.exists())
        for (auto p = meta.child("profile"); p.exists(); p = p.next())
            if (p.name() == "profile" && p.has_value())
                urls.push_back(p.text().substr(0, p.text().find('|')));
    auto const claimed = urls.size();
    auto const want = [&](std::string const& url) {
        if (std::find(urls.begin(), urls.end(), url) == urls.end()) urls.push_back(url);
    };
    if (resource == root_)
        for (auto const& url : rules_.profiles_wanted) want(url);
    if (!contained) {
        for (auto const& url : rules_.profiles_by_type) {
            auto const* const profile = rules_.profiles->find(url);
            if (!profile || profile->type == type) want(url);
        }
    }
    for (std::size_t i = 0; i < urls.size(); ++i) {
        if (auto const* const profile = rules_.profiles->find(urls[i])) {
            ProfileWalk(*this, rules_).apply(*profile, resource);
        } else if (i < claimed) {
            warn("not-found", resource, "profile-unknown",
                 "it says that it follows a profile that is not known here");
        } else {
            wrong("not-found", resource, "profile-unknown",
                  "the profile that it should follow is not known here");
        }
    }
}

// The properties of an element or of a primitive's companion.
void Walk::content(Element parent, Type type) {
    Seen seen;
    bool const in_resource = type.kind() == Type::Kind::resource;
    for (auto w = parent.first_written(); w.exists() && !full_; w = w.next_written()) {
        if (in_resource && !w.is_companion() && w.name() == "resourceType") {
            if (w.in_list()) wrong("structure", w, "json-type", "resourceType is one text");
        } else {
            property(w, parent, type, seen);
        }
    }
    for (auto const ordinal : schema_.required(type)) {
        if (!seen.elements[ordinal])
            missing(parent, schema_.elements(type)[ordinal].name, "cardinality",
                    "an element that has to be there is missing");
    }
}

void Walk::property(Element written, Element parent, Type type, Seen& seen) {
    auto const* const property = seen.property && seen.property->name == written.name()
                                     ? seen.property
                                     : schema_.find(type, written.name());
    if (!property || (written.is_companion() && property->type.kind() != Type::Kind::primitive))
        return unknown(written, parent, type);
    if (!written_well(written, *property) || !written.is_element()) return;
    occurrence(written, parent, *property, seen);
    value(written, *property);
}

// Lists, nulls and companions as http://hl7.org/fhir/R4/json.html wants them. False: there is no value.
bool Walk::written_well(Element written, Property const& property) {
    auto const wrong_here = [&](std::string_view rule, std::string text) {
        auto where = location(written.parent(), root_, property.element->name);
        if (!full_) add(Severity::error, "structure", std::move(where), rule, std::move(text));
        return false;
    };
    if (written.is_empty_list()) return wrong_here("empty", "an empty array; leave the property out");
    if (written.in_list() != property.list)
        return wrong_here("json-type", property.list ? "the element repeats: write an array"
                                                     : "the element does not repeat: write no array");
    if (written.is_companion()) {
        if (written.is_null()) return written.in_list() || wrong_here("null", "null stands in arrays only");
        if (!written.is_object())
            return wrong_here("json-type",
                              "what begins with _ holds the id and extensions of a value, in an object");
        if (!written.first_written().exists()) return wrong_here("empty", "an empty object; leave it out");
        return true;
    }
    if (!written.is_null() || written.is_element()) return true;
    return wrong_here("null", written.in_list() ? "null in an array needs an extension beside it"
                                                : "null stands in arrays only");
}

void Walk::occurrence(Element element, Element parent, Property const& property, Seen& seen) {
    auto const& definition = *property.element;
    if (seen.property == &property) {
        if (++seen.count == definition.max + 1 && definition.max != ElementDefinition::unbounded)
            wrong("structure", element, "cardinality", "there are more of this element than there may be");
        return;
    }
    seen.property = &property;
    seen.count = 1;
    if (seen.elements[property.ordinal] && definition.choice && !full_)
        add(Severity::error, "structure", location(parent, root_, definition.name), "choice",
            "only one of the types that the element may have can be there");
    seen.elements.set(property.ordinal);
    if (definition.max == 0) wrong("structure", element, "cardinality", "the element may not be used here");
}

void Walk::unknown(Element written, Element parent, Type type) {
    if (full_) return;
    auto const name = (written.is_companion() ? "_" : "") + std::string(written.name());
    // Of what may be a choice with another type, that is said.
    for (auto const& e : schema_.elements(type)) {
        if (!e.choice || !written.name().starts_with(e.name)) continue;
        auto suffix = std::string(written.name().substr(e.name.size()));
        bool known = Type::find(suffix).exists();
        if (!suffix.empty()) suffix[0] = static_cast<char>(suffix[0] | 0x20);
        known = known || Type::find(suffix).exists();
        if (!known && !suffix.empty()) continue;
        return add(Severity::error, "structure", location(parent, root_, e.name), "choice-type",
                   suffix.empty() ? "in JSON the name of this element ends with its type"
                                  : "the element can't be of this type");
    }
    add(Severity::error, "structure", location(parent, root_, name), "unknown-element",
        std::string(type.name()) + " has no such element in FHIR R4");
}

void Walk::value(Element element, Property const& property) {
    if (property.type.kind() == Type::Kind::primitive) {
        primitive(element, property);
    } else {
        complex(element, property);
    }
}

void Walk::primitive(Element element, Property const& property) {
    auto const type = property.type;
    if (element.kind() == Kind::object)
        return wrong("structure", element, "json-type",
                     "an object where " + std::string(type.name()) + " has one value");
    if (element.has_value()) {
        if (!right_kind(type, element.kind())) {
            wrong("structure", element, "json-type",
                  right_kind(type, Kind::string) ? std::string(type.name()) + " is written in quotes"
                  : right_kind(type, Kind::boolean)
                      ? "a boolean is true or false, without quotes"
                      : std::string(type.name()) + " is a number, without quotes");
        } else if (!well_formed(type, element.text())) {
            wrong("value", element, "format",
                  "this is no " + std::string(type.name()) + " as FHIR R4 writes it");
        } else if (property.element->value_set.exists()) {
            bound_code(element, *property.element);
        }
    }
    if (element.first_written().exists()) content(element, type);
    invariants(element, type, property.element);
}

void Walk::complex(Element element, Property const& property) {
    static Type const coding = Type::find("Coding"), codeable = Type::find("CodeableConcept"),
                      reference_type = Type::find("Reference"), bundle_entry = Type::find("Bundle.entry");
    auto const type = property.type;
    if (element.kind() != Kind::object)
        return wrong("structure", element, "json-type",
                     "a value where " + std::string(type.name()) + " has elements");
    if (!element.first_written().exists())
        return wrong("structure", element, "empty", "an empty object; leave it out");
    if (type.kind() == Type::Kind::resource) return resource(element, element.name() == "contained");
    content(element, type);
    if (property.element->value_set.exists()) {
        if (type == coding) bound_coding(element, *property.element);
        if (type == codeable) bound_concept(element, *property.element);
    }
    if (type == reference_type) reference(element, *property.element);
    if (type == bundle_entry && in_bundle_) entry(element);
    invariants(element, type, property.element);
}

void Walk::invariants(Element element, Type type, ElementDefinition const* definition) {
    for (auto const number : schema_.invariants(type)) invariant(number, element, type);
    if (!definition) return;
    for (auto const number : definition->invariants) invariant(number, element, type);
}

void Walk::invariant(std::size_t number, Element element, Type type) {
    if (full_) return;
    auto const& own = own_invariant(number);
    bool broken = false;
    if (own.test) {
        broken = !own.test(element, *this);
    } else if (own.applies(element) && rules_.invariants) {
        broken = rules_.invariants->test(number, element, type) == Invariants::Answer::broken;
    }
    if (!broken) return;
    auto const said = fhir::invariant(number);
    add(said.error ? Severity::error : Severity::warning, "invariant", location(element, root_), said.key,
        std::string(said.human));
}

std::vector<Finding> validate(Element root, Rules const& rules) {
    return Walk(root, rules).run();
}

}  // namespace hilum::fhir
