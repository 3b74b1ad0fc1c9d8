#include "parsers/fhir/interaction.h"

#include <doctest/doctest.h>

#include <string>

using namespace hilum;
using fhir::Interaction;
using fhir::Request;

namespace {

constexpr std::string_view patient = R"({"resourceType":"Patient","id":"1","multipleBirthInteger":1})";

std::string bundle(std::string_view type) {
    return R"({"resourceType":"Bundle","type":")" + std::string(type) + R"("})";
}

// The wrapper, by its parts: what Hilum writes itself begins exactly so.
constexpr std::string_view head =
    R"({"resourceType":"Bundle","meta":{"tag":[{"system":"urn:hilum:kept-as","code":"interaction"}]},"type":"batch","entry":[{"request":)";

std::string code_of(std::string_view text) {
    auto const read = Interaction::read(text);
    return read ? "" : read.error().code;
}

}  // namespace

TEST_CASE("what a resource asks for by itself") {
    struct Row {
        std::string json;
        std::string_view url;
    };
    Row const rows[] = {
        {std::string(patient), "Patient"},
        {bundle("batch"), ""},
        {bundle("transaction"), ""},
        {bundle("message"), "$process-message"},
        {bundle("collection"), "Bundle"},
        {bundle("transaction-response"), "Bundle"},
        {R"({"resourceType":"Bundle"})", "Bundle"},
        {R"({"resourceType":"Parameters"})", "Parameters"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.json);
        auto const read = Interaction::read(row.json);
        REQUIRE(read.has_value());
        CHECK(read->request.method == "POST");
        CHECK(read->request.url == row.url);
        CHECK(read->has_body);
        CHECK(read->text() == row.json);  // the resource alone says it
    }
}

TEST_CASE("every request is kept beside its resource, or without one") {
    Request const requests[] = {
        {"PUT", "Patient/1", "", "", ""},
        {"PUT", "Patient/1", "", "W/\"3\"", ""},
        {"PUT", "Patient/1", "*", "", ""},
        {"PUT", "Patient?identifier=urn:x%7C1&_format=json", "", "", ""},
        {"POST", "Patient", "", "", "identifier=urn:x|1\\,2\""},
        {"POST", "Patient/$match", "", "", ""},
        {"POST", "", "", "", ""},
        {"DELETE", "Patient/1", "", "", ""},
        {"DELETE", "Patient?name=\xc3\xa4}{]", "", "", ""},
        {"PATCH", "Patient/1", "", "W/\"\xc3\xa4\"", ""},
        {"GET", "Patient/1/_history/2", "W/\"1\"", "", ""},
        {"HEAD", "Patient/1..2/_history", "", "", ""},
    };
    for (auto const& request : requests) {
        CAPTURE(request.method);
        CAPTURE(request.url);
        CHECK(fhir::check_request(request).has_value());
        for (auto const json : {patient, std::string_view()}) {
            auto const text = fhir::interaction_text(request, json);
            // In FHIR's own words: a Bundle that anybody can read.
            auto const whole = fhir::Resource::read_json(text);
            REQUIRE(whole.has_value());
            auto const entry = whole->root().child("entry");
            CHECK(entry.child("request").text_of("method") == request.method);
            CHECK(entry.child("request").text_of("ifNoneExist") == request.if_none_exist);
            CHECK((entry.child("resource").exists() ? entry.child("resource").json() : "") == json);
            auto const read = Interaction::read(text);
            REQUIRE(read.has_value());
            CHECK(read->request == request);
            CHECK(read->has_body == !json.empty());
            if (read->has_body) CHECK(read->resource.json() == json);
            CHECK(read->text() == text);
            CHECK(fhir::request_as_element(request).root().text_of("url") == request.url);
        }
    }
}

TEST_CASE("without a resource the url says what it is about") {
    struct Row {
        std::string_view url, json;
    };
    constexpr Row rows[] = {
        {"Patient/1", R"({"resourceType":"Patient","id":"1"})"},
        {"Patient/1/_history/2", R"({"resourceType":"Patient","id":"1"})"},
        {"Patient/1?x=/y", R"({"resourceType":"Patient","id":"1"})"},
        {"Patient?name=a/b", R"({"resourceType":"Patient"})"},
        {"Patient", R"({"resourceType":"Patient"})"},
        {"Patient/", R"({"resourceType":"Patient"})"},
        {"", R"({"resourceType":"Resource"})"},
        {"?_type=Patient", R"({"resourceType":"Resource"})"},
        {"a\"b/c\"d", R"({"resourceType":"a\"b","id":"c\"d"})"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.url);
        auto const read = Interaction::read(fhir::interaction_text({"DELETE", std::string(row.url)}, ""));
        REQUIRE(read.has_value());
        CHECK(read->resource.json() == row.json);
        CHECK(!read->has_body);
    }
}

