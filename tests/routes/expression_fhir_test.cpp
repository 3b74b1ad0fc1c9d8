// FHIRPath over FHIR resources, beyond the official suite: names and their types, references, what is said at
// load.
#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "parsers/fhir/resource.h"
#include "routes/expression/expression.h"

using namespace hilum;
using expression::Expression;

namespace {

constexpr std::string_view bundle = R"({
  "resourceType": "Bundle", "type": "collection",
  "entry": [
    {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "p",
      "name": [{"family": "Doe", "given": ["Jane", "Mary"]}],
      "birthDate": "1980-02-03", "_birthDate": {"extension": [{"url": "http://x", "valueCode": "c"}]},
      "multipleBirthInteger": 2, "active": false}},
    {"resource": {"resourceType": "Observation", "id": "o", "status": "final",
      "contained": [{"resourceType": "Practitioner", "id": "d", "active": true}],
      "subject": {"reference": "urn:uuid:1"}, "performer": [{"reference": "#d"}],
      "valueQuantity": {"value": 1.50, "system": "http://unitsofmeasure.org", "code": "g"},
      "referenceRange": [{"low": {"value": 1, "unit": "g"}}]}},
    {"resource": {"resourceType": "Observation", "id": "o2", "status": "final", "_effectiveDateTime": {"id": "e"},
      "subject": {"reference": "Patient/p"}, "valueString": "x"}},
    {"resource": {"resourceType": "Thing", "id": "t", "stuff": {"more": [1, 2]}}}
  ]})";

fhir::Resource resource() {
    auto read = fhir::Resource::read_json(std::string(bundle));
    REQUIRE(read.has_value());
    return std::move(*read);
}

// "a, b" of the items, or "! code at column N" of the error.
std::string evaluated(std::string_view text, expression::Context const& context, std::string_view root) {
    expression::Options options;
    options.fhir = true;
    options.root = root;
    auto const compiled = Expression::compile(text, options);
    if (!compiled) return "! " + compiled.error().code + " at " + compiled.error().place;
    auto const items = compiled->items(context);
    if (!items) return "! " + items.error().code + " at " + items.error().place;
    std::string out;
    for (auto const& item : *items) out += (out.empty() ? "" : ", ") + item;
    return items->empty() ? "{}" : out;
}

}  // namespace

TEST_CASE("names are elements") {
    struct Row {
        std::string_view text, result;
    };
    constexpr Row rows[] = {
        {"Bundle.type", "collection"},
        {"type", "collection"},
        {"entry.count()", "4"},
        {"entry.resource.ofType(Patient).name.given", "Jane, Mary"},
        {"entry.resource.ofType(Patient).name", R"({"family":"Doe","given":["Jane","Mary"]})"},
        {"entry.resource.ofType(Observation).value.ofType(Quantity).value", "1.50"},
        {"entry.resource.ofType(Observation).value.ofType(string)", "x"},
        {"entry.resource.where(id = 'o').value > 1 'mg'", "true"},
        {"entry.resource.where(id = 'o').value * 2", "3.00 'g'"},
        {"entry.resource.where(id = 'p').multipleBirth + 1", "3"},
        {"entry.resource.where(id = 'p').birthDate < @1990", "true"},
        {"entry.resource.where(id = 'p').birthDate.extension('http://x').value", "c"},
        {"entry.resource.where(id = 'p').active", "false"},
        {"entry.resource.where(id = 'p').active or false", "false"},
        {"entry.resource.where(active).count()", "0"},
        {"entry.resource.where(id = 'o2').effective.hasValue()", "false"},
        {"entry.resource.where(id = 'o2').effective = 'x'", "{}"},
        {"entry.resource.where(id = 'o2').effective.id", "e"},
        {"entry.resource.id.join(' ')", "p o o2 t"},
        {"entry.resource.name.family.type().name", "string"},
        {"entry[1].resource.referenceRange.type().name", "BackboneElement"},
        {"entry[3].resource.stuff.more", "1, 2"},
        {"entry[3].resource.stuff.more.children()", "{}"},
        {"entry.resource.ofType(Observation).subject.resolve().name.family", "Doe, Doe"},
        {"entry.resource.ofType(Observation).performer.resolve().active", "true"},
        {"entry[1].resource.contained.count()", "1"},
        {"descendants().ofType(Coding).count()", "0"},
        {"descendants().where($this is Observation).count()", "2"},
        {"entry[0].resource = entry[0].resource", "true"},
        {"entry[0].resource = entry[1].resource", "false"},
        {"entry.resource.status.distinct()", "final"},
        {"entry.resource.subject.distinct().count()", "2"},
        {"%resource.id", "{}"},
        {"%context.entry.count()", "4"},
        {"entry.resource.name.checkModifiers('x').count()", "1"},
        {"entry.resource.status.memberOf('x')", "! not_available at column 23"},
        {"PID-3", "{}"},
    };
    auto const r = resource();
    expression::Context context;
    context.resource = &r;
    for (auto const& row : rows) {
        CAPTURE(row.text);
        CHECK(evaluated(row.text, context, "Bundle") == row.result);
    }
}

