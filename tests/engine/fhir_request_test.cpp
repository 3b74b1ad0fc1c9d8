// What HTTP requests ask of a FHIR endpoint (http://hl7.org/fhir/R4/http.html).
#include "engine/listeners/fhir_request.h"

#include <doctest/doctest.h>

#include <boost/asio/buffer.hpp>
#include <string>

#include "parsers/gzip.h"

using namespace hilum;
using listeners::FhirDeed;
using listeners::FhirEndpoint;
using listeners::FhirFormat;
using listeners::FhirRequest;

namespace {

struct Asked {
    std::optional<listeners::FhirRefusal> refusal;
    FhirRequest request;
};

Asked ask(std::string const& line, std::string const& headers, FhirEndpoint const& endpoint) {
    listeners::HttpRequestParser parser;
    parser.body_limit(boost::none);
    auto const text = line + " HTTP/1.1\r\nHost: hub.example\r\n" + headers + "\r\n";
    boost::system::error_code ec;
    parser.put(boost::asio::const_buffer(text.data(), text.size()), ec);
    CAPTURE(line);
    REQUIRE(!ec);
    REQUIRE(parser.is_header_done());
    Asked out;
    out.refusal = listeners::read_fhir_request(parser.get(), endpoint, out.request);
    return out;
}

// "PUT Patient/1", "metadata", or "404 not-found".
std::string said(Asked const& asked) {
    if (asked.refusal)
        return std::to_string(asked.refusal->status) + " " + std::string(asked.refusal->issue) +
               (asked.refusal->allow.empty() ? "" : " allow " + asked.refusal->allow);
    auto const& i = asked.request.interaction;
    switch (asked.request.deed) {
        case FhirDeed::metadata:
            return "metadata";
        case FhirDeed::options:
            return "options";
        case FhirDeed::validate:
            return "validate " + i.url;
        case FhirDeed::message:
            return "message";
        case FhirDeed::query:
            return "query " + i.method + " " + i.url;
        default:
            return i.method + " " + i.url;
    }
}

FhirEndpoint const door{"/fhir", {}, false};
FhirEndpoint const facade{"/fhir", {}, true};
FhirEndpoint const only{"/fhir", {"Patient"}, true};
FhirEndpoint const root{"", {}, false};

struct Row {
    std::string line;
    std::string_view said;
};

template <std::size_t N>
void check(FhirEndpoint const& endpoint, Row const (&rows)[N]) {
    for (auto const& row : rows) {
        CAPTURE(row.line);
        auto const asked = ask(row.line, "", endpoint);
        CHECK(said(asked) == row.said);
        // A refusal is told to a client and may be logged: it has nothing of the request.
        if (asked.refusal) CHECK(asked.refusal->text.find("secret") == std::string::npos);
    }
}

}  // namespace

