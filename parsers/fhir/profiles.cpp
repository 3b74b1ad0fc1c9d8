#include "parsers/fhir/profiles.h"

#include <algorithm>
#include <charconv>

#include "parsers/fhir/package.h"
#include "parsers/fhir/schema.h"

namespace hilum::fhir {
namespace {

std::string_view text_of(Element parent, std::string_view name) {
    auto const child = parent.exists() ? parent.child(name) : Element();
    return child.exists() && child.has_value() ? child.text() : std::string_view();
}

template <class Use>
void each(Element parent, std::string_view name, Use use) {
    if (!parent.exists()) return;
    for (auto e = parent.child(name); e.exists(); e = e.next())
        if (e.name() == name) use(e);
}

unsigned number_of(std::string_view text, unsigned otherwise) {
    unsigned value = otherwise;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return std::min(value, ElementDefinition::unbounded);
}

std::string_view last(std::string_view text, char before) {
    return text.substr(text.rfind(before) + 1);
}

// The child whose name begins with that: fixedUri, patternCodeableConcept.
Element value_named(Element element, std::string_view begin) {
    for (auto e = element.first(); e.exists(); e = e.next())
        if (e.name().starts_with(begin)) return e;
    return {};
}

bool is_of_r4(std::string_view key) {
    static std::set<std::string_view> const keys = [] {
        std::set<std::string_view> out;
        for (std::size_t i = 0; i < invariant_count(); ++i) out.insert(invariant(i).key);
        return out;
    }();
    return keys.contains(key);
}

Discriminator discriminator_of(Element element) {
    Discriminator out;
    auto const kind = text_of(element, "type");
    out.kind = kind == "exists"    ? Discriminator::Kind::exists
               : kind == "pattern" ? Discriminator::Kind::pattern
               : kind == "type"    ? Discriminator::Kind::type
               : kind == "profile" ? Discriminator::Kind::profile
                                   : Discriminator::Kind::value;
    auto rest = text_of(element, "path");
    while (!rest.empty() && rest != "$this") {
        // A url in extension('…') has dots of its own.
        auto const bracket = rest.find('(');
        auto dot = rest.find('.');
        if (bracket < dot) dot = rest.find('.', rest.find(')', bracket));
        auto step = std::string(rest.substr(0, dot));
        std::erase_if(step, [](char c) { return c == '\'' || c == '"'; });
        if (step != "$this") out.path.push_back(std::move(step));
        rest = dot == rest.npos ? std::string_view() : rest.substr(dot + 1);
    }
    return out;
}

std::string without_version(std::string_view url) {
    return std::string(url.substr(0, url.find('|')));
}

}  // namespace

Result<void> Profiles::add_package(std::string_view tgz) {
    auto done = read_package(tgz, [&](std::string_view, std::string text) { return take(std::move(text)); });
    list_codes();
    return done;
}

Result<void> Profiles::add(std::string json) {
    auto done = take(std::move(json));
    list_codes();
    return done;
}

void Profiles::list_codes() {
    codes_.clear();
    for (auto const& [url, definition] : value_sets_) list_codes(url, definition);
}

Result<void> Profiles::take(std::string json) {
    auto resource = Resource::read_json(std::move(json));
    if (!resource) return resource.error();
    auto const type = resource->type();
    bool const definition = type == "StructureDefinition";
    if (!definition && type != "ValueSet" && type != "CodeSystem") return {};
    auto const& kept = *kept_.emplace_back(std::make_unique<Resource const>(std::move(*resource)));
    auto const url = std::string(text_of(kept.root(), "url"));
    if (definition) return add_profile(kept.root());
    (kept.type() == "ValueSet" ? value_sets_ : code_systems_).insert_or_assign(url, kept.root());
    return {};
}

std::size_t Profiles::add_element(Profile& profile, Element element) {
    auto& e = profile.elements.emplace_back();
    e.name = last(text_of(element, "path"), '.');
    e.slice = text_of(element, "sliceName");
    if (e.name.ends_with("[x]")) e.name.resize(e.name.size() - 3);
    e.min = number_of(text_of(element, "min"), 0);
    e.max = number_of(text_of(element, "max"), ElementDefinition::unbounded);
    e.base_min = number_of(text_of(element.child("base"), "min"), 0);
    e.fixed = value_named(element, "fixed");
    e.pattern = value_named(element, "pattern");
    each(element, "type", [&](Element t) {
        // R4 names the types of ids and urls as FHIRPath's own.
        if (auto const type = Type::find(text_of(t, "code")); type.exists()) e.types.push_back(type);
        each(t, "profile", [&](Element p) { e.profiles.push_back(without_version(p.text())); });
        each(t, "targetProfile", [&](Element p) { e.targets.push_back(without_version(p.text())); });
    });
    auto const binding = element.child("binding");
    if (text_of(binding, "strength") == "required")
        e.value_set = without_version(text_of(binding, "valueSet"));
    each(element, "constraint", [&](Element c) {
        // What R4 itself demands is checked as R4's.
        if (text_of(c, "expression").empty() || is_of_r4(text_of(c, "key"))) return;
        e.constraints.push_back(invariant_count() + constraints_.size());
        constraints_.push_back({std::string(text_of(c, "key")), std::string(text_of(c, "human")),
                                std::string(text_of(c, "expression")), text_of(c, "severity") == "error"});
    });
    auto const slicing = element.child("slicing");
    each(slicing, "discriminator", [&](Element d) { e.discriminators.push_back(discriminator_of(d)); });
    e.closed = text_of(slicing, "rules") == "closed";
    return profile.elements.size() - 1;
}

Result<void> Profiles::add_profile(Element definition) {
    Profile profile;
    profile.url = text_of(definition, "url");
    profile.name = text_of(definition, "name");
    profile.type = Type::find(text_of(definition, "type"));
    // Logical models are of no resource.
    if (!profile.type.exists() || text_of(definition, "derivation") != "constraint") return {};
    auto const snapshot = definition.child("snapshot");
    if (!snapshot.exists())
        return error("no_snapshot", profile.url, "the profile has a differential only",
                     "publish it with its snapshot, as the packages of implementation guides do");
    // Ids as Patient.identifier:mrn.system: each is below the one without its last part.
    std::map<std::string, std::size_t, std::less<>> by_id;
    each(snapshot, "element", [&](Element element) {
        auto const id = std::string(text_of(element, "id"));
        auto const number = add_element(profile, element);
        by_id.emplace(id, number);
        auto const dot = id.rfind('.'), colon = id.rfind(':');
        bool const slice = colon != id.npos && (dot == id.npos || colon > dot);
        auto const above = by_id.find(std::string_view(id).substr(0, slice            ? colon
                                                                     : dot == id.npos ? 0
                                                                                      : dot));
        if (above == by_id.end()) return;
        auto& parent = profile.elements[above->second];
        (slice ? parent.slices : parent.children).push_back(number);
    });
    if (profile.elements.empty()) return {};
    auto url = profile.url;
    profiles_.insert_or_assign(std::move(url), std::move(profile));
    return {};
}

Profile const* Profiles::find(std::string_view url) const {
    auto const found = profiles_.find(url.substr(0, url.find('|')));
    return found == profiles_.end() ? nullptr : &found->second;
}

std::vector<std::string_view> Profiles::names() const {
    std::vector<std::string_view> urls;
    urls.reserve(profiles_.size());
    for (auto const& [url, profile] : profiles_) urls.emplace_back(url);
    return urls;
}

// Those that can be listed from what was taken in; of others nothing is said.
void Profiles::list_codes(std::string const& value_set, Element definition) {
    Codes codes;
    auto const compose = definition.child("compose");
    bool listed = compose.exists() && !compose.child("exclude").exists();
    each(compose, "include", [&](Element include) {
        auto const system = std::string(text_of(include, "system"));
        if (system.empty() || include.child("valueSet").exists() || include.child("filter").exists()) {
            listed = false;
        } else if (include.child("concept").exists()) {
            each(include, "concept", [&](Element c) { codes.emplace(system, text_of(c, "code")); });
        } else if (auto const found = code_systems_.find(system);
                   found != code_systems_.end() && text_of(found->second, "content") == "complete") {
            std::vector<Element> open{found->second};
            while (!open.empty()) {
                auto const above = open.back();
                open.pop_back();
                each(above, "concept", [&](Element c) {
                    codes.emplace(system, text_of(c, "code"));
                    open.push_back(c);
                });
            }
        } else {
            listed = false;
        }
    });
    if (listed) codes_.insert_or_assign(value_set, std::move(codes));
}

Profiles::Codes const* Profiles::codes_of(std::string_view value_set) const {
    auto const found = codes_.find(value_set);
    return found == codes_.end() ? nullptr : &found->second;
}

bool Profiles::lists(std::string_view value_set) const {
    return codes_of(value_set) != nullptr;
}

bool Profiles::has(std::string_view value_set, std::string_view system, std::string_view code) const {
    auto const* const codes = codes_of(value_set);
    return codes && codes->contains({std::string(system), std::string(code)});
}

bool Profiles::has(std::string_view value_set, std::string_view code) const {
    auto const* const codes = codes_of(value_set);
    return codes &&
           std::any_of(codes->begin(), codes->end(), [&](auto const& c) { return c.second == code; });
}

}  // namespace hilum::fhir
