// What clients of a FHIR endpoint are told, and in which form.
#include "engine/listeners/fhir_answers.h"

#include <doctest/doctest.h>

#include <string>

#include "engine/flow/fhir_intake.h"
#include "parsers/gzip.h"
#include "parsers/json.h"
#include "parsers/uuid.h"
#include "routes/fhir_conformance.h"

using namespace hilum;
using listeners::FhirDeed;
using listeners::FhirFormat;
using listeners::FhirRequest;
using listeners::HttpReply;
using listeners::Success;

namespace {

constexpr std::string_view url = "https://hub.example/fhir";
constexpr std::string_view now = "2026-01-02T03:04:05Z";
constexpr std::string_view patient = R"({"resourceType":"Patient","active":true})";

FhirRequest asked(std::string_view method, std::string_view to,
                  FhirRequest::Prefer prefer = FhirRequest::Prefer::unsaid) {
    FhirRequest request;
    request.interaction.method = method;
    request.interaction.url = to;
    request.prefer = prefer;
    return request;
}

flow::FhirAnswer stored() {
    flow::FhirAnswer answer;
    answer.message = 7;
    answer.stored = true;
    return answer;
}

// No receiver finds anything wrong with what we write.
void check_valid(std::string const& json) {
    CAPTURE(json);
    auto const resource = fhir::Resource::read_json(json);
    REQUIRE(resource.has_value());
    auto const findings = FhirConformance().check(resource->root());
    CHECK(fhir::summary(findings) == "");
}

HttpReply reply(FhirRequest const& request, std::string_view json, Success success = Success::done) {
    return listeners::stored_reply(success, stored(), request, json, url, now);
}

std::string kind_of(HttpReply const& reply) {
    auto const resource = fhir::Resource::read_json(reply.body);
    return reply.body.empty() ? "nothing" : resource ? std::string(resource->type()) : reply.body;
}

}  // namespace

TEST_CASE("what is stored is told by what was asked and wished") {
    using P = FhirRequest::Prefer;
    struct Row {
        FhirRequest request;
        std::string_view json;
        Success success;
        unsigned status;
        std::string_view body, extra;
    };
    auto const id = uuid_of("Patient", "message 7/0");
    auto const made = "Location: https://hub.example/fhir/Patient/" + id + "/_history/7\r\nETag: W/\"7\"\r\n";
    constexpr std::string_view there =
        "Location: https://hub.example/fhir/Patient/1/_history/7\r\nETag: W/\"7\"\r\n";
    Row const rows[] = {
        {asked("POST", "Patient"), patient, Success::done, 201, "Patient", made},
        {asked("POST", "Patient", P::minimal), patient, Success::done, 201, "nothing", made},
        {asked("POST", "Patient", P::representation), patient, Success::done, 201, "Patient", made},
        {asked("POST", "Patient", P::outcome), patient, Success::done, 201, "OperationOutcome", made},
        {asked("PUT", "Patient/1"), patient, Success::done, 200, "Patient", there},
        {asked("PUT", "Patient/1", P::minimal), patient, Success::done, 200, "nothing", there},
        {asked("PUT", "Patient?x=a/b"), patient, Success::done, 200, "Patient", made},
        {asked("DELETE", "Patient/1"), "", Success::done, 200, "OperationOutcome", ""},
        {asked("DELETE", "Patient/1", P::minimal), "", Success::done, 204, "nothing", ""},
        {asked("POST", "Patient"), patient, Success::accepted, 202, "OperationOutcome", ""},
        {asked("POST", "Patient", P::minimal), patient, Success::accepted, 202, "nothing", ""},
        {asked("DELETE", "Patient/1"), "", Success::accepted, 202, "OperationOutcome", ""},
        {asked("POST", ""), R"({"resourceType":"Bundle","type":"batch"})", Success::done, 200, "Bundle", ""},
        {asked("POST", ""), R"({"resourceType":"Bundle","type":"batch"})", Success::accepted, 202,
         "OperationOutcome", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.request.interaction.url);
        CAPTURE(row.status);
        auto const got = reply(row.request, row.json, row.success);
        CHECK(got.status == row.status);
        CHECK(kind_of(got) == row.body);
        CHECK(got.extra == row.extra);
        CHECK(got.content_type == "application/fhir+json; charset=utf-8");
        if (row.body == "Patient") {
            auto const own = row.extra == there ? "1" : id;
            CHECK(got.body == R"({"resourceType":"Patient","active":true,"id":")" + own + "\"}");
        }
        if (row.body == "OperationOutcome") check_valid(got.body);
        if (row.body == "OperationOutcome") CHECK(got.body.find("stored as message 7") != std::string::npos);
    }
    // The id that it came with counts for nothing.
    CHECK(reply(asked("POST", "Patient"), R"({"resourceType":"Patient","id":"1\r\nX: y"})").extra == made);
    CHECK(listeners::success_status(Success::accepted, asked("POST", "Patient")) == 202);
    CHECK(listeners::success_status(Success::done, asked("POST", "Patient")) == 201);
    CHECK(listeners::success_status(Success::done, asked("POST", "")) == 200);
    CHECK(listeners::success_status(Success::done, asked("PUT", "Patient/1")) == 200);
    auto message = asked("POST", "$process-message");
    message.deed = FhirDeed::message;
    CHECK(listeners::success_status(Success::accepted, message) == 200);
    message.async = true;
    CHECK(listeners::success_status(Success::done, message) == 202);
}

