// The world outside: real sockets, real databases, real files.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "engine/net/digest.h"
#include "engine/outside/world.h"
#include "engine/store/sqlite.h"
#include "tests/engine/support/transport.h"

using namespace hilum;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// A server that does to each connection what it is told; on a thread of its own.
class Server {
  public:
    using Socket = asio::ip::tcp::socket;
    explicit Server(std::function<void(Socket&, int)> serve)
        : acceptor_(context_, {asio::ip::make_address("127.0.0.1"), 0}),
          serve_(std::move(serve)),
          thread_([this] { run(); }) {}
    ~Server() {
        stopped_ = true;
        Socket last(context_);
        boost::system::error_code ignored;
        last.connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
    }
    std::string url(std::string const& path = "/") const {
        return "http://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + path;
    }
    int connections() const { return connections_; }

    // The head of the next request; empty when there is none.
    static std::string request(Socket& socket) {
        std::string text;
        char byte = 0;
        boost::system::error_code ec;
        while (!text.ends_with("\r\n\r\n") && socket.read_some(asio::buffer(&byte, 1), ec) == 1) text += byte;
        return ec ? "" : text;
    }
    static void say(Socket& socket, std::string const& text) {
        boost::system::error_code ignored;
        asio::write(socket, asio::buffer(text), ignored);
    }

  private:
    void run() {
        while (true) {
            Socket socket(context_);
            acceptor_.accept(socket);
            if (stopped_) return;
            serve_(socket, ++connections_);
        }
    }
    asio::io_context context_;
    asio::ip::tcp::acceptor acceptor_;
    std::function<void(Socket&, int)> serve_;
    std::atomic<bool> stopped_{false};
    std::atomic<int> connections_{0};
    std::thread thread_;
};

std::string answer(std::string const& status, std::string const& type, std::string const& body) {
    return "HTTP/1.1 " + status + "\r\nContent-Type: " + type +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

template <class Question>
std::string told(routes::Outside& outside, Question const& question) {
    auto const answer = outside.ask(question);
    if (!answer) return answer.error().code + ": " + answer.error().what;
    return !answer->found ? "nothing" : (answer->stale ? "stale " : "") + answer->json;
}

routes::HttpQuestion get(std::string url, std::chrono::milliseconds within = 2s) {
    routes::HttpQuestion question;
    question.url = std::move(url);
    question.within = within;
    question.max_answer = 1000;
    return question;
}

struct Outsider {
    hilum::test::TemporaryFolder folder;
    outside::Shared shared{folder.text()};
    outside::World world{shared};
    std::unique_ptr<routes::Outside> of(std::uint64_t number = 1, std::int64_t now_us = 0) {
        return world.of_message(number, now_us);
    }
};

}  // namespace