TEST_CASE("an expression may begin at an element") {
    auto const r = resource();
    expression::Context context;
    context.resource = &r;
    auto const observation = r.root().child("entry").next().child("resource");
    context.focus = observation.child("contained");
    CHECK(evaluated("active", context, "Practitioner") == "true");
    CHECK(evaluated("%resource.id", context, "Practitioner") == "d");
    CHECK(evaluated("%rootResource.id", context, "Practitioner") == "o");
    context.focus = observation.child("valueQuantity");
    CHECK(evaluated("value", context, "Quantity") == "1.50");
    CHECK(evaluated("$this is Quantity", context, "Quantity") == "true");
    CHECK(evaluated("%context = 1500 'mg'", context, "") == "true");
    CHECK(evaluated("name.given", expression::Context{}, "Patient") == "{}");
}

TEST_CASE("names that a type does not have are found at load") {
    struct Row {
        std::string_view root, text, place, what, next;
    };
    constexpr Row rows[] = {
        {"Patient", "name.given", "", "", ""},
        {"Patient", "name.givn", "column 6", "HumanName has no element \"givn\"", "did you mean \"given\"?"},
        {"Patient", "Patient.nam", "column 9", "Patient has no element", "\"name\""},
        {"Patient", "Observation.status", "column 1", "Patient has no element \"Observation\"", ""},
        {"Patient", "contact.name.where(famly = 'x')", "column 20", "HumanName", "\"family\""},
        {"Patient", "deceased.exists()", "", "", ""},
        {"Patient", "deceasedBoolean", "column 1", "without the type", "deceased.ofType(boolean)"},
        {"Patient", "deceased.ofType(boolean).foo", "column 26", "boolean has no element", ""},
        {"Bundle", "entry.resource.anything.at.all", "", "", ""},
        {"Bundle", "entry.resource.ofType(Patient).nam", "column 32", "Patient", "\"name\""},
        {"Bundle", "entry.select(resource | link).url", "", "", ""},
        {"Patient", "name.given < 1", "column 12", "no order", "convert"},
        {"Patient", "birthDate < @2020", "", "", ""},
        {"Patient", "birthDate < 'x'", "column 11", "no order", "convert"},
        {"Observation", "value > 1", "", "", ""},
        {"Patient", "name.as(HumanNam)", "column 9", "no type called", "HumanName"},
        {"Nothing", "id", "", "no type called \"Nothing\"", "Patient"},
        {"", "whatever.there.is", "", "", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        expression::Options options;
        options.fhir = true;
        options.root = row.root;
        auto const compiled = Expression::compile(row.text, options);
        CHECK(compiled.has_value() == row.what.empty());
        if (compiled) continue;
        auto const& e = compiled.error();
        CAPTURE(e.text());
        CHECK(e.place == row.place);
        CHECK(e.what.find(row.what) != std::string::npos);
        CHECK(e.next.find(row.next) != std::string::npos);
    }
}

TEST_CASE("work on a large resource is bounded") {
    std::string json = R"({"resourceType":"Bundle","entry":[)";
    for (int i = 0; i < 5000; ++i)
        json += (i > 0 ? "," : "") + (R"({"fullUrl":"urn:)" + std::to_string(i)) +
                R"(","resource":{"resourceType":"Observation","subject":{"reference":"urn:)" +
                std::to_string(4999 - i) + R"("}}})";
    auto const r = fhir::Resource::read_json(json + "]}");
    REQUIRE(r.has_value());
    expression::Context context;
    context.resource = &*r;
    CHECK(evaluated("entry.resource.subject.resolve().count()", context, "Bundle") == "5000");
    CHECK(evaluated("entry.where(entry.count() = 0).count()", context, "") == "5000");
    CHECK(evaluated("entry.where($this in %resource.entry).count()", context, "Bundle") ==
          "! too_much_work at column 19");
}
