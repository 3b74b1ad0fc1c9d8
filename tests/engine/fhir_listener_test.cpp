// The FHIR listener over a socket: what reaches the flow, and what its client is told.
#include "engine/flow/fhir_intake.h"
#include "engine/listeners/listener.h"
#include "parsers/gzip.h"
#include "tests/engine/support/transport.h"

using namespace hilum;
using namespace hilum::test;

namespace {

struct Listening {
    Engine engine;
    FakeIntake intake;
    std::unique_ptr<listeners::Listener> listener;
    std::uint16_t port = 0;

    // `common`: keys that are the flow's, and of any listener.
    explicit Listening(std::string const& options = "", std::string const& common = "{}") {
        auto const kind = listeners::fhir_listener();
        config::Diagnostics diagnostics;
        auto c = component("fhir", "listen: 127.0.0.1:0\n" + options, diagnostics);
        c.common = component("fhir", common, diagnostics).options;
        kind.check(c, diagnostics);
        REQUIRE(diagnostics.text() == "");
        listener = kind.make(c, {engine.runtime, intake, engine.listener, engine.log});
        auto const started = listener->start();
        REQUIRE(started.has_value());
        auto const where = listener->where();
        port = static_cast<std::uint16_t>(std::stoi(where.substr(where.find(':') + 1)));
    }
    ~Listening() { engine.run(listener->stop()); }
    std::string ask(std::string const& line, std::string const& body = "", std::string const& headers = "") {
        auto client = Peer::connect(port);
        auto const length =
            line.starts_with("P") ? "Content-Length: " + std::to_string(body.size()) + "\r\n" : "";
        client.send(line + " HTTP/1.1\r\nHost: h\r\n" + headers + length + "\r\n" + body);
        return client.http();
    }
};

constexpr std::string_view patient = R"({"resourceType":"Patient","active":true})";
constexpr std::string_view xml = R"(<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>)";

std::string kept(std::string_view method, std::string_view url, std::string_view json) {
    fhir::Request request{std::string(method), std::string(url)};
    return fhir::interaction_text(request, json);
}

std::string status(std::string const& answer) {
    return answer.substr(9, 3);
}
bool holds(std::string const& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("what is sent in any form reaches the flow as JSON") {
    Listening l;
    struct Row {
        std::string line, body, headers, seen;
    };
    for (auto const& row : std::vector<Row>{
             {"POST /fhir/Patient", std::string(patient), "", kept("POST", "Patient", patient)},
             {"POST /fhir/Patient", std::string(xml), "Content-Type: application/fhir+xml\r\n",
              kept("POST", "Patient", patient)},
             {"PUT /fhir/Patient/1", gzip(patient), "Content-Encoding: gzip\r\n",
              kept("PUT", "Patient/1", patient)},
             {"PUT /fhir/Patient/1", gzip(xml), "Content-Encoding: gzip\r\nContent-Type: text/xml\r\n",
              kept("PUT", "Patient/1", patient)},
             {"DELETE /fhir/Patient/1", "", "", kept("DELETE", "Patient/1", "")},
         }) {
        CAPTURE(row.line);
        auto const before = l.intake.seen().size();
        auto const answer = l.ask(row.line, row.body, row.headers);
        CHECK(status(answer) == "202");
        CHECK(holds(answer, "Content-Type: application/fhir+json; charset=utf-8\r\n"));
        CHECK(holds(answer, "stored as message 1"));
        REQUIRE(l.intake.seen().size() == before + 1);
        CHECK(l.intake.seen().back() == row.seen);
    }
}

TEST_CASE("what is refused is refused in FHIR, and reaches nobody") {
    Listening l("max_body: 1KiB\n");
    struct Row {
        std::string line, body, headers;
        std::string_view status;
    };
    for (auto const& row : std::vector<Row>{
             {"POST /fhir/Patient", "", "", "400"},
             {"POST /fhir/Patient", "", "Content-Encoding: gzip\r\n", "400"},
             {"POST /fhir/Patient", "<Patient>", "Content-Type: text/xml\r\n", "400"},
             {"POST /fhir/Patient", std::string(patient), "Content-Encoding: gzip\r\n", "400"},
             {"POST /fhir/Patient", gzip(std::string(1'000'000, ' ')), "Content-Encoding: gzip\r\n", "413"},
             {"POST /fhir/Patient", std::string(2000, ' '), "", "413"},
             {"POST /fhir/Nothing", std::string(patient), "", "404"},
             {"PUT /fhir/Patient/..", std::string(patient), "", "400"},
             {"GET /fhir/Patient/1", "", "", "405"},
             {"POST /fhir/Patient", std::string(patient), "Content-Type: text/plain\r\n", "415"},
             {"POST /fhir/Patient", std::string(patient), "Accept: text/html\r\n", "406"},
             {"POST /other", std::string(patient), "", "404"},
             {"DELETE /fhir/Patient", "", "", "400"},
         }) {
        CAPTURE(row.line);
        CAPTURE(row.headers);
        auto const answer = l.ask(row.line, row.body, row.headers);
        CHECK(status(answer) == row.status);
        CHECK(holds(answer, R"({"resourceType":"OperationOutcome","issue":[{"severity":"error")"));
    }
    auto client = Peer::connect(l.port);
    client.send("POST /fhir/Patient HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(status(client.http()) == "411");
    CHECK(l.intake.seen().empty());
}

TEST_CASE("what the endpoint answers itself") {
    Listening l("base: ''\nresources: [ Patient ]\nurl: https://hub.example/fhir\n");
    auto const metadata = l.ask("GET /metadata", "", "Origin: http://page\r\n");
    CHECK(status(metadata) == "200");
    CHECK(holds(metadata, R"("url":"https://hub.example/fhir")"));
    CHECK(holds(metadata, "Access-Control-Allow-Origin: *\r\n"));
    CHECK(holds(l.ask("GET /metadata?_format=xml"), "<CapabilityStatement"));
    CHECK(holds(l.ask("OPTIONS /Patient"), "Allow: GET, HEAD, POST, PUT, DELETE, OPTIONS\r\n"));
    auto const valid = l.ask("POST /$validate", std::string(patient));
    CHECK(status(valid) == "200");
    CHECK(holds(valid, R"("severity":"information")"));
    auto const parameters =
        R"({"resourceType":"Parameters","parameter":[{"name":"mode","valueCode":"create"},{"name":"resource","resource":{"resourceType":"Patient","active":"secret"}}]})";
    auto const invalid = l.ask("POST /Patient/$validate", parameters);
    CHECK(status(invalid) == "200");
    CHECK(holds(invalid, R"("severity":"error")"));
    CHECK(holds(invalid, "Patient.active"));
    CHECK(!holds(invalid, "secret"));
    CHECK(!holds(invalid, "of another type"));
    CHECK(holds(l.ask("POST /Patient/$validate", R"({"resourceType":"Basic","code":{"text":"x"}})"),
                "the resource is of another type than the address"));
    CHECK(l.intake.seen().empty());
}

TEST_CASE("a facade hands reads and searches on, and its server's answer back") {
    Listening l("", "ack: { mode: delivered, from: ehr }");
    l.intake.fhir_answer = [](flow::FhirArrival const&) {
        flow::FhirAnswer answer;
        answer.status = 200;
        answer.stored = true;
        answer.relayed =
            flow::relayed_text({200, "application/fhir+json", "http://ehr:8080/x/Patient/1/_history/2",
                                "W/\"2\"", "", std::string(patient)});
        return answer;
    };
    auto const read = l.ask("GET /fhir/Patient/1", "", "Accept: application/fhir+xml\r\n");
    CHECK(status(read) == "200");
    CHECK(holds(read, "ETag: W/\"2\"\r\n"));
    CHECK(holds(read, "Location: http://h/fhir/Patient/1/_history/2\r\n"));
    CHECK(holds(read, "<active value=\"true\"/>"));
    struct Row {
        std::string line, body;
        std::string_view method, url;
    };
    for (auto const& row : std::vector<Row>{
             {"GET /fhir/Patient?name=a&_format=json", "", "GET", "Patient?name=a"},
             {"HEAD /fhir/Patient/1", "", "GET", "Patient/1"},
             // Posted, it is the same search: all that its address and its body ask.
             {"POST /fhir/Patient/_search", "name=a", "GET", "Patient?name=a"},
             {"POST /fhir/Patient/_search?active=true", "name=a", "GET", "Patient?name=a&active=true"},
             {"POST /fhir/Patient/_search?active=true", "", "GET", "Patient?active=true"},
             {"POST /fhir/Patient/_search", "", "GET", "Patient"},
         }) {
        CAPTURE(row.line);
        auto const headers = row.body.empty() ? "" : "Content-Type: application/x-www-form-urlencoded\r\n";
        CHECK(status(l.ask(row.line, row.body, headers)) == "200");
        REQUIRE(!l.intake.seen().empty());
        CHECK(l.intake.seen().back() == kept(row.method, row.url, ""));
    }
    auto const before = l.intake.seen().size();
    CHECK(status(l.ask("GET /fhir/Patient/%2e%2e/%2e%2e/admin")) == "400");
    CHECK(status(l.ask("GET /fhir/Patient/1/../../admin")) == "404");
    CHECK(l.intake.seen().size() == before);
}

TEST_CASE("fhir listener options are checked") {
    auto const kind = listeners::fhir_listener();
    for (auto const* good : {"", "base: ''\n", "base: /a/b\n", "resources: [ Patient, Bundle ]\n"})
        CHECK(findings(kind, std::string("listen: 127.0.0.1:1\n") + good) == "");
    struct Row {
        std::string_view options, found;
    };
    constexpr Row rows[] = {
        {"base: fhir\n", "is not the path of a URL"},
        {"base: /fhir/\n", "is not the path of a URL"},
        {"base: /\n", "is not the path of a URL"},
        {"base: '/a?b'\n", "is not the path of a URL"},
        {"base: '/a b'\n", "is not the path of a URL"},
        {"url: https://h/fhir/\n", "url is not the address of an endpoint"},
        {"url: \"https://h\\r\\nX: y\"\n", "url is not the address of an endpoint"},
        {"resources: [ Pateint ]\n", "did you mean \"Patient\"?"},
        {"resources: [ HumanName ]\n", "FHIR R4 has no resource"},
        {"resources: [ DomainResource ]\n", "FHIR R4 has no resource"},
        {"max_body: 1\n", "max_body must be"},
        {"idle: 0s\n", "a time limit of nothing"},
        {"max_connections: 0\n", "nobody could connect"},
        {"answers: maybe\n", "accepted"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.options);
        auto const found = findings(kind, "listen: 127.0.0.1:1\n" + std::string(row.options));
        CAPTURE(found);
        CHECK(found.find("error: ") != std::string::npos);
        CHECK(found.find(row.found) != std::string::npos);
    }
}
