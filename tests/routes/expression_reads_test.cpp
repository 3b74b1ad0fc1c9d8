// What `explain` tells of a condition that does not hold.
#include <doctest/doctest.h>

#include <string>

#include "routes/expression/expression.h"

using namespace hilum;

namespace {

std::string reads(std::string const& text, std::string const& json) {
    auto const resource = fhir::Resource::read_json(json);
    REQUIRE_MESSAGE(resource.has_value(), json);
    expression::Options options;
    options.fhir = true;
    auto const expression = expression::Expression::compile(text, options);
    REQUIRE_MESSAGE(expression.has_value(), text);
    expression::Context context;
    context.resource = &*resource;
    std::string out;
    for (auto const& read : expression->reads(context)) (out += out.empty() ? "" : ", ") += read.text();
    return out;
}

}  // namespace

TEST_CASE("reads: the elements of a resource, by all that leads to them") {
    std::string const patient =
        R"({"resourceType":"Patient","active":false,"name":[{"use":"official","family":"Doe","given":["A","B"]}]})";
    CHECK(reads("Patient.active = true", patient) == "Patient.active is \"false\"");
    CHECK(reads("active", patient) == "active is \"false\"");
    CHECK(reads("name.where(use = 'old').family = 'Roe'", patient) ==
          "name.where(use = 'old').family is empty");
    CHECK(reads("name.given.count() > 5", patient) == "name.given is \"A\" | \"B\"");
    CHECK(reads("name.exists(use = 'old')", patient).starts_with("name is "));
    CHECK(reads("active.exists() and gender = 'male'", patient) == "gender is empty");
    CHECK(reads("Patient.exists()", R"({"resourceType":"Group","type":"person","actual":true})") ==
          "Patient is empty");
}
