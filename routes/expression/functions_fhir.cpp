// Elements of FHIR resources (http://hl7.org/fhirpath/N1/#tree-navigation,
// http://hl7.org/fhir/R4/fhirpath.html#functions).
#include <algorithm>
#include <vector>

#include "parsers/fhir/xhtml.h"
#include "routes/expression/element.h"
#include "routes/expression/functions.h"

namespace hilum::expression::on {
namespace {

std::string_view child_text(fhir::Element element, std::string_view name) {
    auto const child = element.child(name);
    return child.exists() ? child.text() : std::string_view();
}

// What this engine can't know: an answer would be a guess.
bool unavailable(Call& c, std::string_view what) {
    return c.fail("not_available", std::string(c.node.function->name) + "() needs " + std::string(what),
                  "ask for the elements or codes themselves");
}

}  // namespace

bool children(Call& c) {
    std::size_t seen = 0;
    for (auto const& item : c.input)
        if (item.type() == Type::element) seen += expression::children(item, c.out);
    return c.evaluation.spend(c.node, seen);
}

// Each before its own children.
bool descendants(Call& c) {
    std::vector<Item> rest(c.input.rbegin(), c.input.rend());
    auto roots = rest.size();
    while (!rest.empty()) {
        auto const item = rest.back();
        bool const root = rest.size() <= roots;
        if (root) roots = rest.size() - 1;
        rest.pop_back();
        if (!root) c.out.push_back(item);
        if (item.type() != Type::element) continue;
        Collection below;
        if (!c.evaluation.spend(c.node, 1 + expression::children(item, below))) return false;
        rest.insert(rest.end(), below.rbegin(), below.rend());
    }
    return true;
}

bool extension(Call& c) {
    std::string_view url;
    bool found = false;
    if (!c.text_argument(0, url, found) || !found) return found || c.out.empty();
    for (auto const& item : c.input) {
        if (item.type() != Type::element) continue;
        Collection all;
        if (!c.evaluation.spend(c.node, members(item, "extension", all))) return false;
        for (auto const& extension : all)
            if (child_text(extension.element(), "url") == url) c.out.push_back(extension);
    }
    return true;
}

bool has_value(Call& c) {
    if (c.input.size() != 1) return c.give(false);
    auto const& item = c.input.front();
    if (item.type() == Type::element) return c.give(item.element().has_value());
    return c.give(!item.is_null() && item.type() != Type::type_info);
}

bool get_value(Call& c) {
    Item const* item = nullptr;
    Item value;
    if (!c.single_input(item)) return false;
    if (!item || (item->type() == Type::element && !item->element().has_value())) return true;
    if (c.evaluation.value_of(*item, value)) c.out.push_back(value);
    return true;
}

// References inside the resource: to what it contains, and to the entries of the Bundle it is in.
bool resolve(Call& c) {
    for (auto const& item : c.input) {
        std::string_view reference;
        fhir::Element from;
        if (item.type() == Type::element) {
            from = item.element();
            reference = from.kind() == fhir::Kind::object ? child_text(from, "reference") : from.text();
        } else if (item.type() == Type::string) {
            from = c.evaluation.context().element();
            reference = item.text();
        }
        if (!from.exists() || reference.empty()) continue;
        Item found;
        if (!c.evaluation.find_resource(c.node, from, reference, found)) return false;
        if (found.type() == Type::element) c.out.push_back(found);
    }
    return true;
}

bool html_checks(Call& c) {
    Item const* item = nullptr;
    if (!c.single_input(item)) return false;
    return !item || item->type() != Type::element ||
           c.give(fhir::check_xhtml(item->element().text()) == fhir::Xhtml::good);
}

// The input, unless an element in it is modified by an extension that the arguments don't name.
bool check_modifiers(Call& c) {
    std::vector<std::string_view> known;
    for (std::size_t i = 0; i < c.arguments(); ++i) {
        std::string_view url;
        bool found = false;
        if (!c.text_argument(i, url, found)) return false;
        if (found) known.push_back(url);
    }
    for (auto const& item : c.input) {
        if (item.type() != Type::element) continue;
        for (auto e = item.element().child("modifierExtension"); e.exists(); e = e.next()) {
            if (!c.evaluation.spend(c.node, 1)) return false;
            if (e.name() != "modifierExtension") continue;
            if (std::find(known.begin(), known.end(), child_text(e, "url")) == known.end())
                return c.fail("unknown_modifier",
                              "an element is modified by an extension that is not named here",
                              "name it, once its meaning is taken care of");
        }
    }
    c.out = c.input;
    return true;
}

bool member_of(Call& c) {
    return unavailable(c, "a terminology server");
}
bool element_definition(Call& c) {
    return unavailable(c, "the profile's definitions");
}
bool slice(Call& c) {
    return unavailable(c, "the profile's definitions");
}

}  // namespace hilum::expression::on
