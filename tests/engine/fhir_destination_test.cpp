// The FHIR destination over a socket: what it sends, and how it tells the server who asks.
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <map>

#include "engine/destinations/destination.h"
#include "engine/flow/fhir_intake.h"
#include "parsers/base64.h"
#include "parsers/gzip.h"
#include "parsers/json.h"
#include "parsers/percent.h"
#include "parsers/uuid.h"
#include "tests/engine/support/transport.h"

using namespace hilum;
using namespace hilum::test;
using destinations::Attempt;
using destinations::AttemptClass;

namespace {

constexpr std::string_view patient = R"({"resourceType":"Patient","id":"1"})";

struct Sending {
    Engine engine;
    std::unique_ptr<destinations::Destination> destination;

    explicit Sending(std::uint16_t port, std::string const& options = "") {
        auto const kind = destinations::fhir_destination();
        config::Diagnostics diagnostics;
        auto const c = component(
            "fhir", "base: http://127.0.0.1:" + std::to_string(port) + "/fhir/\n" + options, diagnostics);
        kind.check(c, diagnostics);
        REQUIRE(diagnostics.text() == "");
        destination = kind.make(c, {engine.runtime, 0, engine.destination, engine.log, "ehr"});
    }
    ~Sending() { engine.runtime.stop(); }
    Attempt deliver(std::string_view body, bool wants_response = false) {
        destinations::Outgoing outgoing;
        outgoing.message = 7;
        outgoing.body = body;
        outgoing.wants_response = wants_response;
        return engine.run(destination->deliver(outgoing));
    }
};

std::string answer(int status, std::string const& body, std::string const& more = "") {
    return "HTTP/1.1 " + std::to_string(status) + " X\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

// Answers one request after the other on one connection, and keeps what it was sent.
struct Answers {
    std::vector<std::string> answers;
    std::vector<std::string> seen;
    Server::Script script() {
        return [this](Peer& peer) {
            for (auto const& text : answers) {
                seen.push_back(peer.http());
                peer.send(text);
            }
            (void)peer.at_end(2s);
        };
    }
    std::string header(std::size_t i, std::string const& name) const {
        auto const at = seen.at(i).find("\r\n" + name + ": ");
        if (at == std::string::npos) return "";
        auto const begin = at + name.size() + 4;
        return seen[i].substr(begin, seen[i].find("\r\n", begin) - begin);
    }
    std::string line(std::size_t i) const { return seen.at(i).substr(0, seen[i].find("\r\n")); }
    std::string body(std::size_t i) const { return seen.at(i).substr(seen[i].find("\r\n\r\n") + 4); }
};

// The fields of a form.
std::map<std::string, std::string> form(std::string const& body) {
    std::map<std::string, std::string> out;
    for (std::size_t at = 0; at < body.size();) {
        auto const end = std::min(body.find('&', at), body.size());
        auto const pair = body.substr(at, end - at);
        out[pair.substr(0, pair.find('='))] = percent_decoded(pair.substr(pair.find('=') + 1));
        at = end + 1;
    }
    return out;
}

std::string token(std::string const& text, int lives = 3600) {
    return answer(200, R"({"access_token":")" + text + R"(","token_type":"Bearer","expires_in":)" +
                           std::to_string(lives) + "}");
}

std::string oauth(Server const& server,
                  std::string const& rest = "client_secret: 's&cret', scope: 'system/*.write'") {
    return "auth: { oauth: { token_url: 'http://127.0.0.1:" + std::to_string(server.port()) +
           "/token', client_id: 'h i', " + rest + " } }";
}

}  // namespace

TEST_CASE("a resource is written over one kept connection") {
    Answers answers{{answer(201, ""), answer(200, "x"), answer(204, ""), answer(200, "")}, {}};
    {
        Server server({answers.script()});
        Sending sending(server.port());
        CHECK(sending.destination->where() == "fhir 127.0.0.1:" + std::to_string(server.port()) + "/fhir/");
        CHECK(sending.deliver(patient).result == AttemptClass::delivered);
        CHECK(sending.deliver(fhir::interaction_text(fhir::Request{"GET", "Patient?x=1"}, "")).result ==
              AttemptClass::delivered);
        CHECK(sending.deliver(fhir::interaction_text(fhir::Request{"DELETE", "Patient/1"}, "")).result ==
              AttemptClass::delivered);
        CHECK(sending.deliver(R"({"resourceType":"Bundle","type":"batch"})").result ==
              AttemptClass::delivered);
        auto const bad = sending.deliver(fhir::interaction_text(fhir::Request{"GET", "../admin"}, ""));
        CHECK(bad.result == AttemptClass::local);
        CHECK(bad.code == "bad_interaction");
        CHECK(server.connections() == 1);
    }
    REQUIRE(answers.seen.size() == 4);
    auto const id = uuid_of("Patient", "message 7/0");
    CHECK(answers.line(0) == "PUT /fhir/Patient/" + id + " HTTP/1.1");
    CHECK(answers.header(0, "Content-Type") == "application/fhir+json; charset=utf-8");
    CHECK(answers.header(0, "Accept") == "application/fhir+json");
    CHECK(answers.body(0) == R"({"resourceType":"Patient","id":")" + id + "\"}");
    CHECK(answers.line(1) == "GET /fhir/Patient?x=1 HTTP/1.1");
    CHECK(answers.header(1, "Content-Type") == "");
    CHECK(answers.header(1, "Content-Length") == "");
    CHECK(answers.line(2) == "DELETE /fhir/Patient/1 HTTP/1.1");
    CHECK(answers.line(3) == "POST /fhir HTTP/1.1");
}

