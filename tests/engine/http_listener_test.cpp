#include "engine/listeners/listener.h"
#include "engine/net/http_date.h"
#include "tests/engine/support/transport.h"

using namespace hilum;
using namespace hilum::test;

namespace {

struct Listening {
    Engine engine;
    FakeIntake intake;
    std::unique_ptr<listeners::Listener> listener;
    std::uint16_t port = 0;

    explicit Listening(std::string const& options = "") {
        auto const kind = listeners::http_listener();
        config::Diagnostics diagnostics;
        auto const c = component("http", "listen: 127.0.0.1:0\npath: /hl7\n" + options, diagnostics);
        kind.check(c, diagnostics);
        REQUIRE(diagnostics.text() == "");
        listener = kind.make(c, {engine.runtime, intake, engine.listener, engine.log});
        auto const started = listener->start();
        REQUIRE(started.has_value());
        auto const where = listener->where();
        port = static_cast<std::uint16_t>(std::stoi(where.substr(where.find(':') + 1)));
    }
    ~Listening() { engine.run(listener->stop()); }
};

std::string post(std::string const& body, std::string const& type = "x-application/hl7-v2+er7",
                 std::string const& more = "") {
    return "POST /hl7 HTTP/1.1\r\nHost: h\r\nContent-Type: " + type + "\r\n" + more +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string status(std::string const& answer) {
    return answer.substr(9, 3);
}
bool holds(std::string const& text, std::string const& part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a posted message is answered with its acknowledgment") {
    Listening l;
    struct Row {
        char const* type;
        char const* status;
        char const* answer_type;
    };
    for (auto const& row : std::vector<Row>{
             {"x-application/hl7-v2+er7", "200", "Content-Type: x-application/hl7-v2+er7\r\n"},
             {"application/hl7-v2", "200", "Content-Type: x-application/hl7-v2+er7\r\n"},
             {"application/hl7-v2+er7; charset=UTF-8", "200",
              "Content-Type: x-application/hl7-v2+er7; charset=utf-8\r\n"},
             {"Text/Plain ;charset=\"iso-8859-1\"", "200", "charset=iso-8859-1\r\n"},
             {"text/plain; charset=evil\x01", "400", "text/plain"},
             {"text/plain; charset=a b", "200", "Content-Type: x-application/hl7-v2+er7\r\n"},
             {"text/plain; charset=utf-16le", "415", "text/plain"},
             {"application/json", "415", "text/plain"},
             {"application/hl7-v2+xml", "415", "text/plain"},
             {"", "415", "text/plain"},
         }) {
        CAPTURE(row.type);
        auto client = Peer::connect(l.port);
        client.send(post(message("m1"), row.type));
        auto const answer = client.http();
        CHECK(status(answer) == row.status);
        CHECK(holds(answer, row.answer_type));
        if (status(answer) == "200") CHECK(answer.ends_with(ack("AA", "m1")));
    }
    CHECK(l.intake.seen().size() == 5);
    CHECK(l.intake.seen()[0] == message("m1"));
    CHECK(l.intake.sources()[0].starts_with("127.0.0.1:"));
}

TEST_CASE("the status follows the acknowledgment") {
    Listening l;
    struct Row {
        hl7::AckCode code;
        std::string bytes;
        bool stored;
        char const* status;
    };
    using enum hl7::AckCode;
    for (auto const& row : std::vector<Row>{
             {AA, ack("AA", "1"), true, "200"},
             {CA, ack("CA", "1"), true, "200"},
             {AR, ack("AR", "1", "101"), true, "400"},
             {CR, ack("CR", "1", "101"), true, "400"},
             {AE, ack("AE", "1", "101"), true, "500"},
             {CE, ack("CE", "1", "207"), true, "500"},
             {AR, ack("AR", "1", "207"), false, "503"},  // the store is full
             {AR, ack("AR", "1", "100"), false, "400"},
             {AR, "", true, "400"},
             {AE, "", false, "503"},
         }) {
        l.intake.answer = [&](std::string_view) { return flow::Answer{row.code, row.bytes, 1, row.stored}; };
        auto client = Peer::connect(l.port);
        client.send(post(message("1")));
        auto const answer = client.http();
        CAPTURE(row.bytes);
        CHECK(status(answer) == row.status);
        CHECK(holds(answer, "Retry-After: ") == (std::string(row.status) == "503"));
        CHECK(holds(answer, "Date: "));
        if (!row.bytes.empty()) CHECK(answer.ends_with(row.bytes));
    }
}

TEST_CASE(
    "what is no proper request is refused, without its content in the answer, and the connection closes") {
    Listening l("max_body: 1KiB\n");
    std::string const body = message("SECRET");
    std::string const big(2000, 'x');
    struct Row {
        std::string request;
        char const* status;
    };
    std::string const head = "POST /hl7 HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\n";
    for (auto const& row : std::vector<Row>{
             {"POST /other HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", "404"},
             {"GET /hl7 HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
             {"HEAD /hl7 HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
             {"DELETE /hl7 HTTP/1.1\r\nHost: h\r\n\r\n", "405"},
             {head + "\r\n", "411"},
             {head + "Content-Length: 2000\r\n\r\n" + big, "413"},
             {head + "Content-Length: 99999999999\r\n\r\n", "413"},
             {head + "Transfer-Encoding: chunked\r\n\r\n7d0\r\n" + big + "\r\n0\r\n\r\n", "413"},
             {post(body, "text/plain", "X: " + std::string(9000, 'a') + "\r\n"), "431"},
             {"POST /hl7 HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 1\r\n\r\nx", "400"},
             {post(body, "text/plain", "Host: again\r\n"), "400"},
             {head + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"},
             {head + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400"},
             {head + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", "400"},
             {head + "Transfer-Encoding: gzip\r\n\r\n", "501"},
             {head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
             {head + "Folded: a\r\n b\r\nContent-Length: 1\r\n\r\nx", "400"},
             {head + "Nul: a" + std::string(1, '\0') + "b\r\nContent-Length: 1\r\n\r\nx", "400"},
             {post(body, "text/plain", "Content-Encoding: gzip\r\n"), "415"},
             {post(body, "text/plain", "Expect: a-miracle\r\n"), "417"},
             {"nonsense\r\n\r\n", "400"},
             {"\x0bMSH|^~\\&|\x1c\r", "400"},
             {"POST /hl7 HTTP/2.0\r\n\r\n", "400"},
             {post(""), "400"},
             {post(body + body), "400"},
             {post("FHS|^~\\&|\rBHS|^~\\&|\r" + body + "BTS|1\rFTS|1\r"), "400"},
         }) {
        CAPTURE(row.request.substr(0, 120));
        auto client = Peer::connect(l.port);
        client.send(row.request);
        auto const answer = client.http();
        CHECK(status(answer) == row.status);
        CHECK_FALSE(holds(answer, "SECRET"));
        if (status(answer) == "405") CHECK(holds(answer, "Allow: POST\r\n"));
        CHECK(client.at_end());
    }
    CHECK(l.intake.seen().empty());
    CHECK(l.engine.listener.too_large == 3);
}

TEST_CASE("chunked bodies, requests in pieces, the absolute form, a query and Expect are understood") {
    Listening l;
    auto const body = message("c");
    std::string const head = "Host: h\r\nContent-Type: text/plain\r\n";
    for (auto const& request : std::vector<std::string>{
             "POST /hl7 HTTP/1.1\r\n" + head + "Transfer-Encoding: chunked\r\n\r\n5\r\n" + body.substr(0, 5) +
                 "\r\n" +
                 [&] {
                     std::ostringstream size;
                     size << std::hex << body.size() - 5;
                     return size.str();
                 }() +
                 ";x=y\r\n" + body.substr(5) + "\r\n0\r\nTrailer: t\r\n\r\n",
             "\r\nPOST http://h/hl7?x=1 HTTP/1.1\r\n" + head +
                 "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
         }) {
        auto client = Peer::connect(l.port);
        for (std::size_t at = 0; at < request.size(); at += 7) {
            client.send(std::string_view(request).substr(at, 7));
            if (at % 70 == 0) std::this_thread::sleep_for(1ms);
        }
        CHECK(client.http().ends_with(ack("AA", "c")));
    }
    auto client = Peer::connect(l.port);
    auto const request = post(body, "text/plain", "Expect: 100-continue\r\n");
    client.send(request.substr(0, request.size() - body.size()));
    CHECK(client.http() == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send(body);
    CHECK(client.http().ends_with(ack("AA", "c")));
    CHECK(l.intake.ids() == std::vector<std::string>{"c", "c", "c"});
}

TEST_CASE("a connection is kept, pipelined requests are answered in order, HTTP/1.0 closes") {
    Listening l;
    auto client = Peer::connect(l.port);
    client.send(post(message("1")));
    CHECK(holds(client.http(), "Connection: keep-alive\r\n"));
    client.send(post(message("2")) + post(message("3")) +
                post(message("4"), "text/plain", "Connection: close\r\n"));
    CHECK(client.http().ends_with(ack("AA", "2")));
    CHECK(client.http().ends_with(ack("AA", "3")));
    CHECK(client.http().ends_with(ack("AA", "4")));
    CHECK(client.at_end());
    CHECK(l.intake.ids() == std::vector<std::string>{"1", "2", "3", "4"});
    auto old = Peer::connect(l.port);
    auto const body = message("5");
    old.send("POST /hl7 HTTP/1.0\r\nContent-Type: text/plain\r\nContent-Length: " +
             std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(holds(old.http(), "Connection: close\r\n"));
    CHECK(old.at_end());
    CHECK(l.engine.listener.connections == 2);
}

TEST_CASE("slow senders get 408, idle ones are closed, others don't notice") {
    Listening l("read_time: 200ms\nidle: 200ms\n");
    auto header = Peer::connect(l.port);
    header.send("POST /hl7 HT");
    auto body = Peer::connect(l.port);
    body.send("POST /hl7 HTTP/1.1\r\nHost: h\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nMSH");
    auto idle = Peer::connect(l.port);
    auto good = Peer::connect(l.port);
    good.send(post(message("g")));
    CHECK(status(good.http()) == "200");
    CHECK(status(header.http()) == "408");
    CHECK(status(body.http()) == "408");
    CHECK(idle.read() == "");
    CHECK(header.at_end());
    CHECK(body.at_end());
    CHECK(l.engine.listener.timeouts == 2);
}

TEST_CASE("connections over the limit are refused and counted; a closed one makes room") {
    Listening l("max_connections: 2\n");
    std::vector<Peer> kept;
    for (int n = 0; n < 2; ++n) {
        kept.push_back(Peer::connect(l.port));
        kept.back().send(post(message("k")));
        REQUIRE(status(kept.back().http()) == "200");
    }
    CHECK(Peer::connect(l.port).at_end());
    CHECK(l.engine.listener.refused_connections == 1);
    kept.pop_back();
    CHECK(eventually([&] {
        auto client = Peer::connect(l.port);
        client.send(post(message("n")));
        auto const answer = client.http();
        return !answer.empty() && status(answer) == "200";
    }));
}

TEST_CASE("stop answers what is being stored and closes the rest") {
    auto l = std::make_unique<Listening>();
    std::promise<void> inside;
    std::atomic<bool> go{false};
    l->intake.answer = [&](std::string_view) {
        inside.set_value();
        while (!go) std::this_thread::sleep_for(1ms);
        return flow::Answer{hl7::AckCode::AA, ack("AA", "s"), 1, true};
    };
    // The stop runs on context 0: the message that blocks its thread in this test must be on the other one.
    auto first = Peer::connect(l->port);
    auto second = Peer::connect(l->port);
    auto idle = Peer::connect(l->port);
    second.send(post(message("s")));
    inside.get_future().wait();
    std::thread release([&] {
        std::this_thread::sleep_for(50ms);
        go = true;
    });
    auto const port = l->port;
    l.reset();
    release.join();
    CHECK(second.http().ends_with(ack("AA", "s")));
    CHECK(idle.at_end());
    CHECK(first.at_end());
    net::Descriptor probe(::socket(AF_INET, SOCK_STREAM, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(::connect(probe.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0);
}

TEST_CASE("http listener options are checked") {
    auto const kind = listeners::http_listener();
    CHECK(findings(kind, "listen: 127.0.0.1:0\n") == "");
    for (auto const* bad :
         {"path: /x\n", "listen: 127.0.0.1:0\npath: hl7\n", "listen: 127.0.0.1:0\npath: /a?b\n",
          "listen: 127.0.0.1:0\nmax_body: 10\n", "listen: 127.0.0.1:0\nmax_connections: 0\n",
          "listen: 127.0.0.1:0\nidle: 0s\n", "listen: 127.0.0.1:0\nbody: 1MiB\n"}) {
        CAPTURE(bad);
        CHECK(holds(findings(kind, bad), "error: "));
    }
    CHECK(holds(kind.schema(), "\"read_time\""));
}

TEST_CASE("enhanced mode: a response holds the application acknowledgement, the accept one, or nothing") {
    struct Row {
        char const* name;
        hl7::AckCode code;
        bool owed;
        std::string application;
        char const* status;
        std::string body;  // its end
    };
    auto const ca = ack("CA", "M1"), aa = ack("AA", "M1");
    Row const rows[] = {
        {"accept alone", hl7::AckCode::CA, true, "", "200", ca},
        {"both", hl7::AckCode::CA, true, aa, "200", aa},
        {"neither", hl7::AckCode::CA, false, "", "200", "\r\n\r\n"},
        {"neither, refused", hl7::AckCode::CE, false, "", "500", "\r\n\r\n"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        Listening l;
        l.intake.answer = [&](std::string_view) {
            auto const bytes = row.code == hl7::AckCode::CA ? ca : ack("CE", "M1");
            return flow::Answer{row.code, bytes, 1, true, row.owed, row.application};
        };
        auto peer = Peer::connect(l.port);
        peer.send(post(message("M1")));
        auto const answer = peer.http();
        CAPTURE(answer);
        CHECK(status(answer) == row.status);
        CHECK(answer.ends_with(row.body));
    }
}

TEST_CASE("HTTP dates") {
    CHECK(net::http_date(784111777) == "Sun, 06 Nov 1994 08:49:37 GMT");
    CHECK(net::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT") == 784111777);
    for (auto const* bad : {"", "120", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 CET",
                            "Sun, 06 Xyz 1994 08:49:37 GMT"}) {
        CHECK_FALSE(net::parse_http_date(bad).has_value());
    }
}
