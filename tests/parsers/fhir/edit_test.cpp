#include "parsers/fhir/edit.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/parsers/fhir/edit_support.h"

using namespace hilum;
using fhir::Editor;
using fhir::Element;
using fhir::Kind;
using fhir::Resource;
using test::tree;

namespace {

Resource read(std::string_view json) {
    auto r = Resource::read_json(std::string(json));
    REQUIRE(r.has_value());
    return std::move(*r);
}

// An edited tree and the one that is read from its JSON are the same.
void check_sound(Resource const& resource) {
    auto const json = resource.json();
    CAPTURE(json);
    auto const again = Resource::read_json(json);
    REQUIRE(again.has_value());
    CHECK(again->json() == json);
    CHECK(tree(*again) == tree(resource));
}

// "name[1].given": the index counts elements of that name, from 0.
Element at(Resource const& resource, std::string_view path) {
    auto e = resource.root();
    while (!path.empty() && e.exists()) {
        auto const part = path.substr(0, path.find('.'));
        path.remove_prefix(std::min(part.size() + 1, path.size()));
        auto const bracket = part.find('[');
        auto const name = part.substr(0, bracket);
        int index = bracket == std::string_view::npos ? 0 : part[bracket + 1] - '0';
        for (e = e.first(); e.exists(); e = e.next())
            if (e.name() == name && index-- == 0) break;
    }
    return e;
}

struct Edit {
    std::string_view before;  // what stands behind resourceType
    std::string_view what;    // set, add, copy, replace, remove
    std::string_view path;
    std::string_view with;  // set: the text; add: the name of a list; copy: NAME=SOURCE; replace: the source
    std::string_view after;
};

std::string edited(Edit const& row) {
    auto resource = read(R"({"resourceType":"Patient")" + std::string(row.before) + "}");
    Editor edit(resource);
    auto const element = at(resource, row.path);
    REQUIRE(element.exists());
    if (row.what == "set") {
        REQUIRE(edit.set(element, Kind::string, row.with).has_value());
    } else if (row.what == "number") {
        REQUIRE(edit.set(element, Kind::number, row.with).has_value());
    } else if (row.what == "add" || row.what == "add one") {
        auto const added = edit.append(element, row.with, row.what == "add", Kind::nothing);
        REQUIRE(added.has_value());
        REQUIRE(edit.set(*added, Kind::string, "new").has_value());
    } else if (row.what == "copy" || row.what == "copy one") {
        auto const equals = row.with.find('=');
        auto const source = at(resource, row.with.substr(equals + 1));
        REQUIRE(source.exists());
        auto const made = edit.append_copy(element, row.with.substr(0, equals), row.what == "copy", source);
        REQUIRE(made.has_value());
        CHECK(made->name() == row.with.substr(0, equals));
        CHECK(made->parent() == element);
    } else if (row.what == "replace") {
        auto const source = at(resource, row.with);
        REQUIRE(source.exists());
        REQUIRE(edit.replace(element, source).has_value());
    } else {
        edit.remove(element);
    }
    check_sound(resource);
    auto json = resource.json();
    constexpr std::string_view head = R"({"resourceType":"Patient")";
    REQUIRE(json.starts_with(head));
    return json.substr(head.size(), json.size() - head.size() - 1);
}

template <std::size_t N>
void check(Edit const (&rows)[N]) {
    for (auto const& row : rows) {
        CAPTURE(row.before);
        CAPTURE(row.what);
        CAPTURE(row.path);
        CAPTURE(row.with);
        CHECK(edited(row) == row.after);
    }
}

}  // namespace