TEST_CASE("outside, http: what each answer means") {
    struct Row {
        std::string answer;
        std::string_view outcome;
    } const rows[] = {
        {answer("200 OK", "application/json", R"({"bed":"B7"})"), R"({"bed":"B7"})"},
        {answer("200 OK", "application/fhir+json; charset=utf-8", "{}"), "{}"},
        {answer("200 OK", "text/plain", "a \"b\""), R"("a \"b\"")"},
        {answer("200 OK", "application/json", ""), "nothing"},
        {answer("404 Not Found", "text/html", "no"), "nothing"},
        {answer("410 Gone", "text/html", "no"), "nothing"},
        {"HTTP/1.1 204 No Content\r\n\r\n", "nothing"},
        {answer("503 Busy", "text/html", "no"), "unreachable: the server answered 503"},
        {answer("429 Slow", "text/html", "no"), "unreachable: the server answered 429"},
        {answer("401 Who", "text/html", "no"), "refused: the server answered 401"},
        {answer("302 Found", "text/html", "no"),
         "refused: the server answered 302, which sends on to another address"},
        {answer("200 OK", "application/pdf", "%PDF"), "bad_answer: the answer is neither JSON nor text"},
        {"HTTP/1.1 100 Continue\r\n\r\n" + answer("200 OK", "application/json", "1"), "1"},
        {"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: "
         "chunked\r\n\r\n2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n",
         "[1]"},
        {answer("200 OK", "application/json", std::string(1001, ' ')),
         "too_large: the answer is longer than max_answer"},
        {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", "cut: the connection ended before the answer"},
        {"SSH-2.0-OpenSSH\r\n\r\n", "bad_answer: the answer is no HTTP"},
        {"HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n",
         "bad_answer: the answer is no HTTP"},
        {"", "cut: the connection ended before the answer"},
    };
    Outsider o;
    for (auto const& row : rows) {
        CAPTURE(row.answer.substr(0, 60));
        Server server([&](Server::Socket& socket, int) {
            (void)Server::request(socket);
            Server::say(socket, row.answer);
        });
        CHECK(told(*o.of(), get(server.url())) == row.outcome);
    }
    CHECK(told(*o.of(), get("http://127.0.0.1:1/")).starts_with("unreachable: there is no connection"));
    CHECK(told(*o.of(), get("https://127.0.0.1:1/")).starts_with("refused: https"));
    CHECK(told(*o.of(), get("http://127.0.0.1:1/a b")).starts_with("refused"));
    CHECK(told(*o.of(), get("http://127.0.0.1:1/a\r\nX: y")).starts_with("refused"));
}

TEST_CASE("outside, http: the time limit holds, and stopping is quick") {
    std::atomic<bool> over{false};
    Server silent([&](Server::Socket& socket, int) {
        (void)Server::request(socket);
        while (!over) std::this_thread::sleep_for(5ms);
    });
    Server slow([&](Server::Socket& socket, int) {  // a byte now and then
        (void)Server::request(socket);
        for (int i = 0; i < 400 && !over; ++i) {
            Server::say(socket, i == 0 ? "H" : " ");
            std::this_thread::sleep_for(5ms);
        }
    });
    {
        Outsider o;
        auto const began = std::chrono::steady_clock::now();
        CHECK(told(*o.of(), get(silent.url(), 100ms)).starts_with("timeout"));
        auto const dripping = told(*o.of(), get(slow.url(), 100ms));
        CHECK(!dripping.starts_with("{"));
        CHECK(std::chrono::steady_clock::now() - began < 5s);
    }
    over = true;
    over = false;
    Outsider o;
    std::thread stopper([&] {
        std::this_thread::sleep_for(50ms);
        o.world.stop();
    });
    auto const began = std::chrono::steady_clock::now();
    CHECK(told(*o.of(), get(silent.url(), 60s)) == "stopped: Hilum is stopping");
    CHECK(std::chrono::steady_clock::now() - began < 10s);
    stopper.join();
    over = true;
}

TEST_CASE("outside, http: a kept connection is used again, and made anew when the server has left it") {
    Server server([](Server::Socket& socket, int connection) {
        for (int n = 0; n < 2; ++n) {
            auto const request = Server::request(socket);
            if (request.empty()) return;
            CHECK(request.starts_with("GET /p HTTP/1.1\r\nHost: 127.0.0.1:"));
            CHECK(request.find("\r\nX-Key: k\r\n") != std::string::npos);
            Server::say(socket, answer("200 OK", "application/json", std::to_string(connection * 10 + n)));
        }
    });
    Outsider o;
    auto question = get(server.url("/p"));
    question.headers = {{"X-Key", "k"}};
    CHECK(told(*o.of(), question) == "10");
    CHECK(told(*o.of(), question) == "11");
    CHECK(told(*o.of(), question) == "20");  // the server has closed the first
    CHECK(told(*o.of(), question) == "21");
    CHECK(server.connections() == 2);
}

TEST_CASE("outside: answers are kept while they are fresh, and serve when there is no other") {
    std::atomic<int> asked{0};
    std::atomic<bool> broken{false};
    Server server([&](Server::Socket& socket, int) {
        (void)Server::request(socket);
        ++asked;
        Server::say(socket, broken ? answer("500 No", "text/plain", "")
                                   : answer("200 OK", "application/json", std::to_string(asked)));
    });
    Outsider o;
    auto question = get(server.url());
    question.keeping = {10min, 1h};
    auto const at = [&](int minutes) { return told(*o.of(1, std::int64_t{minutes} * 60'000'000), question); };
    CHECK(at(0) == "1");
    CHECK(at(10) == "1");
    CHECK(at(11) == "2");
    broken = true;
    CHECK(at(20) == "2");
    CHECK(at(30) == "stale 2");
    CHECK(at(81) == "stale 2");
    CHECK(at(82) == "unreachable: the server answered 500");
    broken = false;
    CHECK(at(83) == "6");
    CHECK(at(80).find("6") == std::string::npos);  // a clock set back: asked again
    auto other = question;
    other.headers = {{"X", "y"}};
    CHECK(told(*o.of(1, 0), other) == "8");
}

TEST_CASE("outside: what is kept is bounded") {
    outside::Cache cache(100'000);
    for (int i = 0; i < 1000; ++i) {
        cache.keep(std::to_string(i), {true, std::string(1000, 'x'), false}, i);
        CHECK(cache.bytes() <= 100'000);
    }
    CHECK(cache.find("999", 1000));
    CHECK(!cache.find("1", 1000));
    cache.keep("large", {true, std::string(200'000, 'x'), false}, 0);
    CHECK(cache.bytes() <= 100'000);
}

TEST_CASE("outside, sqlite: rows as JSON, values bound, nothing written") {
    Outsider o;
    auto const path = o.folder.text() + "/beds.sqlite";
    auto const make = [&](std::string const& bed) {
        auto db = store::sqlite::Connection::open(path, store::sqlite::Connection::Mode::write);
        REQUIRE(db.has_value());
        auto const sql =
            "CREATE TABLE beds (mrn TEXT, bed TEXT, floor INTEGER, weight REAL, plan BLOB, note TEXT);"
            "INSERT INTO beds VALUES ('4711', '" +
            bed + "', 3, 1.5, x'fffe', NULL);";
        REQUIRE(db->execute(sql.c_str()).has_value());
    };
    make("B7");
    auto const ask = [&](std::string query, std::vector<std::string> values = {},
                         std::chrono::milliseconds within = 2s) {
        routes::SqlQuestion question;
        question.database = path;
        question.query = std::move(query);
        question.values = std::move(values);
        question.within = within;
        question.max_answer = 1000;
        return told(*o.of(), question);
    };
    CHECK(ask("SELECT * FROM beds WHERE mrn = ?1", {"4711"}) ==
          R"([{"mrn":"4711","bed":"B7","floor":3,"weight":1.5,"plan":"//4="}])");
    CHECK(ask("SELECT bed FROM beds WHERE mrn = ?1", {"' OR 1=1 --"}) == "nothing");
    CHECK(ask("DELETE FROM beds") == "refused: the query is not one statement that only reads");
    CHECK(ask("SELECT 1; SELECT 2") == "refused: the query is not one statement that only reads");
    CHECK(ask("SELECT 1 AS n ;  ") == R"([{"n":1}])");
    CHECK(ask("SELECT nonsense").starts_with("refused: SQLite says"));
    CHECK(ask("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t) SELECT max(n) FROM t", {}, 50ms)
              .starts_with("timeout"));
    CHECK(ask("WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM t LIMIT 1000) SELECT n FROM t") ==
          "too_large: the answer is longer than max_answer");
    std::filesystem::remove(path);
    CHECK(ask("SELECT bed FROM beds").starts_with("unreachable"));
    make("B8");  // another file in its place
    CHECK(ask("SELECT bed FROM beds") == R"([{"bed":"B8"}])");
    CHECK(!std::filesystem::exists(o.folder.text() + "/none.sqlite"));
}

TEST_CASE("SHA-256: the examples of FIPS 180-4") {
    CHECK(net::sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK(net::sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("outside, seen: through restarts and damage") {
    hilum::test::TemporaryFolder folder;
    constexpr std::int64_t minute = 60'000'000;
    auto const seen = [&](std::uint64_t number, std::int64_t now_us, std::string_view key = "k",
                          std::string_view scope = "r") {
        outside::Shared shared(folder.text());  // as after a restart, each time
        outside::World world(shared);
        auto const when = world.of_message(number, now_us)->seen(scope, key, 10min);
        REQUIRE(when.has_value());
        return *when ? std::to_string(**when / minute) : "new";
    };
    CHECK(seen(1, 0) == "new");
    CHECK(seen(1, minute) == "new");
    CHECK(seen(2, 2 * minute) == "0");
    CHECK(seen(2, 2 * minute, "other") == "new");
    CHECK(seen(2, 2 * minute, "k", "other") == "new");
    CHECK(seen(2, 2 * minute, "k\nr", "") == "new");
    CHECK(seen(3, 10 * minute) == "0");
    CHECK(seen(3, 11 * minute) == "new");
    CHECK(seen(4, 12 * minute) == "11");
    {
        std::ofstream file(folder.text() + "/seen.sqlite", std::ios::binary | std::ios::trunc);
        file << std::string(8192, '?');
    }
    CHECK(seen(5, 12 * minute) == "new");
    CHECK(seen(6, 12 * minute) == "12");
    CHECK(std::filesystem::exists(folder.text() + "/seen.sqlite.damaged"));
    // A key may be a patient's number: it is nowhere to be read.
    CHECK(seen(7, 0, "PATIENT-4711") == "new");
    for (auto const& entry : std::filesystem::directory_iterator(folder.text())) {
        std::ifstream file(entry.path(), std::ios::binary);
        std::string const all((std::istreambuf_iterator<char>(file)), {});
        CHECK(all.find("4711") == std::string::npos);
    }
    std::filesystem::remove_all(folder.text());
    outside::Shared shared(folder.text());
    outside::World world(shared);
    CHECK(world.of_message(1, 0)->seen("r", "k", 10min).error().code == "disk");
}

TEST_CASE("outside, files: whole or not at all, and never outside their folder") {
    Outsider o;
    auto const world = o.of();
    auto const docs = o.folder.text() + "/docs";
    std::filesystem::create_directory(docs);
    CHECK(world->write({docs, "2026/a.pdf"}, "hello").has_value());
    CHECK(world->write({docs, "2026/a.pdf"}, "hello").has_value());
    CHECK(world->write({docs, "2026/a.pdf"}, "other").error().code == "exists");
    CHECK(world->read({docs, "2026/a.pdf"}, 5).value() == "hello");
    CHECK(world->read({docs, "2026/a.pdf"}, 4).error().code == "too_large");
    CHECK(world->read({docs, "2026/b.pdf"}, 5).error().code == "not_found");
    CHECK(world->read({docs, "2027/b.pdf"}, 5).error().code == "not_found");
    CHECK(!std::filesystem::exists(docs + "/2027"));
    std::filesystem::create_symlink("/etc", docs + "/etc");
    CHECK(!world->read({docs, "etc/hostname"}, 1000).has_value());
    CHECK(!world->write({docs, "etc/x"}, "x").has_value());
    std::filesystem::create_symlink("/etc/hostname", docs + "/name");
    CHECK(!world->read({docs, "name"}, 1000).has_value());
}
