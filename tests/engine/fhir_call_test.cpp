// What a FHIR server is asked for a message, and what its answer means.
#include <doctest/doctest.h>

#include <string>

#include "engine/destinations/fhir_request.h"
#include "parsers/fhir/resource.h"
#include "parsers/uuid.h"

using namespace hilum;
using destinations::AttemptClass;
using destinations::FhirCall;
using destinations::FhirWriting;
using destinations::WriteAs;

namespace {

constexpr std::uint64_t message = 7;

FhirWriting writing(WriteAs as, std::string_view identifier = {}) {
    FhirWriting out;
    out.as = as;
    if (identifier.empty()) return out;
    expression::Options language;
    language.fhir = true;
    auto compiled = expression::Expression::compile(identifier, language);
    REQUIRE(compiled.has_value());
    out.identifier = std::move(*compiled);
    return out;
}

FhirCall call(std::string_view body, FhirWriting const& how) {
    auto const made = destinations::fhir_call(body, how, message, 0);
    REQUIRE(made.has_value());
    return *made;
}

// "PUT /Patient/1 | headers | body"
std::string said(FhirCall const& call) {
    return call.method + " " + call.target + " | " + call.headers + " | " + call.json;
}

std::string patient(std::string_view more) {
    return R"({"resourceType":"Patient")" + std::string(more) + "}";
}

std::string text_of(fhir::Resource const& resource, std::string_view entry, std::string_view name) {
    auto e = resource.root().child("entry");
    for (auto skip = entry[0] - '0'; skip > 0; --skip) e = e.next();
    if (name == "fullUrl") return std::string(e.text_of(name));
    if (name == "id") return std::string(e.child("resource").text_of(name));
    return std::string(e.child("request").text_of(name));
}

}  // namespace

TEST_CASE("update: a resource is put under an id that follows from what it is") {
    auto const how = writing(WriteAs::update);
    auto const id = uuid_of("Patient", "urn:mrn|4711");
    struct Row {
        std::string more, id;
    };
    Row const rows[] = {
        {R"(,"identifier":[{"system":"urn:mrn","value":"4711"}])", id},
        {R"(,"id":"old","identifier":[{"system":"urn:mrn","value":"4711"}])", id},
        {R"(,"identifier":[{"value":"1"},{"system":"urn:x"},{"system":"urn:mrn","value":"4711"},{"system":"urn:y","value":"2"}])",
         id},
        {R"(,"identifier":[{"value":"1"}])", uuid_of("Patient", "|1")},
        // Its own id counts for nothing (http://hl7.org/fhir/R4/http.html#create).
        {R"(,"id":"old")", uuid_of("Patient", "message 7/0")},
        {R"(,"id":"old","identifier":[{"system":"urn:x"}])", uuid_of("Patient", "message 7/0")},
        {"", uuid_of("Patient", "message 7/0")},
    };
    for (auto const& row : rows) {
        CAPTURE(row.more);
        auto const made = call(patient(row.more), how);
        CHECK(made.method == "PUT");
        CHECK(made.target == "/Patient/" + row.id);
        CHECK(made.headers == "");
        auto const sent = fhir::Resource::read_json(made.json);
        REQUIRE(sent.has_value());
        CHECK(sent->root().text_of("id") == row.id);
        CHECK(said(call(patient(row.more), how)) == said(made));  // the same again
    }
    // XML, as convert leaves it, is the same.
    CHECK(
        call(
            R"(<Patient xmlns="http://hl7.org/fhir"><identifier><system value="urn:mrn"/><value value="4711"/></identifier></Patient>)",
            how)
            .target == "/Patient/" + id);
    // A Bundle that asks for nothing is a resource.
    CHECK(
        call(R"({"resourceType":"Bundle","type":"collection","identifier":{"system":"u","value":"v"}})", how)
            .target == "/Bundle/" + uuid_of("Bundle", "u|v"));
}

TEST_CASE("what a resource is known by may be said by an expression") {
    std::string const body =
        patient(R"(,"identifier":[{"system":"urn:mrn","value":"4711"},{"system":"urn:ssn","value":"9"}])");
    constexpr std::string_view ssn = "identifier.where(system = 'urn:ssn').value";
    CHECK(call(body, writing(WriteAs::update, ssn)).target == "/Patient/" + uuid_of("Patient", "|9"));
    // The value alone: it has the system that the expression chose.
    CHECK(call(body, writing(WriteAs::conditional, ssn)).headers == "If-None-Exist: identifier=9\r\n");
    // It gives nothing, or several.
    CHECK(call(patient(R"(,"id":"p")"), writing(WriteAs::update, ssn)).target ==
          "/Patient/" + uuid_of("Patient", "message 7/0"));
    CHECK(call(body, writing(WriteAs::update, "identifier.value")).target ==
          "/Patient/" + uuid_of("Patient", "message 7/0"));
}