TEST_CASE("values are set; id, extensions and all else stay as they were written") {
    constexpr Edit rows[] = {
        {R"(,"a":"x","n":1.50,"b":"y")", "set", "a", "z", R"(,"a":"z","n":1.50,"b":"y")"},
        {R"(,"a":"x","n":1e2,"z":-0.0)", "number", "n", "2.500", R"(,"a":"x","n":2.500,"z":-0.0)"},
        {R"(,"a":"x")", "set", "a", "\"\\\n\x01\xc3\xa4", ",\"a\":\"\\\"\\\\\\n\\u0001\xc3\xa4\""},
        {R"(,"a":["x","y","z"])", "set", "a[1]", "1", R"(,"a":["x","1","z"])"},
        {R"(,"a":true)", "set", "a", "true", R"(,"a":"true")"},
        {R"(,"a":"x","_a":{"id":"i"})", "set", "a", "z", R"(,"a":"z","_a":{"id":"i"})"},
        {R"(,"_a":{"id":"i"},"a":"x")", "set", "a", "z", R"(,"_a":{"id":"i"},"a":"z")"},
        {R"(,"a":"x","_a":{"id":"i"})", "set", "a.id", "j", R"(,"a":"x","_a":{"id":"j"})"},
        {R"(,"a":[null,"y"],"_a":[{"id":"i"},null])", "set", "a[0]", "x",
         R"(,"a":["x","y"],"_a":[{"id":"i"},null])"},
        // An element of extensions alone gets its value beside it.
        {R"(,"_a":{"id":"i"},"b":1)", "set", "a", "x", R"(,"_a":{"id":"i"},"b":1,"a":"x")"},
        {R"(,"_a":[{"id":"i"},{"id":"j"}])", "set", "a[1]", "x",
         R"(,"_a":[{"id":"i"},{"id":"j"}],"a":[null,"x"])"},
        {R"(,"_a":[null,{"id":"j"}])", "set", "a[0]", "x", R"(,"_a":[null,{"id":"j"}],"a":[null,"x"])"},
    };
    check(rows);
}

TEST_CASE("children are added behind those of their name") {
    constexpr Edit rows[] = {
        {"", "add", "", "a", R"(,"a":["new"])"},
        {"", "add one", "", "a", R"(,"a":"new")"},
        {R"(,"a":["x"],"b":1)", "add", "", "a", R"(,"a":["x","new"],"b":1)"},
        {R"(,"a":["x"],"b":1)", "add one", "", "a", R"(,"a":["x","new"],"b":1)"},
        {R"(,"a":[],"b":1)", "add", "", "a", R"(,"a":["new"],"b":1)"},
        {R"(,"n":[{"g":["x"]},{"g":["y"]}])", "add", "n[1]", "g", R"(,"n":[{"g":["x"]},{"g":["y","new"]}])"},
        // Of a primitive: what `_name` holds, made where it is missing.
        {R"(,"a":"x","b":1)", "add one", "a", "id", R"(,"a":"x","b":1,"_a":{"id":"new"})"},
        {R"(,"a":"x","_a":{"id":"i"})", "add", "a", "u", R"(,"a":"x","_a":{"id":"i","u":["new"]})"},
        {R"(,"a":["x","y","z"])", "add one", "a[1]", "id",
         R"(,"a":["x","y","z"],"_a":[null,{"id":"new"},null])"},
        {R"(,"a":["x","y"],"_a":[{"id":"i"},null])", "add one", "a[1]", "id",
         R"(,"a":["x","y"],"_a":[{"id":"i"},{"id":"new"}])"},
        {R"(,"_a":{"u":["v"]})", "add one", "a", "id", R"(,"_a":{"u":["v"],"id":"new"})"},
        // The two lists of a primitive keep as many places
        // (http://hl7.org/fhir/R4/json.html#primitive).
        {R"(,"a":["x"],"_a":[{"id":"i"}])", "add", "", "a", R"(,"a":["x","new"],"_a":[{"id":"i"},null])"},
        {R"(,"_a":[{"id":"i"}])", "add", "", "a", R"(,"_a":[{"id":"i"},null],"a":[null,"new"])"},
    };
    check(rows);
}