TEST_CASE("a batch or transaction is answered entry by entry") {
    constexpr std::string_view entries =
        R"("entry":[{"resource":{"resourceType":"Patient","id":"a/b"},"request":{"method":"POST","url":"Patient"}},{"request":{"method":"PUT","url":"Patient/1"}},)"
        R"({"request":{"method":"PUT","url":"Patient?x=\"y"}},{"request":{"method":"DELETE","url":"Patient/2"}},{"request":{"method":"GET","url":"Patient/3"}},{}]})";
    for (std::string const type : {"batch", "transaction"}) {
        auto const got = reply(asked("POST", ""),
                               R"({"resourceType":"Bundle","type":")" + type + "\"," + std::string(entries));
        CHECK(
            got.body ==
            R"({"resourceType":"Bundle","type":")" + type +
                R"(-response","entry":[)"
                R"({"response":{"status":"201 Created","location":"Patient/)" +
                uuid_of("Patient", "message 7/1") +
                R"(","etag":"W/\"7\""}},)"
                R"({"response":{"status":"200 OK","location":"Patient/1","etag":"W/\"7\""}},)"
                R"({"response":{"status":"200 OK","etag":"W/\"7\""}},)"
                R"({"response":{"status":"204 No Content"}},{"response":{"status":"200 OK","etag":"W/\"7\""}},{"response":{"status":"200 OK","etag":"W/\"7\""}}]})");
        check_valid(got.body);
    }
}

TEST_CASE("a message is answered with a message that names it") {
    auto request = asked("POST", "$process-message");
    request.deed = FhirDeed::message;
    struct Row {
        std::string_view bundle, said;
    };
    constexpr Row rows[] = {
        {R"({"resourceType":"Bundle","type":"message","id":"b","entry":[{"resource":{"resourceType":"MessageHeader","id":"h","eventUri":"urn:e","source":{"endpoint":"urn:s"}}}]})",
         R"("eventUri":"urn:e","source":{"name":"Hilum","endpoint":"https://hub.example/fhir"},"response":{"identifier":"h","code":"ok"})"},
        {R"({"resourceType":"Bundle","type":"message","id":"b","entry":[{"resource":{"resourceType":"MessageHeader","eventCoding":{"system":"urn:s","code":"\"e"}}}]})",
         R"("response":{"identifier":"b","code":"ok"},"eventCoding":{"system":"urn:s","code":"\"e"})"},
    };
    for (auto const& row : rows) {
        auto const got = reply(request, row.bundle, Success::accepted);
        CHECK(got.status == 200);
        CAPTURE(got.body);
        CHECK(got.body.find(row.said) != std::string::npos);
        check_valid(got.body);
        CHECK(got.body == reply(request, row.bundle, Success::accepted).body);
    }
    // Nothing that is not there is quoted.
    for (std::string_view const bundle :
         {R"({"resourceType":"Bundle","type":"message"})", R"({"resourceType":"Bundle","entry":[{}]})"}) {
        auto const got = reply(request, bundle);
        CHECK(fhir::Resource::read_json(got.body).has_value());
        CHECK(got.body.find("\"\"") == std::string::npos);
    }
    request.async = true;
    CHECK(kind_of(reply(request, rows[0].bundle)) == "OperationOutcome");
    CHECK(reply(request, rows[0].bundle).status == 202);
}