TEST_CASE("conditional and create") {
    struct Row {
        WriteAs as;
        std::string more;
        std::string_view headers;
    };
    Row const rows[] = {
        {WriteAs::conditional, R"(,"identifier":[{"system":"urn:mrn","value":"4711"}])",
         "If-None-Exist: identifier=urn%3Amrn%7C4711\r\n"},
        {WriteAs::conditional, R"(,"identifier":[{"value":"4711"}])",
         "If-None-Exist: identifier=%7C4711\r\n"},
        // The delimiters of searches (http://hl7.org/fhir/R4/search.html#escaping), and what would be another
        // header.
        {WriteAs::conditional, R"(,"identifier":[{"system":"u","value":"a,b|c$d\\e"}])",
         "If-None-Exist: identifier=u%7Ca%5C%2Cb%5C%7Cc%5C%24d%5C%5Ce\r\n"},
        {WriteAs::conditional, R"(,"identifier":[{"system":"u","value":"1\r\nX: y&z=ü"}])",
         "If-None-Exist: identifier=u%7C1%0D%0AX%3A%20y%26z%3D%C3%BC\r\n"},
        {WriteAs::conditional, R"(,"id":"p")", ""},
        {WriteAs::create, R"(,"identifier":[{"system":"urn:mrn","value":"4711"}])", ""},
    };
    for (auto const& row : rows) {
        CAPTURE(row.more);
        auto const body = patient(row.more);
        CHECK(said(call(body, writing(row.as))) ==
              "POST /Patient | " + std::string(row.headers) + " | " + body);
    }
}

TEST_CASE("what asks for something itself is passed on as it is") {
    std::string const body = patient(R"(,"id":"1","identifier":[{"system":"u","value":"v"}])");
    struct Row {
        fhir::Request request;
        std::string_view json, said;
    };
    Row const rows[] = {
        {{"PUT", "Patient/1", "", "", ""}, body, "PUT /Patient/1 |  | "},
        {{"PUT", "Patient/1", "*", "W/\"2\"", ""},
         body,
         "PUT /Patient/1 | If-Match: W/\"2\"\r\nIf-None-Match: *\r\n | "},
        {{"PUT", "Patient?identifier=u%7Cv", "", "", ""}, body, "PUT /Patient?identifier=u%7Cv |  | "},
        {{"PUT", "/Patient/1", "", "", ""}, body, "PUT /Patient/1 |  | "},
        {{"POST", "Patient", "", "", "identifier=u|v"},
         body,
         "POST /Patient | If-None-Exist: identifier=u|v\r\n | "},
        {{"POST", "Patient/$match", "", "", ""}, body, "POST /Patient/$match |  | "},
        {{"DELETE", "Patient/1", "", "", ""}, "", "DELETE /Patient/1 |  | "},
        {{"DELETE", "Patient?x=1", "", "", ""}, "", "DELETE /Patient?x=1 |  | "},
        {{"GET", "Patient?x=1", "", "", ""}, "", "GET /Patient?x=1 |  | "},
        {{"HEAD", "Patient/1", "", "", ""}, "", "HEAD /Patient/1 |  | "},
    };
    for (auto const as : {WriteAs::update, WriteAs::conditional, WriteAs::create}) {
        for (auto const& row : rows) {
            CAPTURE(row.said);
            auto const made = call(fhir::interaction_text(row.request, row.json), writing(as));
            CHECK(said(made) == std::string(row.said) + std::string(row.json));
            CHECK(made.if_match == !row.request.if_match.empty());
            CHECK(made.entries.empty());
        }
        std::string const note = R"({"resourceType":"Bundle","type":"message","id":"m"})";
        CHECK(said(call(note, writing(as))) == "POST /$process-message |  | " + note);
    }
}