TEST_CASE("copies take everything of an element along") {
    constexpr Edit rows[] = {
        {R"(,"a":"x")", "copy", "", "b=a", R"(,"a":"x","b":["x"])"},
        {R"(,"a":1.50)", "copy one", "", "b=a", R"(,"a":1.50,"b":1.50)"},
        {R"(,"a":true)", "copy one", "", "b=a", R"(,"a":true,"b":true)"},
        {R"(,"o":{"p":[{"q":1e3}],"r":"\""})", "copy", "", "b=o",
         R"(,"o":{"p":[{"q":1e3}],"r":"\""},"b":[{"p":[{"q":1e3}],"r":"\""}])"},
        {R"(,"o":{"p":1})", "copy one", "o", "p2=o", R"(,"o":{"p":1,"p2":{"p":1}})"},
        {R"(,"a":"x","_a":{"id":"i"})", "copy one", "", "b=a",
         R"(,"a":"x","_a":{"id":"i"},"b":"x","_b":{"id":"i"})"},
        {R"(,"_a":{"id":"i"})", "copy one", "", "b=a", R"(,"_a":{"id":"i"},"_b":{"id":"i"})"},
        {R"(,"_a":{"id":"i"},"b":["y"])", "copy", "", "b=a",
         R"(,"_a":{"id":"i"},"b":["y",null],"_b":[null,{"id":"i"}])"},
        {R"(,"a":"x","_a":{"id":"i"},"b":["y","z"])", "copy", "", "b=a",
         R"(,"a":"x","_a":{"id":"i"},"b":["y","z","x"],"_b":[null,null,{"id":"i"}])"},
        {R"(,"a":"x","b":["y"],"_b":[{"id":"j"}])", "copy", "", "b=a",
         R"(,"a":"x","b":["y","x"],"_b":[{"id":"j"},null])"},
        {R"(,"a":"x","_b":[{"id":"j"}])", "copy", "", "b=a",
         R"(,"a":"x","_b":[{"id":"j"},null],"b":[null,"x"])"},
        {R"(,"a":"x","b":[])", "copy", "", "b=a", R"(,"a":"x","b":["x"])"},
        {R"(,"a":"x","o":{"u":[{"v":1}]})", "copy", "a", "u=o.u",
         R"(,"a":"x","o":{"u":[{"v":1}]},"_a":{"u":[{"v":1}]})"},
    };
    check(rows);
}

TEST_CASE("a copy takes the place of another element") {
    constexpr Edit rows[] = {
        {R"(,"a":"x","b":"y","c":1)", "replace", "a", "b", R"(,"a":"y","b":"y","c":1)"},
        {R"(,"a":["x","y","z"],"b":"n")", "replace", "a[1]", "b", R"(,"a":["x","n","z"],"b":"n")"},
        {R"(,"a":["x","y"])", "replace", "a[0]", "a[1]", R"(,"a":["y","y"])"},
        {R"(,"a":["x","y"])", "replace", "a[1]", "a[1]", R"(,"a":["x","y"])"},
        {R"(,"o":{"p":{"q":1}})", "replace", "o", "o.p", R"(,"o":{"q":1})"},
        {R"(,"a":"x","_a":{"id":"i"},"b":"y")", "replace", "a", "b", R"(,"a":"y","b":"y")"},
        {R"(,"a":"x","b":"y","_b":{"id":"j"})", "replace", "a", "b",
         R"(,"a":"y","b":"y","_b":{"id":"j"},"_a":{"id":"j"})"},
        {R"(,"a":["x","z"],"_a":[{"id":"i"},{"id":"k"}],"b":"y","_b":{"id":"j"})", "replace", "a[0]", "b",
         R"(,"a":["y","z"],"_a":[{"id":"j"},{"id":"k"}],"b":"y","_b":{"id":"j"})"},
        {R"(,"a":["x","z"],"_a":[{"id":"i"},{"id":"k"}],"b":"y")", "replace", "a[0]", "b",
         R"(,"a":["y","z"],"_a":[null,{"id":"k"}],"b":"y")"},
        // Of extensions alone, and by such.
        {R"(,"_a":{"id":"i"},"b":"y")", "replace", "a", "b", R"(,"b":"y","a":"y")"},
        {R"(,"_a":[{"id":"i"},{"id":"k"}],"b":"y")", "replace", "a[0]", "b",
         R"(,"_a":[null,{"id":"k"}],"b":"y","a":["y",null])"},
        {R"(,"a":"x","_b":{"id":"j"})", "replace", "a", "b", R"(,"_a":{"id":"j"},"_b":{"id":"j"})"},
        {R"(,"a":"x","_a":{"u":[{"v":1},{"v":2}]},"o":{"v":3})", "replace", "a.u[0]", "o",
         R"(,"a":"x","_a":{"u":[{"v":3},{"v":2}]},"o":{"v":3})"},
    };
    check(rows);
}

