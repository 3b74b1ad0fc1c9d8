// What nobody should send costs bounded time and memory, and one error or a bounded list of findings.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>

#include "parsers/fhir/resource.h"
#include "parsers/fhir/validate.h"

using namespace hilum;
using fhir::Resource;

namespace {

std::string repeated(std::string_view text, std::size_t times) {
    std::string out;
    out.reserve(text.size() * times);
    for (std::size_t i = 0; i < times; ++i) out += text;
    return out;
}

// Whether a finding has that rule; for "" whether there is none at all.
bool finds(Resource const& resource, std::string_view rule) {
    auto const all = fhir::validate(resource.root(), {});
    if (rule.empty()) return all.empty();
    return std::any_of(all.begin(), all.end(), [&](auto const& f) { return f.rule == rule; });
}

// Generous: a test machine may be busy. What grows with the square of its input takes minutes.
struct Bounded {
    std::chrono::steady_clock::time_point begin = std::chrono::steady_clock::now();
    ~Bounded() { CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(20)); }
};

}  // namespace

TEST_CASE("bad input: refused by the readers") {
    struct Row {
        std::string text, code;
    };
    std::string const xml = "<Basic xmlns=\"http://hl7.org/fhir\">";
    Row const rows[] = {
        {R"({"resourceType":"Basic","extension":)" + repeated("[", 100'000), "list_in_list"},
        {R"({"resourceType":"Basic")" + repeated(R"(,"extension":[{"url":"u")", 100'000), "too_deep"},
        {R"({"resourceType":"Basic","id":"a","id":"b"})", "duplicate_property"},
        {R"({"resourceType":"Observation","valueQuantity":{"value":1e400}})", "bad_json"},
        {"<Observation xmlns=\"http://hl7.org/fhir\"><status value=\"final\"/><valueQuantity><value "
         "value=\"1e400\"/></valueQuantity></Observation>",
         "bad_value"},
        {"{\"resourceType\":\"Basic\",\"id\":\"\xc3\x28\"}", "bad_json"},
        {"{\"resourceType\":\"Basic\",\"id\":\"\xed\xa0\x80\"}", "bad_json"},
        {R"({"resourceType":"Basic","id":"\ud800"})", "bad_json"},
        {"{\"resourceType\":\"Basic\",\"id\":\"" + std::string(40, '\x1a') + "\"}", "bad_json"},
        {R"({"resourceType":"Basic","id":")" + std::string((std::size_t{64} << 20U) + 1, 'x') + "\"}",
         "too_large"},
        {xml + repeated("<extension url=\"u\">", 100'000), "xml_too_deep"},
        {xml + "<text><div xmlns=\"http://www.w3.org/1999/xhtml\">" + repeated("<b>", 100'000),
         "xml_too_deep"},
        {"<!DOCTYPE lolz [<!ENTITY lol \"lol\">]>" + xml + "</Basic>", "xml_doctype"},
        {xml + "<id value=\"&lol;\"/></Basic>", "xml_entity"},
        {xml + "<id value=\"&#0;\"/></Basic>", "not_xml"},
        {xml + "<id value=\"\xff\"/></Basic>", "xml_not_utf8"},
        {"<?xml version=\"1.0\" encoding=\"UTF-16\"?>" + xml + "</Basic>", "xml_not_utf8"},
        {xml + "<id value=\"" + std::string(std::size_t{64} << 20U, 'x') + "\"/></Basic>", "xml_too_large"},
        {xml + repeated("<extension url=\"u\"/>", 3'000'000), "xml_too_large"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text.substr(0, 60));
        Bounded const bounded;
        auto const read = row.text[0] == '{' ? Resource::read_json(row.text) : Resource::read_xml(row.text);
        REQUIRE(read.has_error());
        CHECK(read.error().code == row.code);
    }
}

TEST_CASE("bad input: findings of validation") {
    struct Row {
        std::string json, rule;
    };
    Row const rows[] = {
        {R"({"resourceType":"Observation","valueQuantity":{"value":1e-999}})", "format"},
        {R"({"resourceType":"Basic","code":{"text":")" + std::string(std::size_t{63} << 20U, 'x') + "\"}}",
         "format"},
        {R"({"resourceType":"Basic","code":{"text":"x"},"author":{"reference":")" +
             std::string(std::size_t{1} << 20U, '#') + "\"}}",
         "ref-1"},
        // Contained resources that refer to each other in a circle are all referred to.
        {R"({"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"#a"},"contained":[)"
         R"({"resourceType":"Basic","id":"a","code":{"text":"x"},"subject":{"reference":"#b"}},)"
         R"({"resourceType":"Basic","id":"b","code":{"text":"x"},"subject":{"reference":"#a"}}]})",
         ""},
        {R"({"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"#a"},"contained":[{"resourceType":"Basic","id":"a","code":)"
         R"({"text":"x"},"contained":[{"resourceType":"Basic","id":"b","code":{"text":"x"}}]}]})",
         "dom-2"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.json.substr(0, 60));
        Bounded const bounded;
        auto const read = Resource::read_json(row.json);
        REQUIRE(read.has_value());
        CHECK(finds(*read, row.rule));
    }
}

TEST_CASE("bad input: many of everything") {
    Bounded const bounded;
    std::string bundle = R"({"resourceType":"Bundle","type":"collection","entry":[)";
    for (int i = 0; i < 10'000; ++i) {
        auto const n = std::to_string(10'000 + i);
        if (i > 0) bundle += ',';
        bundle += R"({"fullUrl":"http://x.example/Patient/)" + n +
                  R"(","resource":{"resourceType":"Patient","id":")" + n +
                  R"(","link":[{"other":{"reference":"Patient/)" + n + R"("},"type":"refer"}]}})";
    }
    auto const good = Resource::read_json(bundle + "]}");
    REQUIRE(good.has_value());
    CHECK(fhir::validate(good->root(), {}).empty());

    // Contained resources in a chain, and an error in each element: the list of findings ends.
    std::string chain =
        R"({"resourceType":"Basic","code":{"text":"x"},"subject":{"reference":"#0"},"contained":[)";
    for (int i = 0; i < 10'000; ++i) {
        chain += (i > 0 ? "," : "");
        chain += R"({"resourceType":"Basic","id":")" + std::to_string(i) +
                 R"(","code":{"text":""},"subject":{"reference":"#)" + std::to_string((i + 1) % 10'000) +
                 "\"}}";
    }
    auto const bad = Resource::read_json(chain + "]}");
    REQUIRE(bad.has_value());
    auto const findings = fhir::validate(bad->root(), {});
    CHECK(findings.size() == fhir::Rules().findings_max + 1);
    CHECK(findings.back().rule == "too-many");
    CHECK(findings.front().location == "Basic.contained[0].code.text");
}
