#include "parsers/fhir/resource.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

using namespace hilum;
using fhir::Resource;

namespace {

// JSON without the white space outside strings.
std::string squeezed(std::string_view json) {
    std::string out;
    bool quoted = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        char const c = json[i];
        if (!quoted && (c == ' ' || c == '\n' || c == '\r' || c == '\t')) continue;
        out += c;
        if (quoted && c == '\\') out += json[++i];
        if (c == '"') quoted = !quoted;
    }
    return out;
}

// "name=text" of every child of the first element called `name`, in their order.
std::string children(fhir::Element parent) {
    std::string out;
    for (auto e = parent.first(); e.exists(); e = e.next()) {
        out += out.empty() ? "" : " ";
        out += std::string(e.name()) + (e.has_value() ? "=" + std::string(e.text()) : std::string());
    }
    return out;
}

std::string children_of(std::string_view json, std::string_view name) {
    auto const r = Resource::read_json(std::string(json));
    REQUIRE(r.has_value());
    return children(name.empty() ? r->root() : r->root().child(name));
}

}  // namespace

TEST_CASE("a resource is written as it was read") {
    constexpr std::string_view rows[] = {
        R"({"resourceType":"Patient"})",
        R"({"resourceType":"Patient","active":true,"deceasedBoolean":false})",
        R"({"resourceType":"Observation","valueQuantity":{"value":1.50,"unit":"g"},"x":[1e3,-0.0,10]})",
        R"({"birthDate":"1970","resourceType":"Patient","_birthDate":{"id":"a"}})",
        R"({"resourceType":"Patient","name":[{"given":[null,"B"],"_given":[{"id":"a"},null]},{}]})",
        R"({"resourceType":"Patient","x":[],"y":{},"z":[{"a":[{"b":[1]}]}],"s":"\"\\\n\u0001/ä"})",
    };
    for (auto const row : rows) {
        CAPTURE(row);
        auto const r = Resource::read_json(std::string(row));
        REQUIRE(r.has_value());
        CHECK(r->json() == row);
        Resource const moved = std::move(*Resource::read_json("\xef\xbb\xbf \n" + std::string(row) + "\n"));
        CHECK(moved.json() == row);
    }
}

TEST_CASE("primitives own the id and extensions of their companion") {
    constexpr std::string_view name =
        R"({"resourceType":"Patient","name":[{"given":[null,"B",null],"_given":[{"id":"a"},{"id":"b"},null,{"id":"d"}]}]})";
    auto const r = Resource::read_json(std::string(name));
    REQUIRE(r.has_value());
    CHECK(children(r->root().child("name")) == "given given=B given");
    auto const first = r->root().child("name").first();
    CHECK(first.kind() == fhir::Kind::nothing);
    CHECK(children(first) == "id=a");
    CHECK(children(first.next()) == "id=b");
    CHECK(first.next().first().parent() == first.next());
    CHECK(children(first.next().next()) == "id=d");
    CHECK(first.next().next().kind() == fhir::Kind::nothing);
    CHECK(children_of(R"({"resourceType":"Patient","_birthDate":{"id":"a"},"birthDate":"1970"})",
                      "birthDate") == "id=a");
    CHECK(children_of(R"({"resourceType":"Patient","_birthDate":{"id":"a"}})", "birthDate") == "id=a");
    CHECK(children_of(R"({"resourceType":"Patient","x":[],"_y":null,"z":[null]})", "") ==
          "resourceType=Patient");
}

TEST_CASE("what is no resource is refused with its place") {
    struct Row {
        std::string json;
        std::string_view code, place;
    };
    std::string deep = R"({"resourceType":"Patient")";
    for (int i = 0; i < 200; ++i) deep += R"(,"a":{"b":1)";
    Row const rows[] = {
        {"", "bad_json", "byte 1"},
        {"{", "bad_json", "byte 2"},
        {"[]", "no_resource", "byte 1"},
        {"1", "no_resource", "byte 1"},
        {"{}", "no_resource", "byte 1"},
        {R"({"resourceType":1})", "no_resource", "byte 1"},
        {R"({"resourceType":"Patient"} x)", "bad_json", "byte 28"},
        {R"({"resourceType":"Patient",})", "bad_json", "byte 27"},
        {R"({"resourceType":"Patient","id":1,"id":2})", "duplicate_property", "byte 40"},
        {R"({"resourceType":"Patient","a":[[1]]})", "list_in_list", "byte 32"},
        {"{\"resourceType\":\"Pat\xff\"}", "bad_json", "byte 21"},
        {std::string("{\"resourceType\":\"P\"}\0{}", 23), "bad_json", "byte 21"},
        {R"({"resourceType":"Pat\ude00"})", "bad_json", "byte 28"},
        {deep, "too_deep", "byte 1428"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.json.substr(0, 80));
        auto const r = Resource::read_json(row.json);
        REQUIRE(r.has_error());
        CHECK(r.error().code == row.code);
        CHECK(r.error().place == row.place);
    }
    CHECK(Resource::read_json(R"({"resourceType":"Patient"})", {10, 128}).error().code == "too_large");
    std::string many = R"({"resourceType":"Patient")";
    for (int i = 0; i < 40; ++i) many += ",\"p" + std::to_string(i % 39) + "\":1";
    CHECK(Resource::read_json(many + "}").error().code == "duplicate_property");
}

TEST_CASE("the official suite's resources come back unchanged") {
    std::filesystem::path const folder = HILUM_SHARED "/fhirpath/input";
    if (!std::filesystem::exists(folder)) {
        MESSAGE("skipped: ../shared/fhirpath is not there");
        return;
    }
    std::size_t files = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
        std::ifstream file(entry.path());
        std::stringstream text;
        text << file.rdbuf();
        auto const r = Resource::read_json(text.str());
        if (entry.path().filename() == "questionnaire-part-example.json") continue;  // no resource
        CAPTURE(entry.path().string());
        REQUIRE(r.has_value());
        CHECK(r->json() == squeezed(text.str()));
        ++files;
    }
    CHECK(files > 20);
}