TEST_CASE("what is removed takes along what is empty then") {
    constexpr Edit rows[] = {
        {R"(,"a":"x","b":1)", "remove", "a", "", R"(,"b":1)"},
        {R"(,"a":["x"],"b":1)", "remove", "a", "", R"(,"b":1)"},
        {R"(,"a":["x","y","z"])", "remove", "a[1]", "", R"(,"a":["x","z"])"},
        {R"(,"o":{"p":{"q":[{"r":1}]}},"b":1)", "remove", "o.p.q.r", "", R"(,"b":1)"},
        {R"(,"o":[{"p":1},{"p":2}])", "remove", "o[0].p", "", R"(,"o":[{"p":2}])"},
        {R"(,"o":{"p":1})", "remove", "o", "", ""},
        {R"(,"a":"x","_a":{"id":"i"})", "remove", "a", "", ""},
        {R"(,"_a":{"id":"i"})", "remove", "a", "", ""},
        {R"(,"a":"x","_a":{"id":"i"})", "remove", "a.id", "", R"(,"a":"x")"},
        {R"(,"a":"x","_a":{"id":"i","u":["v"]})", "remove", "a.id", "", R"(,"a":"x","_a":{"u":["v"]})"},
        {R"(,"_a":{"id":"i"},"b":1)", "remove", "a.id", "", R"(,"b":1)"},
        {R"(,"a":["x","y"],"_a":[{"id":"i"},{"id":"j"}])", "remove", "a[0]", "",
         R"(,"a":["y"],"_a":[{"id":"j"}])"},
        {R"(,"a":["x","y"],"_a":[{"id":"i"},null])", "remove", "a[0]", "", R"(,"a":["y"])"},
        {R"(,"a":["x","y"],"_a":[{"id":"i"},null])", "remove", "a[1]", "", R"(,"a":["x"],"_a":[{"id":"i"}])"},
        {R"(,"a":["x","y"],"_a":[{"id":"i"},null])", "remove", "a[0].id", "", R"(,"a":["x","y"])"},
        {R"(,"a":[null,"y"],"_a":[{"id":"i"},null])", "remove", "a[0]", "", R"(,"a":["y"])"},
        // Without its extension there is nothing left of it.
        {R"(,"a":[null,"y"],"_a":[{"id":"i"},null])", "remove", "a[0].id", "", R"(,"a":["y"])"},
        {R"(,"o":{"a":[null],"_a":[{"id":"i"}]},"b":1)", "remove", "o.a.id", "", R"(,"b":1)"},
        {R"(,"_a":[{"id":"i"},{"id":"j"}])", "remove", "a[0].id", "", R"(,"_a":[{"id":"j"}])"},
        {R"(,"_a":[{"id":"i"},null])", "remove", "a[0]", "", ""},
    };
    check(rows);
}

