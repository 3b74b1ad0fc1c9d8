// Many edits: at random, from seeds (the edited tree has to be the one that its JSON says), and in bulk.
#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

#include "parsers/fhir/edit.h"
#include "tests/parsers/fhir/edit_support.h"

using namespace hilum;
using fhir::Editor;
using fhir::Element;
using fhir::Kind;
using fhir::Resource;
using test::tree;

namespace {

void collect(Element element, std::vector<Element>& out) {
    for (auto e = element.first(); e.exists(); e = e.next()) {
        out.push_back(e);
        collect(e, out);
    }
}

std::vector<Element> all(Resource const& resource) {
    std::vector<Element> out{resource.root()};
    collect(resource.root(), out);
    return out;
}

// Places of a list that hold nothing, not even an extension.
std::size_t nulls(Element element) {
    std::size_t found = 0;
    for (auto e = element.first_written(); e.exists(); e = e.next_written()) {
        if (e.is_companion() && e.is_null()) continue;
        found += !e.is_element() && !e.is_companion() ? 1 : nulls(e);
    }
    return found;
}

constexpr std::string_view start =
    R"({"resourceType":"Patient","p1":"x","_p1":{"id":"i"},"p2s":["a",null,"c"],"_p2s":[null,{"id":"j","o1s":[{"p1":1.0}]},null],)"
    R"("o1":{"p1":"y"},"o2s":[{"p1":true},{"_p1":{"id":"k"}},{"p2s":[1,2.50]}],"_p3s":[{"id":"l"},{"id":"m"}]})";

class Random {
  public:
    explicit Random(unsigned seed) : engine_(seed) {}
    std::size_t below(std::size_t limit) { return engine_() % limit; }
    Element one_of(std::vector<Element> const& elements) { return elements[below(elements.size())]; }
    // Names say what they hold, as those of FHIR's types do: p for primitives, o for objects, s for lists.
    std::string name(bool primitive, bool list) {
        return (primitive ? "p" : "o") + std::to_string(1 + below(3)) + (list ? "s" : "");
    }

  private:
    std::mt19937 engine_;
};

bool is_primitive(Element e) {
    return e.kind() != Kind::object;
}

void edit_once(Resource& resource, Random& random) {
    Editor edit(resource);
    auto const elements = all(resource);
    auto const element = random.one_of(elements);
    bool const free = element.name() != "id" && element.name() != "resourceType" && element.parent().exists();
    switch (random.below(5)) {
        case 0:
            if (is_primitive(element))
                CHECK(edit.set(element, Kind::string, std::to_string(random.below(1000))).has_value());
            return;
        case 1: {  // a primitive with a value, of an object or of another primitive
            bool const list = random.below(2) == 0;
            auto const name = random.name(true, list);
            if (element.name() == "id" || element.name() == "resourceType") return;
            if (!list && element.child(name).exists()) return;
            auto const made = edit.append(element, name, list, Kind::nothing);
            REQUIRE(made.has_value());
            CHECK(edit.set(*made, Kind::number, "1.50").has_value());
            return;
        }
        case 2: {
            auto const source = random.one_of(elements);
            if (!source.parent().exists() || element.name() == "id" || element.name() == "resourceType")
                return;
            bool const list = random.below(2) == 0;
            auto const name = random.name(is_primitive(source), list);
            if (!list && element.child(name).exists()) return;
            CHECK(edit.append_copy(element, name, list, source).has_value());
            return;
        }
        case 3: {
            auto const source = random.one_of(elements);
            if (!free || !source.parent().exists() || is_primitive(source) != is_primitive(element)) return;
            CHECK(edit.replace(element, source).has_value());
            return;
        }
        default:
            if (free || element.name() == "id") edit.remove(element);
    }
}

}  // namespace

TEST_CASE("after any edits the tree is the one that its JSON says") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        Random random(seed);
        auto read = Resource::read_json(std::string(start));
        REQUIRE(read.has_value());
        auto& resource = *read;
        for (int step = 0; step < 40; ++step) {
            CAPTURE(step);
            auto const before = resource.json();
            CAPTURE(before);
            if (before.size() > 20'000) break;
            edit_once(resource, random);
            auto const json = resource.json();
            CAPTURE(json);
            auto const again = Resource::read_json(json);
            REQUIRE(again.has_value());
            REQUIRE(again->json() == json);
            REQUIRE(tree(*again) == tree(resource));
            // FHIR has neither of these, and there was none to begin with.
            REQUIRE(json.find("{}") == std::string::npos);
            REQUIRE(json.find("[]") == std::string::npos);
            REQUIRE(nulls(resource.root()) == 0);
        }
    }
}

// An edit costs what it writes: with one that goes through all siblings this would take hours.
TEST_CASE("a hundred thousand entries are copied and removed") {
    constexpr std::size_t count = 100'000;
    std::string json = R"({"resourceType":"Bundle","total":1,"entry":[{"fullUrl":"urn:a"})";
    for (std::size_t i = 1; i < count; ++i) json += R"(,{"fullUrl":"urn:a"})";
    auto parsed = Resource::read_json(json + "]}");
    REQUIRE(parsed.has_value());
    auto& bundle = *parsed;
    std::vector<Element> entries;
    for (auto e = bundle.root().child("entry"); e.exists(); e = e.next()) entries.push_back(e);
    REQUIRE(entries.size() == count);
    Editor edit(bundle);
    for (auto const& entry : entries)
        REQUIRE(edit.append_copy(bundle.root(), "entry", true, entry).has_value());
    for (std::size_t i = 0; i < count; i += 2) edit.remove(entries[i]);
    for (std::size_t i = 1; i < count; i += 2) edit.remove(entries[i]);
    CHECK(bundle.json() == json + "]}");
}
