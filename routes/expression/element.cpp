#include "routes/expression/element.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "routes/expression/quantity.h"
#include "routes/expression/text.h"

namespace hilum::expression {
namespace {

// Without a definition, by the JSON it is written in.
Type written_type(fhir::Kind kind) {
    return kind == fhir::Kind::boolean  ? Type::boolean
           : kind == fhir::Kind::number ? Type::decimal
                                        : Type::string;
}

std::optional<Item> parsed(std::string_view text, Type type, Storage& storage) {
    switch (type) {
        case Type::boolean:
            return Item::of(text == "true");
        case Type::integer: {
            std::int64_t value = 0;
            auto const result = std::from_chars(text.data(), text.data() + text.size(), value);
            if (result.ec == std::errc() && result.ptr == text.data() + text.size()) return Item::of(value);
            [[fallthrough]];
        }
        case Type::decimal:
            if (auto const value = Decimal::scientific(text)) return Item::of(storage.keep(*value));
            break;
        case Type::date:
            if (auto const value = Temporal::date(text)) return Item::of(type, *value);
            break;
        case Type::date_time:
            if (auto const value = Temporal::date_time(text)) return Item::of(type, *value);
            break;
        case Type::time:
            if (auto const value = Temporal::time(text)) return Item::of(type, *value);
            break;
        default:
            break;
    }
    return Item::of(text);  // not what its type wants: the text itself
}

// http://hl7.org/fhir/R4/fhirpath.html#quantity
std::optional<Item> quantity_of(fhir::Element element, Storage& storage) {
    auto const value = element.child("value");
    auto const number = value.exists() && value.kind() == fhir::Kind::number
                            ? Decimal::scientific(value.text())
                            : std::nullopt;
    if (!number || element.child("comparator").exists()) return std::nullopt;
    auto const system = element.child("system");
    auto const code = element.child("code");
    auto const unit = element.child("unit");
    Quantity quantity{*number};
    if (code.exists() && system.exists() && system.text() == "http://unitsofmeasure.org") {
        quantity.unit = code.text();
    } else if (unit.exists()) {
        quantity.unit = unit.text();
    }
    return Item::of(storage.keep(quantity));
}

Item child_item(fhir::Element child, fhir::Type type) {
    if (auto const name = child.resource_type(); !name.empty()) type = fhir::Type::find(name);
    return Item::of(child, type);
}

bool same_leaf(fhir::Element a, fhir::Element b, bool similar) {
    if (a.kind() != b.kind()) return false;
    if (a.kind() == fhir::Kind::number) {
        auto const x = Decimal::scientific(a.text());
        auto const y = Decimal::scientific(b.text());
        if (x && y) return *x == *y;
    }
    return a.text() == b.text() || (similar && folded(a.text()) == folded(b.text()));
}

std::vector<fhir::Element> sorted_children(fhir::Element parent) {
    std::vector<fhir::Element> out;
    for (auto e = parent.first(); e.exists(); e = e.next()) out.push_back(e);
    std::stable_sort(out.begin(), out.end(),
                     [](auto const& a, auto const& b) { return a.name() < b.name(); });
    return out;
}

}  // namespace

std::optional<Type> system_type(fhir::Type type) {
    struct Row {
        std::string_view fhir;
        Type system;
    };
    static constexpr Row rows[] = {{"boolean", Type::boolean},    {"integer", Type::integer},
                                   {"decimal", Type::decimal},    {"date", Type::date},
                                   {"dateTime", Type::date_time}, {"instant", Type::date_time},
                                   {"time", Type::time}};
    if (!type.exists() || type.kind() != fhir::Type::Kind::primitive) return std::nullopt;
    // Its bases count: a code is a string.
    for (auto t = type; t.exists(); t = t.base())
        for (auto const& row : rows)
            if (row.fhir == t.name()) return row.system;
    return Type::string;
}

Item typed(fhir::Element element) {
    std::vector<fhir::Element> path;  // as long as the reader's depth allows
    for (auto e = element; e.exists(); e = e.parent()) path.push_back(e);
    fhir::Type type;
    for (auto e = path.rbegin(); e != path.rend(); ++e) {
        if (auto const name = e->resource_type(); !name.empty()) {
            type = fhir::Type::find(name);
        } else {
            auto const definition = fhir::definition_of_property(type, e->name());
            type = definition ? definition->type_of(e->name()) : fhir::Type();
        }
    }
    return Item::of(element, type);
}

std::size_t members(Item const& parent, std::string_view name, Collection& out) {
    auto const type = parent.fhir_type();
    auto const definition = fhir::definition(type, name);
    std::size_t seen = 0;
    if (type.exists() && !definition) return seen;
    for (auto e = parent.element().first(); e.exists(); e = e.next(), ++seen) {
        auto const property = e.name();
        if (!definition) {
            if (property == name) out.push_back(child_item(e, {}));
        } else if (!definition->choice) {
            if (property == name) out.push_back(child_item(e, definition->type(0)));
        } else if (auto const chosen = definition->type_of(property); chosen.exists()) {
            out.push_back(child_item(e, chosen));
        }
    }
    return seen;
}

std::size_t children(Item const& parent, Collection& out) {
    auto const type = parent.fhir_type();
    std::size_t seen = 0;
    for (auto e = parent.element().first(); e.exists(); e = e.next(), ++seen) {
        auto const definition = fhir::definition_of_property(type, e.name());
        if (definition) {
            out.push_back(child_item(e, definition->type_of(e.name())));
        } else if (!type.exists() && e.name() != "resourceType") {
            out.push_back(child_item(e, {}));
        }
    }
    return seen;
}

std::optional<Item> value_of(Item const& item, Storage& storage) {
    if (item.type() != Type::element) return item;
    auto const element = item.element();
    auto const type = item.fhir_type();
    if (element.kind() == fhir::Kind::object) {
        static fhir::Type const quantity_type = fhir::Type::find("Quantity");
        if (!type.is(quantity_type)) return item;
        auto const quantity = quantity_of(element, storage);
        return quantity ? *quantity : item;
    }
    if (!element.has_value()) return std::nullopt;
    return parsed(element.text(), expression::system_type(type).value_or(written_type(element.kind())),
                  storage);
}

std::optional<std::string_view> text_of_element(Item const& item) {
    if (item.type() != Type::element || item.element().kind() != fhir::Kind::string) return std::nullopt;
    if (system_type(item.fhir_type()).value_or(Type::string) != Type::string) return std::nullopt;
    return item.element().text();
}

bool same_elements(fhir::Element first, fhir::Element second, bool similar, std::uint64_t& steps) {
    std::vector<std::pair<fhir::Element, fhir::Element>> pairs{{first, second}};
    while (!pairs.empty()) {
        auto const [a, b] = pairs.back();
        pairs.pop_back();
        ++steps;
        if (a == b) continue;
        if (!same_leaf(a, b, similar)) return false;
        auto const x = sorted_children(a);
        auto const y = sorted_children(b);
        if (x.size() != y.size()) return false;
        for (std::size_t i = 0; i < x.size(); ++i) {
            if (x[i].name() != y[i].name()) return false;
            pairs.emplace_back(x[i], y[i]);
        }
    }
    return true;
}

Item resource_of(fhir::Element element, bool outermost) {
    fhir::Element found;
    for (auto e = element; e.exists(); e = e.parent()) {
        if (e.resource_type().empty()) continue;
        found = e;
        if (!outermost || e.name() != "contained") break;
    }
    return found.exists() ? Item::of(found, fhir::Type::find(found.resource_type())) : typed(element);
}

}  // namespace hilum::expression