TEST_CASE("entries of a Bundle are edited where they are") {
    auto bundle = read(
        R"({"resourceType":"Bundle","type":"batch","total":10,"entry":[{"fullUrl":"urn:uuid:a","resource":{"resourceType":"Patient","birthDate":"1970"}},)"
        R"({"resource":{"resourceType":"Observation","valueQuantity":{"value":1.50}},"request":{"method":"POST","url":"Observation"}}]})");
    Editor edit(bundle);
    auto const second = at(bundle, "entry[1].resource");
    REQUIRE(edit.set(at(bundle, "entry[1].request.method"), Kind::string, "PUT").has_value());
    auto const id = edit.append(second, "id", false, Kind::nothing);
    REQUIRE(id.has_value());
    REQUIRE(edit.set(*id, Kind::string, "7").has_value());
    edit.remove(at(bundle, "entry[0].fullUrl"));
    edit.remove(at(bundle, "entry[0].resource.birthDate"));  // resourceType keeps the resource
    CHECK(second.resource_type() == "Observation");          // handles stay
    check_sound(bundle);
    CHECK(
        bundle.json() ==
        R"({"resourceType":"Bundle","type":"batch","total":10,"entry":[{"resource":{"resourceType":"Patient"}},)"
        R"({"resource":{"resourceType":"Observation","valueQuantity":{"value":1.50},"id":"7"},"request":{"method":"PUT","url":"Observation"}}]})");
    edit.remove(at(bundle, "entry"));
    edit.remove(at(bundle, "entry"));
    CHECK(bundle.json() == R"({"resourceType":"Bundle","type":"batch","total":10})");
    edit.remove(bundle.root());  // never
    CHECK(bundle.type() == "Bundle");
}

TEST_CASE("what is gone already can be removed again, in any order") {
    constexpr std::string_view json =
        R"({"resourceType":"Patient","name":[{"given":["a","b"],"_given":[{"id":"i"},null]}],"active":true})";
    auto const expected = R"({"resourceType":"Patient","active":true})";
    std::vector<std::vector<std::string_view>> const orders = {
        {"name", "name"},
        {"name", "name.given[0]", "name.given[1]"},
        {"name.given[0]", "name.given[1]", "name"},
        {"name.given[1]", "name.given[1]", "name.given[0]", "name.given[0].id", "name"},
        {"name.given[0].id", "name.given[0].id", "name.given[0]", "name.given[0]", "name.given[1]"},
    };
    for (auto const& order : orders) {
        auto resource = read(json);
        std::vector<Element> elements;
        for (auto const path : order) elements.push_back(at(resource, path));
        Editor edit(resource);
        for (auto const element : elements) {
            REQUIRE(element.exists());
            edit.remove(element);
        }
        CHECK(resource.json() == expected);
        check_sound(resource);
    }
}

TEST_CASE("the type of a resource is known wherever it stands, and whatever is done to it") {
    auto resource = read(
        R"({"id":"1","contained":[{"id":"2","resourceType":"Observation"},{"id":"3"}],"resourceType":"Patient"})");
    Editor edit(resource);
    CHECK(resource.type() == "Patient");
    CHECK(at(resource, "contained").resource_type() == "Observation");
    CHECK(at(resource, "contained").text() == "");
    CHECK(at(resource, "contained[1]").resource_type() == "");
    CHECK(at(resource, "id").resource_type() == "");
    auto const copy = edit.append_copy(resource.root(), "contained", true, at(resource, "contained"));
    REQUIRE(copy.has_value());
    CHECK(copy->resource_type() == "Observation");
    REQUIRE(edit.set(copy->child("resourceType"), Kind::string, "Device").has_value());
    CHECK(copy->resource_type() == "Device");
    CHECK(at(resource, "contained").resource_type() == "Observation");
    auto const type = edit.append(at(resource, "contained[1]"), "resourceType", false, Kind::nothing);
    REQUIRE(type.has_value());
    REQUIRE(edit.set(*type, Kind::string, "Group").has_value());
    CHECK(at(resource, "contained[1]").resource_type() == "Group");
    REQUIRE(edit.replace(at(resource, "contained[1].resourceType"), copy->child("resourceType")).has_value());
    CHECK(at(resource, "contained[1]").resource_type() == "Device");
    edit.remove(at(resource, "contained[1].resourceType"));
    CHECK(at(resource, "contained[1]").resource_type() == "");
    auto const whole = edit.append(resource.root(), "x", false, Kind::object);
    REQUIRE(whole.has_value());
    CHECK(whole->resource_type() == "");
    CHECK(resource.type() == "Patient");
}