// A Bundle's entries, a resource's type and its id are their sender's text.
TEST_CASE("nothing in a message becomes a request line, a header or another address") {
    std::string const bodies[] = {
        fhir::interaction_text(fhir::Request{"GET / HTTP/1.1\r\nX: y\r\n\r\nGET", "x"}, ""),
        fhir::interaction_text(fhir::Request{"PUT", "Patient/1 HTTP/1.1\r\nX: y"}, patient("")),
        fhir::interaction_text(fhir::Request{"PUT", "Patient/1", "", "1\r\nX: y", ""}, patient("")),
        fhir::interaction_text(fhir::Request{"PUT", "Patient/../../admin"}, patient("")),
        R"({"resourceType":"Patient/../../admin","id":"x"})",
        R"({"resourceType":"Pa tient\r\nX: y","id":"x"})",
        R"({"resourceType":"..","id":"x"})",
    };
    for (auto const& body : bodies) {
        CAPTURE(body);
        auto const made = destinations::fhir_call(body, writing(WriteAs::update), message, 0);
        REQUIRE(!made.has_value());
        CHECK(made.error().code == "bad_interaction");
        CHECK(made.error().text().find("admin") == std::string::npos);
    }
    // Where resources go by their own ids, one that is none of FHIR's is no name for anything.
    auto how = writing(WriteAs::update, "id");
    how.own_ids = true;
    CHECK(call(patient(R"(,"id":"a.b-1")"), how).target == "/Patient/a.b-1");
    CHECK(!destinations::fhir_call(patient(R"(,"id":"..")"), how, message, 0).has_value());
    for (std::string_view const id : {"a/../../admin", "1?x=y#z", "1\\r\\nX: y", "a_b"}) {
        CAPTURE(id);
        CHECK(call(patient(R"(,"id":")" + std::string(id) + "\""), how).target ==
              "/Patient/" + uuid_of("Patient", "|" + std::string(id == "1\\r\\nX: y" ? "1\r\nX: y" : id)));
    }
}

TEST_CASE("what is no message is an error") {
    for (std::string_view const body : {"", "{", "<", "{}", "<Patient/>", "MSH|^~\\&|"}) {
        CAPTURE(body);
        CHECK(!destinations::fhir_call(body, writing(WriteAs::update), message, 0).has_value());
    }
}

TEST_CASE("entries of a Bundle are put, and what refers to them follows") {
    std::string const bundle =
        R"({"resourceType":"Bundle","type":"transaction","entry":[)"
        R"({"fullUrl":"urn:uuid:1","resource":{"resourceType":"Patient","identifier":[{"system":"urn:mrn","value":"4711"}]},"request":{"method":"POST","url":"Patient"}},)"
        R"({"fullUrl":"http://a/fhir/Practitioner/d","resource":{"resourceType":"Practitioner","id":"d","identifier":[{"system":"urn:d","value":"1"}]},"request":{"method":"POST","url":"Practitioner"}},)"
        R"({"resource":{"resourceType":"Observation","valueQuantity":{"value":1.50},"subject":{"reference":"urn:uuid:1"},"performer":[{"reference":"Practitioner/d"},{"reference":"http://a/fhir/Practitioner/d"},{"reference":"Practitioner/e"},{"reference":"#c"}]},"request":{"method":"POST","url":"Observation"}},)"
        R"({"resource":{"resourceType":"Patient","id":"1","link":[{"other":{"reference":"urn:uuid:1"}}]},"request":{"method":"PUT","url":"Patient/1"}},)"
        R"({"resource":{"resourceType":"Patient","identifier":[{"system":"u","value":"v"}]},"request":{"method":"POST","url":"Patient","ifNoneExist":"x=1"}},)"
        R"({"resource":{"resourceType":"Patient","identifier":[{"system":"u","value":"v"}]},"request":{"method":"POST","url":"Patient/$match"}},)"
        R"({"request":{"method":"DELETE","url":"Patient/9"}}]})";
    auto const first = uuid_of("Patient", "urn:mrn|4711"), second = uuid_of("Practitioner", "urn:d|1"),
               third = uuid_of("Observation", "message 7/3");
    auto const made = call(bundle, writing(WriteAs::update));
    CHECK(made.method + " " + made.target == "POST ");
    CHECK(made.entries == std::vector<std::string>{"PUT", "PUT", "PUT", "PUT", "POST", "POST", "DELETE"});
    auto const sent = fhir::Resource::read_json(made.json);
    REQUIRE(sent.has_value());
    struct Row {
        std::string_view entry, name;
        std::string text;
    };
    Row const rows[] = {
        {"0", "method", "PUT"},
        {"0", "url", "Patient/" + first},
        {"0", "id", first},
        {"0", "fullUrl", "urn:uuid:1"},
        {"1", "url", "Practitioner/" + second},
        {"1", "id", second},
        // It has to agree with the id (http://hl7.org/fhir/R4/bundle.html#bundle-unique).
        {"1", "fullUrl", "http://a/fhir/Practitioner/" + second},
        {"2", "url", "Observation/" + third},
        {"2", "fullUrl", ""},
        {"3", "url", "Patient/1"},
        {"3", "id", "1"},
        {"4", "method", "POST"},
        {"4", "url", "Patient"},
        {"5", "method", "POST"},
        {"5", "url", "Patient/$match"},
        {"6", "method", "DELETE"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.entry);
        CAPTURE(row.name);
        CHECK(text_of(*sent, row.entry, row.name) == row.text);
    }
    auto const practitioner = R"({"reference":"Practitioner/)" + second + "\"}";
    CHECK(made.json.find(R"("valueQuantity":{"value":1.50},"subject":{"reference":"Patient/)" + first +
                         R"("},"performer":[)" + practitioner + "," + practitioner +
                         R"(,{"reference":"Practitioner/e"},{"reference":"#c"}])") != std::string::npos);
    CHECK(made.json.find(R"("other":{"reference":"Patient/)" + first) != std::string::npos);

    CHECK(call(bundle, writing(WriteAs::create)).json == bundle);
    // What the server may give an id stays as it is; only that it is there once is asked for.
    auto expected = bundle;
    auto const condition = [&](std::string_view behind, std::string_view what) {
        auto const at = expected.find(behind);
        expected.insert(at + behind.size(), R"(,"ifNoneExist":"identifier=)" + std::string(what) + "\"");
    };
    condition(R"("method":"POST","url":"Patient")", "urn%3Amrn%7C4711");
    condition(R"("method":"POST","url":"Practitioner")", "urn%3Ad%7C1");
    CHECK(call(bundle, writing(WriteAs::conditional)).json == expected);
}

