// References (http://hl7.org/fhir/R4/references.html), and those between the entries of a Bundle
// (http://hl7.org/fhir/R4/bundle.html#references).
#include "parsers/fhir/validation/reference_text.h"
#include "parsers/fhir/validation/walk.h"

namespace hilum::fhir {
namespace {

std::string_view text_of(Element parent, std::string_view name) {
    auto const child = parent.child(name);
    return child.exists() && child.kind() == Kind::string ? child.text() : std::string_view();
}

bool is_absolute(std::string_view reference) {
    auto const colon = reference.find(':');
    return colon != reference.npos && reference.find_first_of("/?#") > colon;
}

// "Patient?identifier=…" stands in transactions (http://hl7.org/fhir/R4/http.html#trules).
bool is_conditional(std::string_view reference) {
    return Type::find(reference.substr(0, reference.find('?'))).kind() == Type::Kind::resource &&
           reference.find('?') != reference.npos;
}

}  // namespace

void Walk::index_contained(Element resource) {
    for (auto c = resource.child("contained"); c.exists(); c = c.next()) {
        auto const id = c.name() == "contained" ? text_of(c, "id") : std::string_view();
        if (!id.empty() && !contained_.try_emplace(id, c).second)
            wrong("duplicate", c, "contained-id", "two contained resources have the same id");
    }
}

void Walk::index_entries() {
    for (auto e = root_.child("entry"); e.exists(); e = e.next())
        if (auto const url = e.name() == "entry" ? text_of(e, "fullUrl") : ""; !url.empty())
            entries_.try_emplace(url, e.child("resource"));
}

std::optional<Type> Walk::target_of(Element element, std::string_view reference) {
    if (reference.starts_with('#')) {
        auto const found = contained_.find(reference.substr(1));
        if (found == contained_.end()) return std::nullopt;  // ref-1 says so
        return Type::find(found->second.resource_type());
    }
    if (auto const entry = entries_.find(reference); entry != entries_.end()) {
        auto const resource = entry->second;
        return resource.exists() ? std::optional(Type::find(resource.resource_type())) : std::nullopt;
    }
    if (reference.starts_with("urn:uuid:") || reference.starts_with("urn:oid:")) {
        // Only the Bundle around can say what it is; alone, what it is sent in may.
        if (in_bundle_)
            wrong("not-found", element, "reference-unresolved", "no entry of the Bundle has this fullUrl");
        return std::nullopt;
    }
    if (is_absolute(reference)) return type_of_absolute(reference);
    if (is_conditional(reference)) {
        if (!in_bundle_ || text_of(root_, "type") != "transaction")
            wrong("value", element, "reference-format",
                  "a conditional reference stands in transactions only");
        return Type::find(reference.substr(0, reference.find('?')));
    }
    auto const type = type_of_relative(reference);
    if (!type)
        wrong("value", element, "reference-format",
              "this is neither Type/id nor an absolute address nor #id");
    return type;
}

void Walk::reference(Element element, ElementDefinition const& definition) {
    auto const literal = text_of(element, "reference");
    auto const named = text_of(element, "type");
    auto target = literal.empty() ? std::nullopt : target_of(element, literal);
    if (!named.empty()) {
        auto const type = Type::find(named);
        if (!type.exists() || type.kind() != Type::Kind::resource) {
            if (!is_absolute(named))  // the type of a logical model is an address
                wrong("value", element, "reference-type", "Reference.type is no resource of FHIR R4");
        } else if (target && target->exists() && *target != type) {
            wrong("value", element, "reference-type", "Reference.type and what it leads to are not the same");
        } else {
            target = type;
        }
    }
    if (target && target->exists() && !definition.may_refer_to(*target))
        wrong("value", element, "reference-target",
              "the reference may not lead to a " + std::string(target->name()));
}

// "the URL shall be version-independent and consistent with the Resource.id"
void Walk::entry(Element element) {
    auto const url = text_of(element, "fullUrl");
    auto const resource = element.child("resource");
    if (url.empty() || !resource.exists()) return;
    auto const id = text_of(resource, "id");
    auto const type = type_of_absolute(url);
    bool const literal = url.starts_with("http://") || url.starts_with("https://");
    if (!literal || id.empty() || !type || !Type::find(resource.resource_type()).exists()) return;
    auto const place = url.substr(0, url.find("/_history/"));  // a version is bdl-8's matter
    if (!place.ends_with(std::string(resource.resource_type()) + "/" + std::string(id)))
        wrong("value", element.child("fullUrl"), "full-url",
              "fullUrl and the id of the resource are not the same");
}

}  // namespace hilum::fhir