TEST_CASE("replies come in the form that was asked for") {
    FhirRequest request;
    request.request_id = "r1";
    request.origin = "http://page";
    auto const json = listeners::fhir_reply(201, std::string(patient), request, "ETag: x\r\n");
    CHECK(json.body == patient);
    CHECK(json.extra.find("Access-Control-Allow-Origin: *\r\n") == 0);
    CHECK(json.extra.ends_with("ETag: x\r\nX-Request-Id: r1\r\n"));
    CHECK(listeners::cors_headers("") == "");
    request.answer = FhirFormat::xml;
    auto const xml = listeners::fhir_reply(200, std::string(patient), request);
    CHECK(xml.content_type == "application/fhir+xml; charset=utf-8");
    CHECK(xml.body.find("<active value=\"true\"/>") != std::string::npos);
    // What XML can't say stays JSON.
    auto const odd = listeners::fhir_reply(200, R"({"resourceType":"Thing"})", request);
    CHECK(odd.content_type == "application/fhir+json; charset=utf-8");
    request.answer = FhirFormat::json;
    request.takes_gzip = true;
    CHECK(listeners::fhir_reply(200, std::string(patient), request).body == patient);  // too small to gain
    auto const big = R"({"resourceType":"Patient","id":")" + std::string(5000, 'a') + "\"}";
    auto const packed = listeners::fhir_reply(200, big, request);
    CHECK(packed.extra.find("Content-Encoding: gzip\r\n") != std::string::npos);
    auto const plain = gunzip(packed.body, 10'000);
    REQUIRE(plain.has_value());
    CHECK(*plain == big);
    auto const refused =
        listeners::fhir_reply(listeners::FhirRefusal{405, "not-supported", "no", "GET, \"x"}, FhirRequest{});
    CHECK(refused.status == 405);
    CHECK(refused.extra == "Allow: GET, \"x\r\n");
    check_valid(refused.body);
    // Without content nothing is said of it (RFC 9110 §8.6).
    for (unsigned const status : {204U, 304U}) {
        auto const none = listeners::http_text(listeners::fhir_reply(status, "", FhirRequest{}), true, true);
        CHECK(none.starts_with("HTTP/1.1 " + std::to_string(status) + " No"));
        CHECK(none.find("Content-") == std::string::npos);
        CHECK(none.ends_with("\r\n\r\n"));
    }
}

TEST_CASE("the body that is sent is read as JSON, whatever it came in") {
    FhirRequest request;
    auto const read = [&](std::string_view body, std::size_t limit = 1000) {
        auto const json = listeners::json_body(body, request, limit);
        return json ? *json : json.error().code;
    };
    CHECK(read(patient) == patient);
    CHECK(read("") == "");
    request.body = FhirFormat::xml;
    CHECK(read(R"(<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>)") == patient);
    CHECK(read("<Patient/>") == "bad_namespace");
    CHECK(read(patient) != patient);
    request.gzipped = true;
    CHECK(read(gzip(R"(<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>)")) == patient);
    CHECK(read(patient) == "not_gzip");
    request.body = FhirFormat::json;
    CHECK(read(gzip(patient)) == patient);
    CHECK(read(gzip(patient), patient.size()) == patient);
    CHECK(read(gzip(patient), patient.size() - 1) == "too_large");
    CHECK(read(gzip(std::string(10'000'000, ' '))) == "too_large");
    CHECK(flow::status_of_unreadable(error("too_large", "", "")) == 413);
    CHECK(flow::status_of_unreadable(error("not_gzip", "", "")) == 400);
}