TEST_CASE("what an answer means") {
    struct Row {
        unsigned status;
        AttemptClass result, of_delete, of_query;
    };
    using A = AttemptClass;
    constexpr Row rows[] = {
        {200, A::delivered, A::delivered, A::delivered},
        {201, A::delivered, A::delivered, A::delivered},
        {204, A::delivered, A::delivered, A::delivered},
        {304, A::delivered, A::delivered, A::delivered},
        {301, A::bad_answer, A::bad_answer, A::delivered},
        {400, A::ae, A::ae, A::delivered},
        {401, A::login, A::login, A::login},
        {403, A::ar, A::ar, A::ar},
        {404, A::ar, A::delivered, A::delivered},
        {405, A::ar, A::ar, A::delivered},
        {408, A::busy, A::busy, A::busy},
        {409, A::busy, A::ae, A::busy},
        {410, A::ar, A::delivered, A::delivered},
        {412, A::ae, A::ae, A::delivered},
        {415, A::ar, A::ar, A::delivered},
        {422, A::ae, A::ae, A::delivered},
        {425, A::busy, A::busy, A::busy},
        {429, A::busy, A::busy, A::busy},
        {500, A::busy, A::busy, A::busy},
        {503, A::busy, A::busy, A::busy},
        {103, A::bad_answer, A::bad_answer, A::delivered},
    };
    for (auto const& row : rows) {
        CAPTURE(row.status);
        destinations::HttpResponseText response;
        response.status = row.status;
        response.retry_after = "3";
        auto const of = [&](FhirCall const& c) { return destinations::read_fhir_answer(response, c, 0); };
        auto const put = of({"PUT", "/Patient/1", "", "{}"});
        CHECK(put.result == row.result);
        CHECK(put.code == "HTTP " + std::to_string(row.status));
        CHECK(put.retry_after.count() == (row.result == A::busy ? 3000 : 0));
        CHECK(of({"DELETE", "/Patient/1", "", ""}).result == row.of_delete);
        // For a version that is no longer the same again would be no use.
        CHECK(of({"PUT", "/Patient/1", "", "{}", true}).result == (row.status == 409 ? A::ae : row.result));
        CHECK(of({"GET", "/Patient/1", "", ""}).result == row.of_query);
    }
}