TEST_CASE("text may be a view of the resource itself") {
    auto resource =
        read(R"({"resourceType":"Patient","_a":{"id":"i"},"b":")" + std::string(200, 'y') + R"("})");
    Editor edit(resource);
    REQUIRE(edit.set(at(resource, "a"), Kind::string, at(resource, "b").text()).has_value());
    CHECK(at(resource, "a").text() == std::string(200, 'y'));
    auto const added = edit.append(resource.root(), at(resource, "b").text(), false, Kind::nothing);
    REQUIRE(added.has_value());
    CHECK(added->name() == std::string(200, 'y'));
    check_sound(read(resource.json()));
}

// What is written has to be read again by the next route, and by the receiver.
TEST_CASE("nothing becomes deeper than what may be read") {
    std::string inner = R"({"a":1})";
    for (int i = 0; i < 100; ++i) inner = R"({"o":)" + inner + "}";
    auto resource = read(R"({"resourceType":"Patient","top":)" + inner + "}");
    Editor edit(resource);
    auto deep = at(resource, "top");
    for (int i = 0; i < 100; ++i) deep = deep.first();
    auto const before = resource.json();
    auto const copied = edit.append_copy(deep, "copy", false, at(resource, "top"));
    REQUIRE(!copied.has_value());
    CHECK(copied.error().code == "too_deep");
    auto const replaced = edit.replace(deep.first(), at(resource, "top"));
    REQUIRE(!replaced.has_value());
    CHECK(replaced.error().code == "too_deep");
    CHECK(resource.json() == before);
    for (int i = 102; i < 128; ++i) {
        auto const made = edit.append(deep, "o", false, Kind::object);
        REQUIRE(made.has_value());
        deep = *made;
    }
    auto const made = edit.append(deep, "o", false, Kind::object);
    REQUIRE(!made.has_value());
    CHECK(made.error().code == "too_deep");
    CHECK(Resource::read_json(resource.json()).has_value());
}

TEST_CASE("what was edited is written in XML as well") {
    auto resource = read(
        R"({"resourceType":"Patient","gender":"other","_birthDate":{"id":"b"},"name":[{"given":["x"]}]})");
    Editor edit(resource);
    auto const id = edit.append(at(resource, "gender"), "id", false, Kind::nothing);
    REQUIRE(id.has_value());
    REQUIRE(edit.set(*id, Kind::string, "g").has_value());
    REQUIRE(edit.set(at(resource, "birthDate"), Kind::string, "1970").has_value());
    REQUIRE(edit.append_copy(at(resource, "name"), "given", true, at(resource, "gender")).has_value());
    auto const active = edit.append(resource.root(), "active", false, Kind::nothing);
    REQUIRE(active.has_value());
    REQUIRE(edit.set(*active, Kind::boolean, "true").has_value());
    auto const xml = resource.xml();
    REQUIRE(xml.has_value());
    CHECK(
        xml->find(
            R"(<active value="true"/><name><given value="x"/><given id="g" value="other"/></name><gender id="g" value="other"/><birthDate id="b" value="1970"/>)") !=
        std::string::npos);
    auto const again = Resource::read_xml(*xml);
    REQUIRE(again.has_value());
    CHECK(at(*again, "name.given[1].id").text() == "g");
}
