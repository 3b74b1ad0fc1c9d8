// HL7's official FHIRPath suite for R4, case by case. What can't pass is listed below with its reason; a
// listed case that passes and an unlisted one that fails are both failures of this test.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "parsers/fhir/resource.h"
#include "routes/expression/expression.h"

using namespace hilum;

namespace {

struct Output {
    std::string type, value;
};

struct Case {
    std::string name, input, expression, invalid;
    bool predicate = false, check_ordered = false, any_order = false;
    std::vector<Output> outputs;
};

// The reader of FHIR's JSON reads it too, once the list stands in something that looks like a resource.
std::vector<Case> cases_of(std::string const& json) {
    auto const read = fhir::Resource::read_json(R"({"resourceType":"Suite","case":)" + json + "}");
    REQUIRE(read.has_value());
    auto const text = [](fhir::Element of, std::string_view name) {
        auto const child = of.child(name);
        return child.exists() ? std::string(child.text()) : std::string();
    };
    std::vector<Case> out;
    for (auto e = read->root().child("case"); e.exists(); e = e.next()) {
        auto& c = out.emplace_back();
        c.name = text(e, "name");
        c.input = text(e, "input");
        c.expression = text(e, "expr");
        c.invalid = text(e, "invalid");
        c.predicate = text(e, "predicate") == "true";
        c.check_ordered = text(e, "checkOrdered") == "true";
        c.any_order = text(e, "ordered") == "false";
        for (auto o = e.child("outputs"); o.exists() && o.name() == "outputs"; o = o.next())
            c.outputs.push_back({text(o, "type"), text(o, "value")});
    }
    return out;
}

struct Exception {
    std::string_view name, reason;
};

constexpr Exception exceptions[] = {
    {"testPlusDate19", "0.1 's' has to count: N1 6.6.7 drops the fraction above seconds only"},
};

std::string read(std::filesystem::path const& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

bool number(std::string_view type) {
    return type == "integer" || type == "decimal";
}

// As the suite writes values: dates with @.
std::string written(std::string const& type, std::string const& text) {
    if (type == "date" || type == "dateTime") return "@" + text;
    return type == "time" ? "@T" + text : text;
}

// "" when the case came out as expected, else what came instead.
std::string difference(Case const& c, fhir::Resource const* resource) {
    expression::Options options;
    options.fhir = true;
    options.root = resource ? resource->type() : std::string_view();
    options.ordered = c.check_ordered;
    auto const compiled = expression::Expression::compile(c.expression, options);
    bool const wants_error = !c.invalid.empty();
    if (!compiled) return wants_error ? "" : compiled.error().text();
    expression::Context context;
    context.now_us = 1'767'323'045'000'000;
    context.resource = resource;
    auto const items = compiled->items(context);
    auto const types = compiled->types(context);
    if (!items || !types) return wants_error ? "" : items.error().text();
    std::string got;
    for (std::size_t i = 0; i < items->size(); ++i) got += " " + (*types)[i] + ":" + (*items)[i];
    if (wants_error) return "an error is expected, not" + got;
    if (c.predicate) {
        auto const test = compiled->test(context);
        return test && *test == (c.outputs.front().value == "true") ? ""
                                                                    : "as a predicate it is something else";
    }
    auto outputs = c.outputs;
    if (items->size() != outputs.size()) return std::to_string(items->size()) + " items:" + got;
    for (std::size_t i = 0; i < items->size(); ++i) {
        auto const& type = (*types)[i];
        auto const text = written(type, (*items)[i]);
        // The order is checked unless the suite says that it is open.
        auto const same = [&](Output const& o) {
            if (!o.type.empty() && o.type != type) return false;
            if (text == o.value) return true;
            // -0.0 is 0.0; all other numbers are compared as written.
            return number(type) && text == "0.0" && o.value == "-0.0";
        };
        auto const end = c.any_order ? outputs.end() : outputs.begin() + 1;
        auto const found = std::find_if(outputs.begin(), end, same);
        if (found == end) return got;
        outputs.erase(found);
    }
    return "";
}

}  // namespace

TEST_CASE("the official FHIRPath suite for R4 passes, save what is listed") {
    std::filesystem::path const folder = HILUM_SHARED "/fhirpath";
    if (!std::filesystem::exists(folder)) {
        MESSAGE("skipped: ../shared/fhirpath is not there");
        return;
    }
    auto const cases = cases_of(read(folder / "fhirpath-r4.json"));
    CHECK(cases.size() == 935);
    std::map<std::string, std::optional<fhir::Resource>> inputs;
    std::size_t passed = 0;
    for (auto const& c : cases) {
        fhir::Resource const* resource = nullptr;
        if (!c.input.empty()) {
            auto const stem = c.input.substr(0, c.input.rfind('.'));
            auto& input = inputs[stem];
            if (!input) {
                auto parsed = fhir::Resource::read_json(read(folder / "input" / (stem + ".json")));
                REQUIRE(parsed.has_value());
                input.emplace(std::move(*parsed));
            }
            resource = &*input;
        }
        auto const wrong = difference(c, resource);
        auto const* const exception = std::find_if(std::begin(exceptions), std::end(exceptions),
                                                   [&](Exception const& e) { return e.name == c.name; });
        passed += wrong.empty() ? 1 : 0;
        CAPTURE(c.name);
        CAPTURE(c.expression);
        CAPTURE(wrong);
        if (exception == std::end(exceptions)) {
            CHECK(wrong.empty());
        } else {
            CHECK(!wrong.empty());
        }
    }
    MESSAGE(passed << " of " << cases.size() << " cases pass");
}
