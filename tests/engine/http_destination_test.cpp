#include "engine/destinations/destination.h"
#include "engine/destinations/http_answer.h"
#include "engine/net/http_date.h"
#include "engine/net/url.h"
#include "tests/engine/support/transport.h"

using namespace hilum;
using namespace hilum::test;
using destinations::Attempt;
using destinations::AttemptClass;

namespace {

struct Sending {
    Engine engine;
    std::unique_ptr<destinations::Destination> destination;

    explicit Sending(std::uint16_t port, std::string const& options = "") {
        auto const kind = destinations::http_destination();
        config::Diagnostics diagnostics;
        auto const c = component(
            "http", "url: http://127.0.0.1:" + std::to_string(port) + "/in?key=k\n" + options, diagnostics);
        kind.check(c, diagnostics);
        REQUIRE(diagnostics.text() == "");
        destination = kind.make(c, {engine.runtime, 0, engine.destination, engine.log, "lab"});
    }
    ~Sending() { engine.runtime.stop(); }
    Attempt deliver(std::string const& body) {
        destinations::Outgoing outgoing;
        outgoing.body = body;
        return engine.run(destination->deliver(outgoing));
    }
};

std::string answer(std::string const& status, std::string const& body, std::string const& more = "") {
    return "HTTP/1.1 " + status + " X\r\n" + more + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

Server::Script say(std::string const& text) {
    return [text](Peer& peer) {
        peer.http();
        peer.send(text);
    };
}

std::string class_name(Attempt const& attempt) {
    return std::string(destinations::name(attempt.result));
}

}  // namespace

TEST_CASE("what a response means") {
    struct Row {
        unsigned status;
        std::string type, retry, body;
        char const* result;
        char const* code;
        int pause_s;
        bool orphan = false;
    };
    std::time_t const now = 784111777;
    for (auto const& row : std::vector<Row>{
             {200, "", "", "", "delivered", "HTTP 200", 0},
             {202, "text/html", "", "thanks", "delivered", "HTTP 202", 0},
             {204, "", "", "", "delivered", "HTTP 204", 0},
             {200, "x-application/hl7-v2+er7", "", ack("AA", "7"), "delivered", "AA", 0},
             {200, "text/plain", "", "\x0b" + ack("CA", "7") + "\x1c\r", "delivered", "CA", 0},
             {200, "", "", ack("AE", "7", "101"), "ae", "AE/101", 0},
             {200, "", "", ack("CE", "7"), "ae", "CE", 0},
             {200, "", "", ack("AR", "7", "200"), "ar", "AR/200", 0},
             {200, "", "", ack("AE", "7", "207"), "busy", "AE/207", 0},
             {200, "", "30", ack("AR", "7", "206"), "busy", "AR/206", 30},
             {200, "", "", ack("AA", "8"), "bad_answer", "wrong_msa_2", 0, true},
             {200, "", "", "MSH|^~\\&|no ack\r", "bad_answer", "no_msa", 0},
             {200, "x-application/hl7-v2+er7", "", "garbage", "bad_answer", "no_msh", 0},
             {301, "", "", "", "bad_answer", "HTTP 301", 0},
             {307, "", "", ack("AA", "7"), "bad_answer", "HTTP 307", 0},
             {400, "", "", "", "ae", "HTTP 400", 0},
             {422, "", "", "", "ae", "HTTP 422", 0},
             {400, "", "", ack("AR", "7", "101"), "ar", "AR/101", 0},  // HAPI: AR is 400
             {500, "", "", ack("AE", "7", "101"), "ae", "AE/101", 0},  // HAPI: AE is 500
             {500, "", "", ack("AA", "7"), "busy", "HTTP 500", 0},     // never a success
             {400, "", "", ack("AE", "8"), "ae", "HTTP 400", 0,
              true},  // of another message: only the status counts
             {401, "", "", "", "ar", "HTTP 401", 0},
             {404, "", "", "", "ar", "HTTP 404", 0},
             {408, "", "", "", "busy", "HTTP 408", 0},
             {425, "", "", "", "busy", "HTTP 425", 0},
             {429, "", "7", "", "busy", "HTTP 429", 7},
             {500, "", "", "", "busy", "HTTP 500", 0},
             {503, "", "120", ack("AR", "7", "101"), "busy", "HTTP 503", 120},
             {503, "", net::http_date(now + 60), "", "busy", "HTTP 503", 60},
             {503, "", net::http_date(now - 60), "", "busy", "HTTP 503", 0},
             {503, "", "soon", "", "busy", "HTTP 503", 0},
             {503, "", "-5", "", "busy", "HTTP 503", 0},
             {503, "", "99999999999999999999999", "", "busy", "HTTP 503", 86400},
             {599, "", "", "", "busy", "HTTP 599", 0},
             {700, "", "", "", "bad_answer", "HTTP 700", 0},
         }) {
        CAPTURE(row.status);
        CAPTURE(row.body);
        auto const out =
            destinations::read_http_answer({row.status, row.type, row.retry, row.body}, "7", now);
        CHECK(class_name(out.attempt) == row.result);
        CHECK(out.attempt.code == row.code);
        CHECK(out.attempt.retry_after == std::chrono::seconds(row.pause_s));
        CHECK(out.orphan == row.orphan);
    }
    auto const long_answer = destinations::read_http_answer({200, "", "", std::string(9000, 'x')}, "7", now);
    CHECK(long_answer.attempt.answer.size() == 4096);
}

TEST_CASE("a message is posted with the configured headers over one kept connection") {
    std::vector<std::string> requests;
    Server server({[&](Peer& peer) {
        for (auto const* id : {"1", "2", "3"}) {
            requests.push_back(peer.http());
            // 100 and 103 are not yet the answer
            peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" +
                      answer("200", ack("AA", id)));
        }
    }});
    Sending s(server.port(), "headers: { X-Source: hilum, Authorization: 'Bearer t' }\n");
    for (auto const* id : {"1", "2", "3"}) CHECK(class_name(s.deliver(message(id))) == "delivered");
    CHECK(server.connections() == 1);
    REQUIRE(requests.size() == 3);
    CHECK(requests[0] == "POST /in?key=k HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                             "\r\nUser-Agent: hilum/" HILUM_VERSION
                             "\r\nContent-Type: x-application/hl7-v2+er7\r\n"
                             "X-Source: hilum\r\nAuthorization: Bearer t\r\nContent-Length: " +
                             std::to_string(message("1").size()) + "\r\n\r\n" + message("1"));
    CHECK(s.destination->where() == "http 127.0.0.1:" + std::to_string(server.port()) + "/in");
}