TEST_CASE("what the server says is wrong is kept for the trace") {
    struct Row {
        unsigned status;
        std::string_view body, text;
    };
    constexpr Row rows[] = {
        {422, R"({"resourceType":"OperationOutcome","issue":[{"code":"invalid","diagnostics":"no"}]})",
         "invalid: no"},
        {422, R"({"resourceType":"OperationOutcome","issue":[{"code":"invalid","details":{"text":"why"}}]})",
         "invalid: why"},
        {422, R"({"resourceType":"OperationOutcome","issue":[{"code":"invalid"}]})", "invalid"},
        {422, R"({"resourceType":"OperationOutcome"})", ""},
        {422, R"({"resourceType":"Patient"})", ""},
        {422, "<html>", ""},
        {201, R"({"resourceType":"OperationOutcome","issue":[{"code":"x"}]})", ""},
        {302, "", "the receiver redirects; redirects are not followed"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.body);
        destinations::HttpResponseText response;
        response.status = row.status;
        response.body = row.body;
        auto const attempt = destinations::read_fhir_answer(response, {"PUT", "/Patient/1", "", "{}"}, 0);
        CHECK(attempt.text == row.text);
        CHECK(attempt.answer == row.body);
    }
    destinations::HttpResponseText response;
    response.status = 500;
    response.body = std::string(10'000, 'x');
    CHECK(destinations::read_fhir_answer(response, {}, 0).answer.size() == 4096);
}

TEST_CASE("a batch is what became of the worst of its entries") {
    using A = AttemptClass;
    struct Row {
        std::vector<std::string> statuses;
        A result;
        std::string_view code, text;
    };
    Row const rows[] = {
        {{"201 Created", "200", "304 Not Modified"}, A::delivered, "HTTP 200", ""},
        {{"201", "422 Unprocessable", "404"}, A::ae, "HTTP 422", "entry 2: invalid: no"},
        {{"404", "503 Slow", "422"}, A::busy, "HTTP 503", "entry 2: invalid: no"},
        {{"409", "500"}, A::busy, "HTTP 409", "entry 1: invalid: no"},
        {{"", "x", "200"}, A::delivered, "HTTP 200", ""},
        {{"2"}, A::bad_answer, "HTTP 2", "entry 1: invalid: no"},
    };
    for (auto const& row : rows) {
        destinations::HttpResponseText response;
        response.status = 200;
        response.body = R"({"resourceType":"Bundle","type":"batch-response","entry":[)";
        for (auto const& status : row.statuses)
            response.body +=
                R"({"response":{"status":")" + status +
                R"(","outcome":{"resourceType":"OperationOutcome","issue":[{"code":"invalid","diagnostics":"no"}]}}},)";
        response.body.back() = ']';
        response.body += "}";
        CAPTURE(response.body);
        auto const attempt = destinations::read_fhir_answer(response, {"POST", "", "", "{}"}, 0);
        CHECK(attempt.result == row.result);
        CHECK(attempt.code == row.code);
        CHECK(attempt.text == row.text);
        // Of anything else a Bundle in the answer says nothing.
        CHECK(destinations::read_fhir_answer(response, {"POST", "/Patient", "", "{}"}, 0).result ==
              A::delivered);
    }
    destinations::HttpResponseText gone;
    gone.status = 200;
    gone.body =
        R"({"resourceType":"Bundle","entry":[{"response":{"status":"404"}},{"response":{"status":"404"}},{"response":{"status":"404"}}]})";
    CHECK(destinations::read_fhir_answer(gone, {"POST", "", "", "{}", false, {"DELETE", "GET", "HEAD"}}, 0)
              .result == A::delivered);
    CHECK(destinations::read_fhir_answer(gone, {"POST", "", "", "{}", false, {"DELETE", "GET"}}, 0).result ==
          A::ar);
    // As a whole it does not say which entry conflicts: one that would again may be among them.
    struct Conflict {
        std::string_view type, request;
        A result;
    };
    constexpr Conflict conflicts[] = {
        {"transaction", R"("method":"PUT","url":"Patient/1")", A::busy},
        {"transaction", R"("method":"DELETE","url":"Patient/1")", A::ae},
        {"transaction", R"("method":"PUT","url":"Patient/1","ifMatch":"W/\"1\"")", A::ae},
        {"batch", R"("method":"DELETE","url":"Patient/1")", A::busy},
    };
    for (auto const& row : conflicts) {
        destinations::HttpResponseText conflict;
        conflict.status = 409;
        auto const of = call(R"({"resourceType":"Bundle","type":")" + std::string(row.type) +
                                 R"(","entry":[{"resource":{"resourceType":"Patient","id":"1"},"request":{)" +
                                 std::string(row.request) + "}}]}",
                             writing(WriteAs::update));
        CAPTURE(row.request);
        CHECK(destinations::read_fhir_answer(conflict, of, 0).result == row.result);
    }
    destinations::HttpResponseText odd;
    odd.status = 200;
    odd.body = R"({"resourceType":"Bundle","entry":[{},{"response":{}},{"response":{"status":"500"}}]})";
    CHECK(destinations::read_fhir_answer(odd, {"POST", "", "", "{}"}, 0).result == A::busy);
}
