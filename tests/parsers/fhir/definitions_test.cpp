#include "parsers/fhir/definitions.h"

#include <doctest/doctest.h>

#include <string>

using namespace hilum::fhir;

TEST_CASE("types know their bases") {
    struct Row {
        std::string_view type, base;
        bool is;
    };
    constexpr Row rows[] = {
        {"Patient", "DomainResource", true},
        {"Patient", "Resource", true},
        {"Patient", "Person", false},
        {"Bundle", "DomainResource", false},
        {"code", "string", true},
        {"string", "code", false},
        {"Age", "Quantity", true},
        {"uuid", "uri", true},
        {"positiveInt", "integer", true},
        {"Timing", "BackboneElement", true},
        {"Patient.contact", "Element", true},
        {"Dosage.doseAndRate", "Element", true},
    };
    for (auto const& row : rows) {
        CAPTURE(row.type);
        REQUIRE(Type::find(row.type).exists());
        REQUIRE(Type::find(row.base).exists());
        CHECK(Type::find(row.type).is(Type::find(row.base)) == row.is);
    }
    CHECK(!Type::find("Patients").exists());
    CHECK(!Type::find("").exists());
    CHECK(Type::find("code").kind() == Type::Kind::primitive);
    CHECK(Type::names().size() > 200);
}

TEST_CASE("elements: their types and how often") {
    struct Row {
        std::string_view type, element, types, cardinality;
    };
    constexpr Row rows[] = {
        {"Patient", "name", "HumanName", "0..*"},
        {"Patient", "id", "id", "0..1"},
        {"HumanName", "id", "string", "0..1"},
        {"Extension", "url", "uri", "1..1"},
        {"Patient", "deceased", "boolean dateTime", "0..1"},
        {"Patient", "contact", "Patient.contact", "0..*"},
        {"Patient.contact", "name", "HumanName", "0..1"},
        {"Bundle.entry", "link", "Bundle.link", "0..*"},
        {"Bundle.entry", "resource", "Resource", "0..1"},
        {"Observation", "status", "code", "1..1"},
        {"Quantity", "value", "decimal", "0..1"},
        {"string", "extension", "Extension", "0..*"},
        {"Observation", "valueQuantity", "", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.type);
        CAPTURE(row.element);
        auto const e = definition(Type::find(row.type), row.element);
        CHECK(e.has_value() == !row.types.empty());
        if (!e) continue;
        std::string types;
        for (std::size_t i = 0; i < e->type_count(); ++i)
            types += (i > 0 ? " " : "") + std::string(e->type(i).name());
        CHECK(types == row.types);
        auto const max = e->max == ElementDefinition::unbounded ? "*" : std::to_string(e->max);
        CHECK(std::to_string(e->min) + ".." + max == row.cardinality);
    }
    CHECK(definition(Type::find("Patient"), "gender")->value_set.url() ==
          "http://hl7.org/fhir/ValueSet/administrative-gender");
    CHECK(definition(Type::find("Patient"), "active")->modifier);
    CHECK(definitions(Type::find("Patient")).size() == 8 + 16);
    CHECK(definitions(Type::find("Patient")).front().name == "id");
}

TEST_CASE("a JSON property of a choice carries its type") {
    auto const observation = Type::find("Observation");
    CHECK(definition_of_property(observation, "valueQuantity")->name == "value");
    CHECK(definition_of_property(observation, "valueQuantity")->type_of("valueQuantity").name() ==
          "Quantity");
    CHECK(definition_of_property(observation, "valueDateTime")->type_of("valueDateTime").name() ==
          "dateTime");
    CHECK(!definition_of_property(observation, "value").has_value());
    CHECK(!definition_of_property(observation, "valueMoney").has_value());
    CHECK(definition_of_property(observation, "code")->type_of("code").name() == "CodeableConcept");
}