TEST_CASE("the capability statement is one, and says what is served") {
    listeners::FhirEndpoint endpoint{"/fhir", {"Patient", "Bundle"}, false};
    auto const door = listeners::capability_statement(endpoint, url, now);
    check_valid(door);
    CHECK(door.find(R"("code":"read")") == std::string::npos);
    CHECK(door.find(R"("type":"Observation")") == std::string::npos);
    endpoint.facade = true;
    auto const facade = listeners::capability_statement(endpoint, url, now);
    check_valid(facade);
    CHECK(facade.find(R"("code":"read")") != std::string::npos);
    auto const all = listeners::capability_statement({"/fhir", {}, false}, "", now);
    check_valid(all);
    CHECK(all.find(R"("type":"Observation")") != std::string::npos);
    CHECK(all.find(R"("type":"DomainResource")") == std::string::npos);
}

TEST_CASE("the answer of a server comes back as it was") {
    flow::FhirResponse response{404,       "application/fhir+json", "http://a/b",
                                "W/\"1\"", "Fri, 02 Jan 2026",      "x\ny\n"};
    auto const back = flow::read_relayed(flow::relayed_text(response));
    REQUIRE(back.has_value());
    CHECK(back->status == 404);
    CHECK(back->content_type == response.content_type);
    CHECK(back->location == response.location);
    CHECK(back->etag == response.etag);
    CHECK(back->last_modified == response.last_modified);
    CHECK(back->body == response.body);
    for (std::string_view const text : {"", "FHIR", "FHIR x\n", "MSH|^~\\&|", "{}"})
        CHECK(!flow::read_relayed(text).has_value());
    auto const cut = flow::read_relayed("FHIR 200");
    REQUIRE(cut.has_value());
    CHECK(cut->body == "");
}

TEST_CASE("a resource has to be what its url says") {
    struct Row {
        std::string_view method, url, json, code;
    };
    constexpr std::string_view one = R"({"resourceType":"Patient","id":"1"})";
    constexpr Row rows[] = {
        {"PUT", "Patient/1", one, ""},
        {"PUT", "Patient/2", one, "bad_id"},
        {"PUT", "Patient/1", patient, "bad_id"},
        {"PUT", "Patient/1?x=/2", one, ""},
        {"PUT", "Patient?x=/2", patient, ""},
        {"PUT", "Observation/1", one, "bad_type"},
        {"POST", "Observation", one, "bad_type"},
        {"POST", "Patient", patient, ""},
        {"POST", "$process-message", one, "bad_type"},
        {"POST", "$process-message", R"({"resourceType":"Bundle","type":"message"})", ""},
        {"POST", "$process-message", R"({"resourceType":"Bundle","type":"batch"})", "bad_type"},
        {"POST", "", one, "bad_type"},
        {"POST", "", R"({"resourceType":"Bundle","type":"batch"})", ""},
        {"POST", "", R"({"resourceType":"Bundle","type":"transaction"})", ""},
        {"POST", "", R"({"resourceType":"Bundle","type":"collection"})", "bad_type"},
        {"POST", "Bundle", R"({"resourceType":"Bundle","type":"collection"})", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.url);
        auto const resource = fhir::Resource::read_json(std::string(row.json));
        REQUIRE(resource.has_value());
        fhir::Request const request{std::string(row.method), std::string(row.url)};
        auto const wrong = flow::contradiction(request, *resource);
        CHECK((wrong ? wrong->code : "") == row.code);
    }
}