TEST_CASE("a stale connection is noticed before sending; one cut after sending is told") {
    std::promise<void> closed;
    std::atomic<int> received{0};
    Server server({
        [&](Peer& peer) {
            peer.http();
            ++received;
            peer.send(answer("200", ""));
            ::shutdown(peer.fd(), SHUT_RDWR);
            closed.set_value();
        },
        [&](Peer& peer) {
            peer.http();
            ++received;
            peer.send(answer("200", ""));
            peer.http();  // the next message, unanswered
            ++received;
        },
        [&](Peer& peer) {
            peer.http();
            ++received;
            peer.reset();
        },
        [&](Peer& peer) {
            peer.http();
            ++received;
            // An answer nobody asked for, with the first: the connection is not used again.
            peer.send(answer("200", "") + answer("200", ""));
            peer.at_end(1s);
        },
        say(answer("200", "")),
    });
    Sending s(server.port());
    CHECK(class_name(s.deliver(message("1"))) == "delivered");
    closed.get_future().wait();
    CHECK(class_name(s.deliver(message("2"))) == "delivered");
    CHECK(class_name(s.deliver(message("3"))) == "cut");
    CHECK(class_name(s.deliver(message("3"))) == "cut");
    CHECK(class_name(s.deliver(message("3"))) == "delivered");
    CHECK(class_name(s.deliver(message("4"))) == "delivered");
    CHECK(server.connections() == 5);
    CHECK(received == 5);
}

