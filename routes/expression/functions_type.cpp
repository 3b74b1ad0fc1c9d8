// What something is (http://hl7.org/fhirpath/N1/#types).
#include "routes/expression/functions.h"
#include "routes/expression/types.h"

namespace hilum::expression::on {

bool is(Call& c) {
    Item const* item = nullptr;
    return c.single_input(item) && (!item || c.give(is_of(*item, c.node.type)));
}

bool as(Call& c) {
    Item const* item = nullptr;
    if (!c.single_input(item)) return false;
    if (item && exactly_of(*item, c.node.type)) c.out.push_back(*item);
    return true;
}

bool of_type(Call& c) {
    for (auto const& item : c.input)
        if (exactly_of(item, c.node.type)) c.out.push_back(item);
    return true;
}

bool type(Call& c) {
    for (auto const& item : c.input) {
        if (item.type() != Type::element) {
            c.out.push_back(Item::type_info(system_name(item.type()), false));
            continue;
        }
        auto const type = item.fhir_type();
        // The types of nested elements have no name of their own.
        bool const nameless = type.kind() == fhir::Type::Kind::backbone;
        c.out.push_back(Item::type_info(nameless ? type.base().name() : item.type_name(), true));
    }
    return true;
}

// The profiles that are known are R4's own types.
bool conforms_to(Call& c) {
    Item const* item = nullptr;
    std::string_view url;
    bool found = false;
    if (!c.single_input(item) || !c.text_argument(0, url, found)) return false;
    if (!item || !found) return true;
    static constexpr std::string_view base = "http://hl7.org/fhir/StructureDefinition/";
    auto const type = url.starts_with(base) ? fhir::Type::find(url.substr(base.size())) : fhir::Type();
    if (!type.exists())
        return c.fail("unknown_profile", "conformsTo() knows no such profile",
                      "it knows the types of FHIR R4, such as " + std::string(base) + "Patient");
    return c.give(item->type() == Type::element && item->fhir_type().is(type));
}

}  // namespace hilum::expression::on