TEST_CASE("methods and paths of an endpoint that takes resources") {
    std::string const id64(64, 'a'), id65(65, 'a');
    Row const rows[] = {
        {"POST /fhir", "POST "},
        {"POST /fhir/", "POST "},
        {"POST /fhir?x=1", "POST "},
        {"POST /fhir/Patient", "POST Patient"},
        {"POST /fhir/Patient/", "POST Patient"},
        {"POST //fhir/Patient", "404 not-found"},
        {"POST /fhir//Patient", "POST Patient"},
        {"POST /fhir/Patient?name=x", "POST Patient"},
        {"POST http://hub.example/fhir/Patient", "POST Patient"},  // RFC 9112 §3.2.2
        {"POST http://hub.example", "404 not-found"},
        {"POST /fhir/Patient/1", "405 not-supported allow PUT, DELETE, OPTIONS"},
        {"PUT /fhir/Patient/1", "PUT Patient/1"},
        {"PUT /fhir/Patient/" + id64,
         "PUT Patient/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
        {"PUT /fhir/Patient/" + id65, "400 value"},
        {"PUT /fhir/Patient/a_secret", "400 value"},
        {"PUT /fhir/Patient/A-.9", "PUT Patient/A-.9"},
        {"PUT /fhir/Patient/a%2Db", "PUT Patient/a-b"},  // the same address (RFC 3986 §6.2.2.2)
        {"PUT /fhir/P%61tient/1", "PUT Patient/1"},
        {"PUT /fhir/Patient/a%2Fb", "400 value"},
        {"PUT /fhir/Patient/a%0d%0aX:y", "400 value"},
        {"PUT /fhir/Patient/%", "400 value"},
        {"PUT /fhir/Patient/.", "400 value"},
        {"PUT /fhir/Patient/..", "400 value"},
        {"DELETE /fhir/Patient/%2e%2e", "400 value"},
        {"PUT /fhir/Patient/../secret", "404 not-found"},
        {"PUT /fhir/Patient/1/2", "404 not-found"},
        {"PUT /fhir/Patient", "400 required"},
        {"PUT /fhir/Patient?identifier=urn:x%7C1", "PUT Patient?identifier=urn:x%7C1"},
        {"PUT /fhir/Patient?", "400 required"},
        {"PUT /fhir", "405 not-supported allow POST, OPTIONS"},
        {"DELETE /fhir/Patient/1", "DELETE Patient/1"},
        {"DELETE /fhir/Patient?name=a+b", "DELETE Patient?name=a+b"},
        {"DELETE /fhir/Patient?_format=json&name=x&_pretty=true", "DELETE Patient?name=x"},
        {"DELETE /fhir/Patient?_format=json", "400 required"},
        {"DELETE /fhir/Patient", "400 required"},
        {"PATCH /fhir/Patient/1", "405 not-supported allow PUT, DELETE, OPTIONS"},
        {"PATCH /fhir/Patient", "405 not-supported allow POST, OPTIONS"},
        {"TRACE /fhir", "405 not-supported allow POST, OPTIONS"},
        {"GET /fhir/Patient/1", "405 not-supported allow PUT, DELETE, OPTIONS"},
        {"GET /fhir/Patient?name=x", "405 not-supported allow PUT, DELETE, OPTIONS"},
        {"GET /fhir", "405 not-supported allow POST, OPTIONS"},
        {"POST /fhir/Patient/_search", "405 not-supported allow PUT, DELETE, OPTIONS"},
        {"GET /fhir/metadata", "metadata"},
        {"HEAD /fhir/metadata?_format=xml", "metadata"},
        {"POST /fhir/metadata", "405 not-supported allow GET, HEAD, OPTIONS"},
        {"GET /fhir/metadata/1", "404 not-supported"},
        {"OPTIONS /fhir/Anything/at/all", "options"},
        {"OPTIONS *", "404 not-found"},
        {"POST /fhir/$validate", "validate "},
        {"POST /fhir/%24validate", "validate "},
        {"POST /fhir/Patient/$validate", "validate Patient"},
        {"POST /fhir/Patient/1/$validate", "validate Patient"},
        {"POST /fhir/Patient/1/2/$validate", "404 not-found"},
        {"POST /fhir/secret/$validate", "404 not-found"},
        {"GET /fhir/Patient/$validate", "405 not-supported allow POST, OPTIONS"},
        {"POST /fhir/$process-message", "message"},
        {"GET /fhir/$process-message", "405 not-supported allow POST, OPTIONS"},
        {"POST /fhir/Patient/$process-message", "404 not-supported"},
        {"POST /fhir/Patient/$secret", "404 not-supported"},
        {"POST /fhir/Resource", "404 not-supported"},  // abstract
        {"POST /fhir/DomainResource", "404 not-supported"},
        {"POST /fhir/HumanName", "404 not-supported"},
        {"POST /fhir/patient", "404 not-supported"},
        {"POST /fhir/secret", "404 not-supported"},
        {"POST /", "404 not-found"},
        {"POST /fhirx/Patient", "404 not-found"},
        {"POST /fhi", "404 not-found"},
        {"POST /other/fhir/Patient", "404 not-found"},
    };
    check(door, rows);
    Row const at_root[] = {{"POST /", "POST "},
                           {"POST /Patient", "POST Patient"},
                           {"GET /metadata", "metadata"},
                           {"POST //Patient", "POST Patient"},
                           {"POST /fhir/Patient", "404 not-supported"}};
    check(root, at_root);
}

TEST_CASE("what a facade hands on is a read or a search, and leads nowhere else") {
    Row const rows[] = {
        {"GET /fhir/Patient/1", "query GET Patient/1"},
        {"HEAD /fhir/Patient/1", "query GET Patient/1"},
        {"GET /fhir/Patient/a%2Db", "query GET Patient/a-b"},
        {"GET /fhir/Patient/1?_summary=true", "query GET Patient/1?_summary=true"},
        {"GET /fhir/Patient?name=a%20b&_format=xml&x=1", "query GET Patient?name=a%20b&x=1"},
        {"GET /fhir/Patient?_format=xml", "query GET Patient"},
        {"GET /fhir/Patient", "query GET Patient"},
        {"GET /fhir/Patient/_history", "query GET Patient/_history"},
        {"GET /fhir/Patient/1/_history", "query GET Patient/1/_history"},
        {"GET /fhir/Patient/1/_history/2", "query GET Patient/1/_history/2"},
        {"GET /fhir/Patient/1/Observation?code=x", "query GET Patient/1/Observation?code=x"},
        {"GET /fhir?_type=Patient", "query GET ?_type=Patient"},
        {"POST /fhir/Patient/_search", "query POST Patient/_search"},
        {"POST /fhir/Patient/_search?x=1", "query POST Patient/_search?x=1"},
        {"GET /fhir/Patient/..", "400 value"},
        {"GET /fhir/Patient/../../admin", "400 value"},
        {"GET /fhir/Patient/%2e%2e/%2e%2e/admin", "400 value"},
        {"GET /fhir/Patient/a%2F..%2F..%2Fadmin", "400 value"},
        {"GET /fhir/Patient/1/../../admin", "404 not-found"},
        {"GET /fhir/Patient/1/_history/..", "404 not-found"},
        {"GET /fhir/Patient/1/_history/2/3", "404 not-found"},
        {"GET /fhir/Patient/1/2", "404 not-found"},
        {"GET /fhir/Patient/1%3Fx=1", "400 value"},
        {"GET /fhir/../admin", "404 not-supported"},
        {"GET /fhir/Patient/1/$everything", "404 not-supported"},
        {"GET /fhir/secret/1", "404 not-supported"},
        {"PATCH /fhir/Patient/1", "405 not-supported allow GET, HEAD, PUT, DELETE, OPTIONS"},
        {"PATCH /fhir/Patient", "405 not-supported allow GET, HEAD, POST, OPTIONS"},
    };
    check(facade, rows);
    // Only Patients: neither directly nor by a way around.
    Row const patients[] = {
        {"GET /fhir/Patient/1", "query GET Patient/1"},
        {"POST /fhir/Observation", "404 not-supported"},
        {"GET /fhir/Observation/1", "404 not-supported"},
        {"GET /fhir/Patient/1/Observation", "404 not-found"},
        {"GET /fhir/Patient/../Observation", "400 value"},
        {"POST /fhir/Observation/$validate", "404 not-found"},
    };
    check(only, patients);
}

TEST_CASE("forms of the body and of the answer") {
    struct Form {
        std::string headers;
        std::string_view said;  // "json>xml": of the body, of the answer
    };
    Form const rows[] = {
        {"", "json>json"},
        {"Content-Type: application/fhir+json\r\n", "json>json"},
        {"Content-Type: application/fhir+json; charset=UTF-8\r\n", "json>json"},
        {"Content-Type: application/fhir+xml;charset=\"utf-8\"\r\n", "xml>json"},
        {"Content-Type: application/json+fhir\r\n", "json>json"},  // before STU 3
        {"Content-Type: application/xml+fhir\r\n", "xml>json"},
        {"Content-Type: TEXT/XML\r\n", "xml>json"},
        {"Content-Type: application/json; charset=us-ascii\r\n", "json>json"},
        {"Content-Type: application/fhir+json; charset=iso-8859-1\r\n", "415 not-supported"},
        {"Content-Type: text/plain\r\n", "415 not-supported"},
        {"Content-Type: application/x-www-form-urlencoded\r\n", "415 not-supported"},
        {"Content-Type: application/fhir+jsonx\r\n", "415 not-supported"},
        {"Content-Type: application/fhir+json; fhirVersion=4.0\r\n", "json>json"},
        {"Content-Type: application/fhir+xml;FHIRVersion=\"4.0.1\"\r\n", "xml>json"},
        {"Content-Type: application/fhir+json; fhirVersion=3.0\r\n", "415 not-supported"},
        {"Content-Type: application/fhir+json; fhirVersion=4.3; charset=utf-8\r\n", "415 not-supported"},
        {"Accept: application/fhir+json; fhirVersion=5.0, application/fhir+xml; q=0.1\r\n", "json>xml"},
        {"Accept: application/fhir+json; fhirVersion=5.0\r\n", "406 not-supported"},
        {"Content-Encoding: gzip\r\n", "json gzip>json"},
        {"Content-Encoding:  X-GZIP \r\n", "json gzip>json"},
        {"Content-Encoding: identity\r\n", "json>json"},
        {"Content-Encoding: br\r\n", "415 not-supported"},
        {"Content-Encoding: gzip, gzip\r\n", "415 not-supported"},
        {"Accept: application/fhir+xml\r\n", "json>xml"},
        {"Accept: text/html, application/fhir+xml\r\n", "json>xml"},
        {"Accept: application/fhir+xml, application/fhir+json\r\n", "json>xml"},
        {"Accept: application/fhir+xml;q=0.5, application/fhir+json\r\n", "json>json"},
        {"Accept: application/fhir+json;q=0.25, application/fhir+xml;q=0.75\r\n", "json>xml"},
        {"Accept: application/fhir+json;Q=0.2, application/fhir+xml; q=0.3\r\n", "json>xml"},
        {"Accept: application/fhir+json; fhirVersion=4.0; q=0.2, text/xml;q=0.3\r\n", "json>xml"},
        {"Accept: */*\r\n", "json>json"},
        {"Accept: text/html,application/*;q=0.1\r\n", "json>json"},
        {"Accept: \r\n", "json>json"},
        {"Accept: text/html\r\n", "406 not-supported"},
        {"Accept: application/fhir+json;q=0\r\n", "406 not-supported"},
        {"Accept: application/fhir+json;q=0.000\r\n", "406 not-supported"},
        {"Accept: ;;,;=,q=\r\n", "406 not-supported"},
        {"Accept-Encoding: br, gzip\r\n", "json>json gzip"},
        {"Accept-Encoding: GZIP;q=0.5\r\n", "json>json gzip"},
        {"Accept-Encoding: gzip;q=0\r\n", "json>json"},
        {"Accept-Encoding: identity\r\n", "json>json"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.headers);
        auto const asked = ask("POST /fhir/Patient", row.headers, door);
        auto const& r = asked.request;
        auto const form = [](FhirFormat format) { return format == FhirFormat::xml ? "xml" : "json"; };
        auto const got = asked.refusal ? said(asked)
                                       : std::string(form(r.body)) + (r.gzipped ? " gzip" : "") + ">" +
                                             form(r.answer) + (r.takes_gzip ? " gzip" : "");
        CHECK(got == row.said);
    }
    struct Format {
        std::string_view query;
        std::string_view said;
    };
    constexpr Format formats[] = {
        {"_format=xml", "xml"},
        {"_format=json", "json"},
        {"_format=application/fhir%2Bxml", "xml"},
        {"_format=application/fhir+xml", "xml"},  // a plus that was meant as one
        {"_format=application%2Ffhir%2Bxml%3Bcharset%3Dutf-8", "xml"},
        {"_format=XML&_pretty=true", "xml"},
        {"_format=text/html", "406 not-supported"},
        {"_format=", "406 not-supported"},
        {"_format", "406 not-supported"},
        {"x_format=xml", "json"},
        {"%5Fformat=json&&&", "json"},
    };
    for (auto const& row : formats) {
        CAPTURE(row.query);
        // It counts more than Accept.
        auto const asked = ask("POST /fhir/Patient?" + std::string(row.query),
                               row.said == "xml" ? "Accept: application/fhir+json\r\n" : "", door);
        CHECK((asked.refusal                             ? said(asked)
               : asked.request.answer == FhirFormat::xml ? "xml"
                                                         : "json") == row.said);
    }
    // A search may be posted as a form, and as nothing else.
    CHECK(said(ask("POST /fhir/Patient/_search",
                   "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n", facade)) ==
          "query POST Patient/_search");
    CHECK(said(ask("POST /fhir/Patient/_search", "Content-Type: application/fhir+json\r\n", facade)) ==
          "415 not-supported");
}

TEST_CASE("conditions, wishes and what is echoed") {
    auto const put =
        ask("PUT /fhir/Patient/1",
            "If-Match:  W/\"3\" \r\nIf-None-Match: *\r\nIf-None-Exist: x=1\r\nPrefer: "
            "respond-async, return=minimal; x=y\r\nX-Request-Id: a-b_c.1:2\r\nOrigin: http://page\r\n",
            door);
    CHECK(!put.refusal);
    CHECK(put.request.interaction.if_match == "W/\"3\"");
    CHECK(put.request.interaction.if_none_match == "*");
    CHECK(put.request.interaction.if_none_exist == "");  // of a create only
    CHECK(put.request.prefer == FhirRequest::Prefer::minimal);
    CHECK(put.request.async);
    CHECK(put.request.request_id == "a-b_c.1:2");
    CHECK(put.request.origin == "http://page");
    CHECK(ask("POST /fhir/Patient", "If-None-Exist: identifier=u%7C1\r\n", door)
              .request.interaction.if_none_exist == "identifier=u%7C1");
    CHECK(ask("POST /fhir/$process-message?async=true", "", door).request.async);
    CHECK(!ask("POST /fhir/$process-message?async=1", "", door).request.async);
    using Prefer = FhirRequest::Prefer;
    struct Wish {
        std::string_view header;
        Prefer prefer;
    };
    constexpr Wish wishes[] = {{"return=representation", Prefer::representation},
                               {"return=OperationOutcome", Prefer::outcome},
                               {"handling=strict, return=minimal", Prefer::minimal},
                               {"return=", Prefer::unsaid},
                               {"return=all", Prefer::unsaid}};
    for (auto const& wish : wishes) {
        CAPTURE(wish.header);
        CHECK(
            ask("POST /fhir/Patient", "Prefer: " + std::string(wish.header) + "\r\n", door).request.prefer ==
            wish.prefer);
    }
    for (auto const& id :
         {std::string(129, 'a'), std::string("a b"), std::string("<script>"), std::string("\xc3\xa4")})
        CHECK(ask("POST /fhir/Patient", "X-Request-Id: " + id + "\r\n", door).request.request_id == "");
    CHECK(ask("POST /fhir/Patient", "Origin: " + std::string(300, 'a') + "\r\n", door).request.origin == "");
    // After a refusal there is what an answer to it needs.
    auto const refused = ask("POST /fhir/x", "X-Request-Id: 7\r\nAccept: text/xml\r\nOrigin: a\r\n", door);
    CHECK(refused.refusal);
    CHECK(refused.request.request_id == "7");
    CHECK(refused.request.answer == FhirFormat::xml);
    CHECK(refused.request.origin == "a");
}
