#include <doctest/doctest.h>

#include <string>
#include <string_view>

#include "parsers/fhir/resource.h"
#include "parsers/fhir/xhtml.h"

using namespace hilum;
using fhir::Resource;

namespace {

constexpr std::string_view declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

std::string patient(std::string_view content) {
    return "<Patient xmlns=\"http://hl7.org/fhir\">" + std::string(content) + "</Patient>";
}

}  // namespace

TEST_CASE("XML and JSON say the same") {
    struct Row {
        std::string_view json, xml;
    };
    constexpr Row rows[] = {
        {R"({"resourceType":"Patient"})", R"(<Patient xmlns="http://hl7.org/fhir"/>)"},
        {R"({"resourceType":"Patient","id":"a","active":true,"name":[{"family":"O'Neill <&\">","given":["A","B"]}],"multipleBirthInteger":2})",
         R"(<Patient xmlns="http://hl7.org/fhir"><id value="a"/><active value="true"/><name><family value="O'Neill &lt;&amp;&quot;&gt;"/><given value="A"/><given value="B"/></name><multipleBirthInteger value="2"/></Patient>)"},
        {R"({"resourceType":"Patient","name":[{"id":"n","given":["A",null,"C"],"_given":[null,{"extension":[{"url":"u","valueCode":"c"}]},{"id":"g"}]}],"birthDate":"1970","_birthDate":{"id":"b"}})",
         R"(<Patient xmlns="http://hl7.org/fhir"><name id="n"><given value="A"/><given><extension url="u"><valueCode value="c"/></extension></given><given id="g" value="C"/></name><birthDate id="b" value="1970"/></Patient>)"},
        {R"({"resourceType":"Observation","contained":[{"resourceType":"Patient","id":"p"}],"status":"final","valueQuantity":{"value":1.50}})",
         R"(<Observation xmlns="http://hl7.org/fhir"><contained><Patient><id value="p"/></Patient></contained><status value="final"/><valueQuantity><value value="1.50"/></valueQuantity></Observation>)"},
        {R"({"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Basic"}},{"fullUrl":"u"}]})",
         R"(<Bundle xmlns="http://hl7.org/fhir"><type value="batch"/><entry><resource><Basic/></resource></entry><entry><fullUrl value="u"/></entry></Bundle>)"},
        {R"({"resourceType":"Basic","text":{"status":"empty","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">a<br/>&#160;\n</div>"}})",
         "<Basic xmlns=\"http://hl7.org/fhir\"><text><status value=\"empty\"/><div "
         "xmlns=\"http://www.w3.org/1999/xhtml\">a<br/>&#160;\n</div></text></Basic>"},
        {R"({"resourceType":"Basic","extension":[{"url":"u","valueString":"a\tb\r\nc"}]})",
         R"(<Basic xmlns="http://hl7.org/fhir"><extension url="u"><valueString value="a&#9;b&#13;&#10;c"/></extension></Basic>)"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.json);
        auto const from_json = Resource::read_json(std::string(row.json));
        REQUIRE(from_json.has_value());
        auto const xml = from_json->xml();
        REQUIRE_MESSAGE(xml.has_value(), xml.error().text());
        CHECK(*xml == std::string(declaration) + std::string(row.xml) + "\n");
        auto const from_xml = Resource::read_xml(*xml);
        REQUIRE_MESSAGE(from_xml.has_value(), from_xml.error().text());
        CHECK(from_xml->json() == row.json);
    }
}

TEST_CASE("XML may be written in several ways") {
    constexpr std::string_view wanted = R"({"resourceType":"Patient","active":true,"gender":"male"})";
    std::string const rows[] = {
        "\xef\xbb\xbf<?xml version='1.0'?>\r\n<!-- c --><Patient xmlns='http://hl7.org/fhir'>\n <active "
        "value = 'true' />\n<?pi?><!-- d --><gender value=\"male\"></gender></Patient>\n",
        "<f:Patient xmlns:f=\"http://hl7.org/fhir\"><f:active value=\"true\"/><gender "
        "xmlns=\"http://hl7.org/fhir\" value=\"m&#97;l&#x65;\"/></f:Patient>",
        "<Patient xmlns=\"http://hl7.org/fhir\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
        "xsi:schemaLocation=\"http://hl7.org/fhir x.xsd\"><active value=\"true\"/><gender "
        "value=\"male\"/></Patient>",
    };
    for (auto const& row : rows) {
        auto const read = Resource::read_xml(row);
        REQUIRE_MESSAGE(read.has_value(), read.error().text());
        CHECK(read->json() == wanted);
    }
    // Elements of JSON may stand in any order.
    auto const json = Resource::read_json(R"({"gender":"male","active":true,"resourceType":"Patient"})");
    CHECK(Resource::read_xml(*json->xml())->json() == wanted);
    // A div may have its namespace from outside.
    auto const outside = Resource::read_xml(
        "<f:Basic xmlns:f=\"http://hl7.org/fhir\" xmlns=\"http://www.w3.org/1999/xhtml\"><f:text><f:status "
        "value=\"empty\"/><div>a</div></f:text></f:Basic>");
    REQUIRE_MESSAGE(outside.has_value(), outside.error().text());
    CHECK(outside->root().child("text").child("div").text() ==
          "<div xmlns=\"http://www.w3.org/1999/xhtml\">a</div>");
}

TEST_CASE("XML that is no resource is refused with its place") {
    struct Row {
        std::string xml;
        std::string_view code, place;
    };
    std::string deep = "<Basic xmlns=\"http://hl7.org/fhir\">";
    for (int i = 0; i < 200; ++i) deep += "<extension url=\"u\">";
    Row const rows[] = {
        {"", "not_xml", "byte 1"},
        {"<!DOCTYPE Patient><Patient/>", "xml_doctype", "byte 1"},
        {patient("<id value=\"&x;\"/>"), "xml_entity", "byte 49"},
        {deep, "xml_too_deep", ""},
        {"<Patient/>", "bad_namespace", "line 1, byte 1"},
        {"<Patient xmlns=\"http://hl7.org/fhir/r4\"/>", "bad_namespace", "line 1, byte 1"},
        {"<Patients xmlns=\"http://hl7.org/fhir\"/>", "unknown_resource", "line 1, byte 1"},
        {"<HumanName xmlns=\"http://hl7.org/fhir\"/>", "unknown_resource", "line 1, byte 1"},
        {patient("\n<name><famly value=\"x\"/></name>"), "unknown_element",
         "line 2, byte 45, Patient.name[0]"},
        {patient("<id value=\"a\" x=\"y\"/>"), "unknown_attribute", "line 1, byte 52, Patient.id"},
        {patient("<id value=\"a\" value=\"b\"/>"), "not_xml", "line 1, byte 52, Patient"},
        {patient("<active value=\"yes\"/>"), "bad_value", "line 1, byte 38, Patient.active"},
        {patient("<multipleBirthInteger value=\"+1\"/>"), "bad_value",
         "line 1, byte 38, Patient.multipleBirth"},
        {patient("<name/>"), "empty_element", "line 1, byte 38, Patient.name[0]"},
        {patient("<active/>"), "empty_element", "line 1, byte 38, Patient.active"},
        {patient("<contained/>"), "empty_element", "line 1, byte 38, Patient.contained[0]"},
        {patient("<contained><Basic/><Basic/></contained>"), "element_repeated",
         "line 1, byte 57, Patient.contained[0]"},
        {patient("<active value=\"true\"/><active value=\"true\"/>"), "element_repeated",
         "line 1, byte 60, Patient.active"},
        {patient("<gender value=\"male\"/><active value=\"true\"/>"), "element_order",
         "line 1, byte 60, Patient"},
        {patient("<active value=\"true\"/>x"), "text_in_element", "line 1, byte 61, Patient"},
        {patient("<text><status value=\"empty\"/><div>x</div></text>"), "bad_namespace",
         "line 1, byte 67, Patient.text"},
        {patient("<text><status value=\"empty\"/><h:div "
                 "xmlns:h=\"http://www.w3.org/1999/xhtml\">x</h:div></text>"),
         "bad_xhtml", "line 1, byte 67, Patient.text.div"},
        {patient("<x:id xmlns:x=\"urn:x\" value=\"a\"/>"), "bad_namespace", "line 1, byte 38, Patient"},
        {patient("<extension><url value=\"u\"/></extension>"), "unknown_element",
         "line 1, byte 49, Patient.extension[0]"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.xml.substr(0, 120));
        auto const read = Resource::read_xml(row.xml);
        REQUIRE(read.has_error());
        CHECK(read.error().code == row.code);
        if (!row.place.empty()) CHECK(read.error().place == row.place);
    }
}

TEST_CASE("what XML has no way to write is refused with its place") {
    struct Row {
        std::string_view json, code, place;
    };
    constexpr Row rows[] = {
        {R"({"resourceType":"Patiens"})", "unknown_resource", "Patiens"},
        {R"({"resourceType":"Patient","name":[{"a":1}]})", "unknown_element", "Patient.name[0].a"},
        {R"({"resourceType":"Patient","active":{"a":1}})", "bad_value", "Patient.active"},
        {R"({"resourceType":"Patient","name":["a"]})", "bad_value", "Patient.name[0]"},
        {R"({"resourceType":"Patient","id":"\u0001"})", "not_in_xml", "Patient.id"},
        {R"({"resourceType":"Patient","name":[{"_id":{"extension":[{"url":"u"}]}}]})", "not_in_xml",
         "Patient.name[0].id"},
        {R"({"resourceType":"Basic","text":{"div":"<div>&nbsp;</div>"}})", "bad_xhtml", "Basic.text.div"},
        {R"({"resourceType":"Bundle","entry":[{"resource":{"a":1}}]})", "unknown_resource",
         "Bundle.entry[0].resource"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.json);
        auto const xml = Resource::read_json(std::string(row.json))->xml();
        REQUIRE(xml.has_error());
        CHECK(xml.error().code == row.code);
        CHECK(xml.error().place == row.place);
    }
}

TEST_CASE("the narrative's XHTML") {
    struct Row {
        std::string_view content;
        fhir::Xhtml shape;
    };
    constexpr Row rows[] = {
        {"x", fhir::Xhtml::good},
        {"<img src=\"#a\"/>", fhir::Xhtml::good},
        {"<table class=\"a\" style=\"b\"><tr><td colspan=\"2\">x</td></tr></table>", fhir::Xhtml::good},
        {" <p/>", fhir::Xhtml::empty},
        {"<script>x</script>", fhir::Xhtml::forbidden},
        {"<p onload=\"x\">x</p>", fhir::Xhtml::forbidden},
        {"<a href=\" jAva&#115;cript:x\">x</a>", fhir::Xhtml::forbidden},
        {"<p>x", fhir::Xhtml::not_xml},
        {"&nbsp;", fhir::Xhtml::not_xml},
    };
    for (auto const& row : rows) {
        CAPTURE(row.content);
        auto const div = "<div xmlns=\"http://www.w3.org/1999/xhtml\">" + std::string(row.content) + "</div>";
        CHECK(fhir::check_xhtml(div) == row.shape);
    }
    CHECK(fhir::check_xhtml("<div>x</div>") == fhir::Xhtml::not_xml);
    CHECK(fhir::check_xhtml("x") == fhir::Xhtml::not_xml);
}