TEST_CASE("in XML, packed, and with the whole answer for whom waits for it") {
    std::string const outcome = R"({"resourceType":"OperationOutcome","issue":[{"code":"invalid"}]})";
    Answers answers{
        {answer(422, outcome,
                "ETag: W/\"1\"\r\nLocation: http://a/b\r\nContent-Type: application/fhir+json\r\n")},
        {}};
    Attempt attempt;
    {
        Server server({answers.script()});
        Sending sending(server.port(), "form: xml\ngzip: true\nas: create\n");
        attempt = sending.deliver(patient, true);
        // What XML can't say is not sent.
        CHECK(sending.deliver(R"({"resourceType":"Thing"})").result == AttemptClass::local);
    }
    CHECK(attempt.result == AttemptClass::relayed);  // its sender is told, and mends it
    CHECK(attempt.text == "invalid");
    auto const relayed = flow::read_relayed(attempt.response);
    REQUIRE(relayed.has_value());
    CHECK(relayed->status == 422);
    CHECK(relayed->etag == "W/\"1\"");
    CHECK(relayed->location == "http://a/b");
    CHECK(relayed->body == outcome);
    REQUIRE(answers.seen.size() == 1);
    CHECK(answers.line(0) == "POST /fhir/Patient HTTP/1.1");
    CHECK(answers.header(0, "Content-Type") == "application/fhir+xml; charset=utf-8");
    CHECK(answers.header(0, "Content-Encoding") == "gzip");
    auto const plain = gunzip(answers.body(0), 1000);
    REQUIRE(plain.has_value());
    CHECK(plain->find(R"(<Patient xmlns="http://hl7.org/fhir"><id value="1"/></Patient>)") !=
          std::string::npos);
}

// They are about Hilum's rights there: no sender can mend that.
TEST_CASE("401 and 403 are not told to whom waits for the answer") {
    for (int const status : {401, 403}) {
        Answers answers{{answer(status, "no")}, {}};
        Server server({answers.script()});
        Sending sending(server.port());
        auto const attempt = sending.deliver(patient, true);
        CHECK(attempt.result == (status == 401 ? AttemptClass::login : AttemptClass::ar));
        CHECK(attempt.response == "");
    }
}

TEST_CASE("a user, or a token of one's own") {
    struct Row {
        std::string auth, header;
    };
    for (auto const& row :
         std::vector<Row>{{"auth: { basic: { user: hilum, password: 'a:b' } }", "Basic aGlsdW06YTpi"},
                          {"auth: { bearer: t0k.en }", "Bearer t0k.en"},
                          {"", ""}}) {
        Answers answers{{answer(401, "")}, {}};
        {
            Server server({answers.script()});
            Sending sending(server.port(), row.auth);
            CHECK(sending.deliver(patient).result == AttemptClass::login);  // another try would be no other
        }
        REQUIRE(answers.seen.size() == 1);
        CHECK(answers.header(0, "Authorization") == row.header);
    }
}

TEST_CASE("a token is asked for once, and again when the server would not have it") {
    Answers tokens{{token("one"), token("two"), token("three")}, {}};
    Answers answers{{answer(201, ""), answer(200, ""), answer(401, ""), answer(200, ""), answer(401, ""),
                     answer(401, "")},
                    {}};
    {
        Server token_server({tokens.script()});
        Server server({answers.script()});
        Sending sending(server.port(), oauth(token_server));
        CHECK(sending.deliver(patient).result == AttemptClass::delivered);
        CHECK(sending.deliver(patient).result == AttemptClass::delivered);
        CHECK(sending.deliver(patient).result == AttemptClass::delivered);
        auto const refused = sending.deliver(patient);
        CHECK(refused.result == AttemptClass::login);
        CHECK(refused.code == "HTTP 401");
    }
    REQUIRE(answers.seen.size() == 6);
    std::string used;
    for (std::size_t i = 0; i < 6; ++i) used += answers.header(i, "Authorization").substr(7) + " ";
    CHECK(used == "one one one two two three ");
    REQUIRE(tokens.seen.size() == 3);
    CHECK(tokens.line(0) == "POST /token HTTP/1.1");
    CHECK(tokens.header(0, "Content-Type") == "application/x-www-form-urlencoded");
    CHECK(tokens.body(0) ==
          "grant_type=client_credentials&scope=system%2F%2A.write&client_id=h%20i&client_secret=s%26cret");
}

TEST_CASE("a token is used for three quarters of its life") {
    Answers tokens{{token("one", 1), token("two", 59)}, {}};
    Answers answers{{answer(201, ""), answer(201, ""), answer(201, "")}, {}};
    {
        Server token_server({tokens.script()});
        Server server({answers.script()});
        Sending sending(server.port(), oauth(token_server));
        CHECK(sending.deliver(patient).result == AttemptClass::delivered);
        std::this_thread::sleep_for(760ms);
        CHECK(sending.deliver(patient).result == AttemptClass::delivered);
        CHECK(sending.deliver(patient).result == AttemptClass::delivered);
    }
    REQUIRE(answers.seen.size() == 3);
    CHECK(answers.header(0, "Authorization") == "Bearer one");
    CHECK(answers.header(1, "Authorization") == "Bearer two");
    CHECK(answers.header(2, "Authorization") == "Bearer two");
}

TEST_CASE("without a token nothing is sent") {
    struct Row {
        std::string answer;
        AttemptClass result;
        std::string_view code;
    };
    for (auto const& row : std::vector<Row>{
             {answer(400, R"({"error":"invalid_client"})"), AttemptClass::login, "token/HTTP 400"},
             {answer(401, ""), AttemptClass::login, "token/HTTP 401"},
             {answer(429, ""), AttemptClass::busy, "token/HTTP 429"},
             {answer(500, ""), AttemptClass::busy, "token/HTTP 500"},
             {answer(200, "<html>"), AttemptClass::busy, "token/HTTP 200"},
             {answer(200, "{}"), AttemptClass::busy, "token/HTTP 200"},
             {answer(200, R"({"access_token":5})"), AttemptClass::busy, "token/HTTP 200"},
             {answer(200, R"({"access_token":"s3cret\r\nX: y","token_type":"bearer"})"), AttemptClass::busy,
              "token/HTTP 200"},
             {answer(200, R"({"access_token":"s3cret\u0000","token_type":"bearer"})"), AttemptClass::busy,
              "token/HTTP 200"},
             // Of a type that we don't know it must not be used (RFC 6749 §7.1).
             {answer(200, R"({"access_token":"s3cret","token_type":"mac"})"), AttemptClass::busy,
              "token/HTTP 200"},
             {answer(201, R"({"access_token":"s3cret","token_type":"bearer"})"), AttemptClass::busy,
              "token/HTTP 201"},
             {"nonsense\r\n\r\n", AttemptClass::connect, "no_token"},
         }) {
        CAPTURE(row.answer);
        Answers tokens{{row.answer}, {}};
        Answers answers{{answer(201, "")}, {}};
        {
            Server token_server({tokens.script()});
            Server server({answers.script()});
            Sending sending(server.port(), oauth(token_server));
            auto const attempt = sending.deliver(patient);
            CHECK(attempt.result == row.result);
            CHECK(attempt.code == row.code);
            // What may be a token is not kept with the message.
            CHECK(attempt.answer.find("s3cret") == std::string::npos);
            CHECK(attempt.text.find("s3cret") == std::string::npos);
            CHECK(server.connections() == 0);
        }
    }
}

TEST_CASE("SMART Backend Services: an assertion that is signed, and never the same") {
    TemporaryFolder folder;
    auto* const key = EVP_EC_gen("P-384");
    auto const path = (folder.path() / "key.pem").string();
    auto* const bio = BIO_new_file(path.c_str(), "w");
    REQUIRE(PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
    BIO_free_all(bio);
    EVP_PKEY_free(key);
    Answers tokens{{token("one"), token("two")}, {}};
    Answers answers{{answer(401, ""), answer(201, "")}, {}};
    std::string url;
    auto const before = static_cast<std::uint64_t>(std::time(nullptr));
    {
        Server token_server({tokens.script()});
        url = "http://127.0.0.1:" + std::to_string(token_server.port()) + "/token";
        Server server({answers.script()});
        Sending sending(server.port(), oauth(token_server, "key_file: " + path + ", key_id: k1"));
        CHECK(sending.deliver(patient).result == AttemptClass::login);  // it was new
        CHECK(sending.deliver(patient).result == AttemptClass::delivered);
    }
    REQUIRE(tokens.seen.size() == 2);
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < 2; ++i) {
        auto fields = form(tokens.body(i));
        CHECK(fields["grant_type"] == "client_credentials");
        CHECK(fields["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        CHECK(fields.count("client_secret") == 0);
        CHECK(fields.count("scope") == 0);
        auto const assertion = fields["client_assertion"];
        auto const first = assertion.find('.'), second = assertion.rfind('.');
        REQUIRE(first < second);
        auto const part = [&](std::size_t from, std::size_t to) {
            auto const text = from_base64(assertion.substr(from, to - from), Base64::url);
            REQUIRE(text.has_value());
            auto const object = json::parse(*text);
            REQUIRE(object.has_value());
            return *object;
        };
        auto const head = part(0, first), claims = part(first + 1, second);
        CHECK(head.text("alg") == "ES384");
        CHECK(head.text("typ") == "JWT");
        CHECK(head.text("kid") == "k1");
        CHECK(claims.text("iss") == "h i");
        CHECK(claims.text("sub") == "h i");
        CHECK(claims.text("aud") == url);
        CHECK(claims.number("iat") >= before);
        CHECK(claims.number("exp") > claims.number("iat"));
        CHECK(claims.number("exp") - claims.number("iat") <= 300);  // the most that SMART allows
        ids.emplace_back(claims.text("jti"));
    }
    CHECK(ids[0].size() >= 22);
    CHECK(ids[0] != ids[1]);
}

TEST_CASE("fhir destination options are checked") {
    TemporaryFolder folder;
    auto const no_key = (folder.path() / "none.pem").string(), bad_key = (folder.path() / "bad.pem").string();
    write_file(bad_key, "s3cret");
    auto const kind = destinations::fhir_destination();
    std::string const base = "base: http://h/fhir\n";
    for (std::string const good :
         {"", "as: create\n", "identifier: identifier.first().value\n", "auth: { bearer: x }\n",
          "auth: { oauth: { token_url: 'http://h/t', client_id: a, client_secret: b } }\n"}) {
        CHECK(findings(kind, base + good) == "");
    }
    struct Row {
        std::string options;
        std::string_view found;
    };
    for (auto const& row : std::vector<Row>{
             {"as: create\n", "lacks \"base\""},
             {"base: https://h/fhir\n", "https is not there yet"},
             {"base: http://h/fhir?x=1\n", "base has a query"},
             {"base: nonsense\n", "the URL can't be read"},
             {base + "as: put\n", "update"},
             {base + "identifier: '('\n", "test.yaml:2:"},
             {base + "as: create\nidentifier: id\n", "identifier has no effect on what is created"},
             {base + "connect_within: 0s\n", "a time limit of nothing"},
             {base + "answer_within: 0s\n", "a time limit of nothing"},
             {base + "max_answer: 0\n", "max_answer must be"},
             {base + "max_answer: 65MiB\n", "max_answer must be"},
             {base + "auth: {}\n", "auth does not say how"},
             {base + "auth: { bearer: a, basic: { user: a, password: b } }\n", "auth says several ways"},
             {base + "auth: { bearer: \"a\\r\\nX: y\" }\n", "it is not one line of text"},
             {base + "auth: { basic: { user: \"a\\nb\", password: b } }\n", "it is not one line of text"},
             {base + "auth: { basic: { user: a, password: \"b\\n\" } }\n", "it is not one line of text"},
             {base + "auth: { basic: { user: 'a:b', password: b } }\n", "the name of a user has no colon"},
             {base + "auth: { basic: { user: a } }\n", "lacks \"password\""},
             {base + "auth: { oauth: { token_url: 'http://h/t', client_id: a } }\n",
              "oauth takes either a secret or a key"},
             {base + "auth: { oauth: { token_url: 'http://h/t', client_id: a, client_secret: b, key_file: " +
                  bad_key + " } }\n",
              "oauth takes either a secret or a key"},
             {base + "auth: { oauth: { token_url: 'https://h/t', client_id: a, client_secret: b } }\n",
              "https is not there yet"},
             {base + "auth: { oauth: { token_url: 'http://h/t', client_id: a, key_file: " + no_key + " } }\n",
              "the key file can't be read"},
             {base + "auth: { oauth: { token_url: 'http://h/t', client_id: a, key_file: " + bad_key +
                  " } }\n",
              "it is no private key in PEM"},
         }) {
        CAPTURE(row.options);
        auto const found = findings(kind, row.options);
        CAPTURE(found);
        CHECK(found.find("error: ") != std::string::npos);
        CHECK(found.find(row.found) != std::string::npos);
        CHECK(found.find("s3cret") == std::string::npos);
    }
}