// What a sender's Bundle asks for becomes a request line and headers.
TEST_CASE("requests that HTTP can't say, or that lead elsewhere, are refused") {
    Request const rows[] = {
        {"", "Patient/1"},
        {"get", "Patient/1"},
        {"TRACE", "Patient/1"},
        {"GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "Patient/1"},
        {"GET", "Patient/1 HTTP/1.1\r\nX: y"},
        {"GET", "Patient/1 HTTP/1.1"},
        {"GET", "Patient/1\n"},
        {"GET", std::string("Patient/1\0", 10)},
        {"GET", "Patient/1\x7f"},
        {"GET", "Patient?name=a\tb"},
        {"GET", "Patient#1"},
        {"GET", "Patient\\..\\.."},
        {"GET", "../admin"},
        {"GET", "Patient/../../admin"},
        {"GET", "Patient/./1"},
        {"GET", "Patient/.."},
        {"DELETE", "Patient/..?x=1"},
        {"GET", "Patient/%2e%2E/x"},
        {"GET", "Patient/.%2e"},
        {"PUT", "Patient/1", "a\r\nX: y", "", ""},
        {"PUT", "Patient/1", "", "a\r\nX: y", ""},
        {"POST", "Patient", "", "", "a=1\nX: y"},
    };
    for (auto const& request : rows) {
        CAPTURE(request.method);
        CAPTURE(request.url);
        auto const checked = fhir::check_request(request);
        REQUIRE(!checked.has_value());
        CHECK(checked.error().code == "bad_interaction");
        auto const read = Interaction::read(fhir::interaction_text(request, patient));
        REQUIRE(!read.has_value());
        CHECK(read.error().code == "bad_interaction");
        CHECK(read.error().text().find("Patient") == std::string::npos);  // nothing of the message
    }
}

// A client may send what we write: it is what it asks for, not what we would have made of it.
TEST_CASE("a sender's Bundle that looks like ours stays the batch that it is") {
    auto const theirs = fhir::interaction_text({"DELETE", "Patient/1"}, "");
    auto const text = fhir::resource_text(theirs);
    auto const read = Interaction::read(text);
    REQUIRE(read.has_value());
    CHECK(read->type() == "Bundle");
    CHECK(read->request == Request{});
    CHECK(read->has_body);
    CHECK(read->resource.json() == theirs);
    CHECK(read->text() == text);
    CHECK(fhir::resource_text(patient) == patient);
    // Under a request of its own it has our Bundle around it anyway.
    auto const put = Interaction::read(fhir::interaction_text({"PUT", "Bundle/1"}, theirs));
    REQUIRE(put.has_value());
    CHECK(put->resource.json() == theirs);
    // One that only resembles ours is any Bundle.
    auto const spaced = "{ " + theirs.substr(1);
    auto const other = Interaction::read(spaced);
    REQUIRE(other.has_value());
    CHECK(other->request == Request{});
    CHECK(other->resource.root().child("entry").child("request").text_of("method") == "DELETE");
}

TEST_CASE("what is no interaction is refused") {
    struct Row {
        std::string text;
        std::string_view code;
    };
    std::string const h(head), request = R"({"method":"PUT","url":"Patient/1"})";
    Row const rows[] = {
        {"", "bad_json"},
        {"{", "bad_json"},
        {"[]", "no_resource"},
        {"{}", "no_resource"},
        {"MSH|^~\\&|", "bad_json"},
        {h, "bad_interaction"},
        {h + "}]}", "bad_interaction"},
        {h + request, "bad_interaction"},
        {h + request + "}]", "bad_interaction"},
        {h + R"({"a":[{}]})", "bad_interaction"},  // the end of the request is no end of the Bundle
        {h + R"({"method":"PUT","url":"x","a":[{"b":"}]}"}]})", "bad_interaction"},
        {h + "{\"method\":\"PUT", "bad_interaction"},
        {h + "{\"method\":\"PUT\\\"}]}", "bad_interaction"},
        {h + "{method}}]}", "not_json"},
        {h + "{}}]}", "bad_interaction"},
        {h + R"({"method":1,"url":"x"}}]})", "bad_interaction"},
        {h + request + R"(,"fullUrl":"x","resource":)" + std::string(patient) + "}]}", "bad_interaction"},
        {h + request + R"(,"resource":}]})", "bad_json"},
        {h + request + R"(,"resource":5}]})", "no_resource"},
        {h + request + R"(,"resource":{}}]})", "no_resource"},
        {h + request + R"(,"resource":)" + std::string(patient) + "},{" + R"("request":)" + request + "}]}",
         "bad_json"},
        {h + request + R"(,"resource":)" + std::string(patient), "bad_interaction"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.text);
        CHECK(code_of(row.text) == row.code);
    }
}

TEST_CASE("whatever is cut off or changed in a byte is read or refused, never more") {
    auto const text = fhir::interaction_text({"PUT", "Patient/1", "", "W/\"1\"", ""}, patient);
    for (std::size_t i = 0; i < text.size(); ++i) {
        CHECK(!Interaction::read(text.substr(0, i)).has_value());
        for (char const c : {'"', '{', '}', '\\', '\0'}) {
            auto changed = text;
            changed[i] = c;
            if (auto const read = Interaction::read(changed))
                CHECK(Interaction::read(read->text()).has_value());
        }
    }
}

TEST_CASE("the limits are those of the resource, not of what is around it") {
    fhir::Resource::Limits limits;
    limits.bytes = patient.size();
    limits.depth = 1;
    CHECK(Interaction::read(patient, limits).has_value());
    CHECK(Interaction::read(fhir::interaction_text({"PUT", "Patient/1"}, patient), limits).has_value());
    limits.bytes -= 1;
    for (auto const& text : {std::string(patient), fhir::interaction_text({"PUT", "Patient/1"}, patient)}) {
        auto const read = Interaction::read(text, limits);
        REQUIRE(!read.has_value());
        CHECK(read.error().code == "too_large");
    }
}

TEST_CASE("what may be an interaction begins with a brace") {
    struct Row {
        std::string_view text;
        bool is;
    };
    constexpr Row rows[] = {{"{", true},           {" \r\n\t{}", true},     {"\xef\xbb\xbf{}", true},
                            {"", false},           {"\xef\xbb\xbf", false}, {"MSH|", false},
                            {"<Patient/>", false}, {"[{}]", false}};
    for (auto const& row : rows) {
        CAPTURE(row.text);
        CHECK(fhir::looks_like_interaction(row.text) == row.is);
    }
    // JSON may come behind a byte order mark; what is said of it is what is read.
    CHECK(Interaction::read("\xef\xbb\xbf" + std::string(patient)).has_value());
}