TEST_CASE("garbage, truncated, endless and oversized answers, and those for another message") {
    struct Row {
        std::string answer;
        char const* result;
        char const* code;
    };
    for (auto const& row : std::vector<Row>{
             {"SSH-2.0-x\r\n\r\n", "bad_answer", "bad_http"},
             {"\x0bMSH|^~\\&|\x1c\r", "bad_answer", "bad_http"},
             {"HTTP/1.1 abc\r\n\r\n", "bad_answer", "bad_http"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", "bad_answer", "bad_http"},
             {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x'), "bad_answer", "bad_http"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", "cut", "cut"},
             {"HTTP/1.1 200 OK\r\nContent-Le", "cut", "cut"},
             {"", "cut", "cut"},
             {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "delivered", "HTTP 200"},
             {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "delivered",
              "HTTP 200"},
             {answer("200", std::string(5000, 'x')), "bad_answer", "answer_too_large"},
             {"HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'x'), "bad_answer", "answer_too_large"},
             {answer("302", "", "Location: http://127.0.0.1:1/\r\n"), "bad_answer", "HTTP 302"},
             {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "bad_answer", "bad_http"},
             {answer("200", ack("AA", "other")), "bad_answer", "wrong_msa_2"},
         }) {
        CAPTURE(row.answer.substr(0, 80));
        Server server({say(row.answer)});
        Sending s(server.port(), "max_answer: 4KiB\n");
        auto const attempt = s.deliver(message("1"));
        CHECK(class_name(attempt) == row.result);
        CHECK(attempt.code == row.code);
        CHECK(s.engine.destination.orphans == (std::string(row.code) == "wrong_msa_2" ? 1u : 0u));
    }
}

TEST_CASE("a refusal that comes before the whole message was read is still read") {
    Server server({[](Peer& peer) {
        peer.read();
        peer.send(answer("413", "too large", "Connection: close\r\n"));
        while (!peer.read(200ms).empty()) {
        }
    }});
    Sending s(server.port());
    auto const attempt = s.deliver(message("1") + std::string(3'000'000, 'x'));
    CHECK(class_name(attempt) == "ar");
    CHECK(attempt.code == "HTTP 413");
}

TEST_CASE("time limits: an answer that does not come, one that trickles, a receiver that does not read") {
    auto const sleepy = [](Peer& peer) { peer.at_end(2s); };
    auto const trickle = [](Peer& peer) {
        peer.http();
        for (char const c : answer("200", "")) {
            if (!peer.send(std::string(1, c))) return;
            std::this_thread::sleep_for(30ms);
        }
    };
    for (auto const& script : std::vector<Server::Script>{sleepy, trickle}) {
        Server server({script, say(answer("200", ""))});
        Sending s(server.port(), "answer_within: 100ms\n");
        auto const began = std::chrono::steady_clock::now();
        CHECK(class_name(s.deliver(message("1"))) == "timeout");
        CHECK(std::chrono::steady_clock::now() - began < 1s);
        CHECK(class_name(s.deliver(message("1"))) == "delivered");  // on a new connection
    }
    Server deaf({[](Peer&) { std::this_thread::sleep_for(400ms); }});
    Sending s(deaf.port(), "answer_within: 100ms\n");
    CHECK(class_name(s.deliver(message("1") + std::string(20'000'000, 'x'))) == "timeout");
}

TEST_CASE("no connection, and close() while an answer is awaited") {
    std::uint16_t free_port = 0;
    {
        Server gone({});
        free_port = gone.port();
    }
    Sending refused(free_port);
    auto const attempt = refused.deliver(message("1"));
    CHECK(class_name(attempt) == "connect");
    CHECK(attempt.code == "refused");

    Server server({[](Peer& peer) { peer.at_end(); }});
    Sending s(server.port());
    std::thread closer([&] {
        std::this_thread::sleep_for(50ms);
        net::asio::post(s.engine.runtime.context(0), [&] { s.destination->close(); });
    });
    CHECK(class_name(s.deliver(message("1"))) == "cut");
    closer.join();
}

TEST_CASE("URLs") {
    struct Row {
        char const* url;
        char const* outcome;  // host port target, or the error's code
    };
    for (auto const& row : std::vector<Row>{
             {"http://lab.example/hl7", "lab.example 80 /hl7 lab.example"},
             {"http://lab.example:8080", "lab.example 8080 / lab.example:8080"},
             {"HTTP://[::1]:8080/a%20b?x=1&y", "::1 8080 /a%20b?x=1&y [::1]:8080"},
             {"https://lab.example/", "no_tls"},
             {"http://user:secret@lab.example/", "has_credentials"},
             {"http://lab.example/#x", "bad_url"},
             {"http:///x", "bad_url"},
             {"http://lab.example:99999/", "bad_url"},
             {"ftp://lab.example/", "bad_url"},
             {"lab.example:80", "bad_url"},
             {"http://lab example/", "bad_url"},
             {"http://lab.example/a\r\nX: y", "bad_url"},
             {"", "bad_url"},
         }) {
        CAPTURE(row.url);
        auto const url = net::parse_http_url(row.url);
        CHECK((url ? url->endpoint.host + " " + std::to_string(url->endpoint.port) + " " + url->target + " " +
                         url->authority
                   : url.error().code) == row.outcome);
        if (!url) CHECK(url.error().text().find("secret") == std::string::npos);
    }
}

TEST_CASE("http destination options are checked") {
    auto const kind = destinations::http_destination();
    CHECK(findings(kind, "url: http://h/x\nheaders: { X-A: b }\n") == "");
    for (auto const* bad :
         {"content_type: x\n", "url: https://h/\n", "url: nonsense\n", "url: http://h/\nheaders: [a]\n",
          "url: http://h/\nheaders: { 'X A': b }\n", "url: http://h/\nheaders: { Host: b }\n",
          "url: http://h/\nheaders: { X: \"a\\r\\nY: b\" }\n", "url: http://h/\nheaders: { X: [a] }\n",
          "url: http://h/\nanswer_within: 0s\n", "url: http://h/\ncontent_type: \"a\\nb\"\n",
          "url: http://h/\nmax_answer: 0\n", "url: http://h/\nmethod: PUT\n"}) {
        CAPTURE(bad);
        CHECK(findings(kind, bad).find("error: ") != std::string::npos);
    }
}
