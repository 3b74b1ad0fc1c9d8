// The admin port over real loopback sockets, in front of a Control that notes what it was asked.
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <mutex>
#include <set>
#include <thread>

#include "engine/ops/admin_server.h"
#include "engine/ops/api.h"
#include "engine/ops/json.h"
#include "engine/ops/openapi.h"
#include "routes/config/node.h"

using namespace hilum;
using namespace std::chrono_literals;
namespace json = ops::json;

namespace {

// Written on one thread, read on another.
template <class T>
class Guarded {
  public:
    Guarded() = default;
    explicit Guarded(T value) : value_(std::move(value)) {}
    void operator=(T value) {
        std::lock_guard const lock(mutex_);
        value_ = std::move(value);
    }
    T operator()() const {
        std::lock_guard const lock(mutex_);
        return value_;
    }

  private:
    mutable std::mutex mutex_;
    T value_;
};

class FakeReplays final : public ops::ReplayControl {
  public:
    Guarded<ops::ReplayRequest> request;

    Result<ops::ReplayView> plan(ops::ReplayRequest r) override {
        if (r.where == "!") return error("bad_expression", "where", "no expression");
        auto planned = view("previewing");
        planned.request = r;
        request = std::move(r);
        return planned;
    }
    std::vector<ops::ReplayView> jobs() const override { return {view("previewed")}; }
    Result<ops::ReplayView> job(std::uint64_t number) const override {
        if (number != 1) return error("no_such_job", "", "there is no such job");
        return view("previewed");
    }
    net::Task<Result<ops::ReplayView>> start(std::uint64_t) override { co_return view("queued"); }
    net::Task<Result<ops::ReplayView>> cancel(std::uint64_t) override { co_return view("cancelled"); }

  private:
    static ops::ReplayView view(std::string state) {
        ops::ReplayView v;
        v.job = 1;
        v.state = std::move(state);
        v.request.mode = ops::ReplayMode::reprocess;
        v.preview.clusters.push_back({"lab", "PID-5", "changed", "", 3, 7});
        return v;
    }
};

class FakeControl final : public ops::Control {
  public:
    FakeReplays jobs;
    ops::ReplayControl* replays() override { return &jobs; }
    std::atomic<bool> is_ready{true};
    Guarded<std::string> called;  // the last order
    Guarded<store::Query> query;
    Guarded<std::string> received{"MSH|^~\\&|A\rPID|1\r"};

    bool ready() const override { return is_ready; }
    ops::StatusView status() const override {
        return {.version = "1",
                .config_source = "h.yaml",
                .config_hash = "abc",
                .ready = true,
                .store_health = "good",
                .started_us = 1,
                .store = {},
                .space = {},
                .index_lag = 3};
    }
    std::vector<ops::ListenerView> listeners() const override {
        return {{"adt_in", "mllp 127.0.0.1:2575", 5, 4, 1, 2}};
    }
    ops::Live watching;
    ops::Live& live() override { return watching; }
    net::Task<std::shared_ptr<ops::Overview const>> overview() override { co_return watching.now(); }
    void show(std::uint64_t id, std::string changes = {}) {
        auto const number = std::to_string(id);
        watching.publish(std::make_shared<ops::Overview const>(
            ops::Overview{id, "{\"id\":" + number + "}", std::move(changes)}));
    }
    std::optional<ops::History> queue_history(std::string const& name) const override {
        if (name != "lab 1") return std::nullopt;
        return ops::History{60'000'000, true, {{3, 5, 2}, {4, 2, 1}}};
    }
    std::optional<ops::History> listener_history(std::string const& name) const override {
        if (name != "adt_in") return std::nullopt;
        return ops::History{60'000'000, false, {{0, 5, 0}}};
    }
    net::Task<Result<store::Store::Count>> count(store::Query) override {
        co_return store::Store::Count{10, true};
    }
    net::Task<Result<ops::HeldView>> held() override {
        ops::HeldGroup group;
        group.by_route = true;
        group.cause = group.reason = "step 2 (lookup): no entry in table wards for PV1-3.1";
        group.route = "r1";
        group.table = "wards";
        group.place = "PV1-3.1";
        group.listeners = {"adt_in"};
        group.messages = 36;
        group.samples = {9, 8};
        co_return ops::HeldView{36, false, {group}};
    }
    net::Task<Result<ops::StoryView>> steps(std::uint64_t number) override {
        if (number != 7) co_return error("no_such_message", {}, "there is no such message");
        testing::Story::Event step;
        step.is_step = true;
        step.text = "set";
        step.differences.push_back(
            {hl7::Difference::Kind::changed, "PID-5", "", "Patient Name", "DOE", "ROE"});
        testing::Story::Event condition;
        condition.holds = false;
        condition.failed = "PID-8 = 'F'";
        condition.reads.push_back({"PID-8", {"M"}});
        testing::Story::Chapter chapter;
        chapter.events = {step, condition};
        co_return ops::StoryView{true, {chapter}, {"r1"}, {{"lab"}}};
    }
    hl7::Dictionary dictionary() const override { return hl7::Dictionary::standard(); }
    net::Task<std::vector<ops::QueueView>> queues() override { co_return std::vector<ops::QueueView>{lab()}; }
    net::Task<Result<ops::QueueView>> queue(std::string d) override {
        auto q = act("look", d);
        if (q) {
            q->settled_per_second = 2.5;
            q->arrived_per_second = 1;
            q->bytes = 3000;
            q->bytes_estimated = true;
        }
        co_return q;
    }
    net::Task<Result<ops::QueueView>> pause(std::string d, store::Pause p) override {
        co_return act(p.reason.empty() ? "pause" : "pause for " + p.reason, d);
    }
    net::Task<Result<ops::QueueView>> resume(std::string d) override { co_return act("resume", d); }
    net::Task<Result<ops::QueueView>> retry(std::string d, std::uint64_t message) override {
        co_return act(message == 0 ? "retry" : "retry " + std::to_string(message), d);
    }
    net::Task<Result<ops::QueueView>> hold(std::string d, std::uint64_t message,
                                           std::string reason) override {
        co_return act("hold " + std::to_string(message) + " " + reason, d);
    }
    net::Task<Result<ops::QueueView>> skip(std::string d, std::uint64_t message,
                                           std::string reason) override {
        if (message == 99) co_return error("not_now", {}, "another message is at the head");
        co_return act("skip " + std::to_string(message) + " " + reason, d);
    }
    net::Task<Result<std::vector<store::MessageRow>>> messages(store::Query q) override {
        query = q;
        if (q.listener == "broken") co_return error("store_failed", {}, "the disk is gone");
        std::vector<store::MessageRow> rows;
        for (std::uint64_t n = 10; n > 0 && rows.size() < q.limit; --n) rows.push_back(row(n));
        co_return rows;
    }
    net::Task<Result<ops::MessageView>> message(std::uint64_t number) override {
        if (number != 7)
            co_return error("no_such_message", {}, "there is no message " + std::to_string(number));
        ops::MessageView view;
        view.row = row(7);
        view.row.deliveries = {{.destination = "lab",
                                .route = "r1",
                                .state = "delivered",
                                .ordinal = 0,
                                .attempts = 1,
                                .time_us = 2,
                                .code = "AA",
                                .text = ""},
                               {.destination = "ehr",
                                .route = "r1",
                                .state = "held",
                                .ordinal = 1,
                                .attempts = 2,
                                .time_us = 2,
                                .code = "AE",
                                .text = "no such ward"}};
        std::string const bytes = received();
        view.stored.buffer = bytes + std::string(100, ' ');  // long enough to stay in place when moved
        auto& record = view.stored.record;
        record.received = std::string_view(view.stored.buffer).substr(0, bytes.size());
        record.config_hash = "abc";
        record.verdicts = {{1, 0, ""}};
        record.bodies = {"CHANGED"};
        record.deliveries = {{1, 1, 0}, {2, 1, 1}};
        view.route_names = {"r1"};
        store::StoredResult attempt;
        attempt.record.outcome = store::DeliveryOutcome::failed;
        attempt.record.duration_us = 1500;
        attempt.code = "AE";
        attempt.answer = "MSH|\r";
        view.attempts.push_back(std::move(attempt));
        view.attempt_destinations = {"ehr"};
        co_return view;
    }
    net::Task<Result<Resent>> resend(std::uint64_t number, std::string destination, std::string by,
                                     std::string to) override {
        called = "resend " + std::to_string(number) + " [" + destination + "] " + by +
                 (to.empty() ? "" : " to " + to);
        if (number != 7) co_return error("no_such_message", {}, "there is no such message");
        co_return Resent{{"lab"}, 0};
    }
    net::Task<Result<Resent>> cancel(std::uint64_t number, std::string destination,
                                     std::string reason) override {
        called = "cancel " + std::to_string(number) + " [" + destination + "] " + reason;
        if (number != 7) co_return error("not_now", {}, "nothing of the message is held");
        co_return Resent{{"lab"}, 0};
    }
    net::Task<Result<ops::MoveView>> move(std::string from, std::string to, std::string by,
                                          bool dry_run) override {
        called = "move " + from + " to " + to + " by " + by + (dry_run ? " dry" : "");
        co_return ops::MoveView{.messages = 3, .bytes = 300, .at_least = false, .moving = !dry_run};
    }
    Guarded<bool> broken{false};
    net::Task<ops::ReloadView> reload() override {
        ops::ReloadView view;
        view.was = "abc";
        if (broken()) {
            view.diagnostics.error({std::make_shared<std::string const>("h.yaml"), 3, 5}, "unknown key",
                                   "remove it");
            view.refused = error("bad_configuration", "h.yaml", "it has errors");
        } else {
            view.hash = "def";
            view.changes = {{"routes", "r1", "changed"}, {"store", "", "added"}};
        }
        co_return view;
    }
    std::string metrics() const override { return "# TYPE x counter\nx_total 1\n"; }

  private:
    static ops::QueueView lab() {
        ops::QueueView q;
        q.destination = "lab 1";
        q.where = "mllp lab:1";
        q.state = "retrying";
        q.queued = 3;
        q.head_message = 5;
        q.last_error = "connect refused";
        return q;
    }
    Result<ops::QueueView> act(std::string what, std::string const& destination) {
        called = what + " " + destination;
        if (destination != "lab 1") return error("no_such_queue", {}, "there is no such queue");
        return lab();
    }
    static store::MessageRow row(std::uint64_t n) {
        store::MessageRow r;
        r.sequence = n;
        r.received_us = 1'700'000'000'000'000;
        r.type = "ADT^A01";
        r.patient_id = "700012344417";
        r.visit = "V1234";
        r.sender = "Z\xfcrich";  // Latin-1: must not break the JSON
        r.state = "accepted";
        return r;
    }
};

class Fixture {
  public:
    Fixture() : server_({"127.0.0.1", 0}, runtime_, control, log_) {
        REQUIRE(server_.start().has_value());
        runtime_.start();
        std::string const where = server_.where();
        port = static_cast<std::uint16_t>(std::stoi(where.substr(where.rfind(':') + 1)));
    }
    ~Fixture() {
        control.watching.stop();
        net::asio::co_spawn(runtime_.context(0), server_.stop(), net::asio::use_future).wait();
    }

    FakeControl control;
    std::uint16_t port = 0;

  private:
    net::Runtime runtime_{2};
    ops::Log log_;
    ops::AdminServer server_;
};

// A blocking client that never waits longer than a test may.
class Peer {
  public:
    explicit Peer(std::uint16_t port) {
        socket_.connect({net::asio::ip::address_v4::loopback(), port});
        timeval const limit{20, 0};
        ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    }
    bool send(std::string_view bytes) {
        boost::system::error_code ec;
        net::asio::write(socket_, net::asio::buffer(bytes), ec);
        return !ec;
    }
    // All until the server closes.
    std::string rest() {
        std::string all;
        char part[4096];
        for (;;) {
            auto const n = ::recv(socket_.native_handle(), part, sizeof part, 0);
            if (n <= 0) return all;
            all.append(part, static_cast<std::size_t>(n));
        }
    }
    // Up to and with that text.
    std::string until(std::string_view end) {
        std::string all;
        char c;
        while (!all.ends_with(end) && ::recv(socket_.native_handle(), &c, 1, 0) == 1) all += c;
        return all;
    }
    // One response with a Content-Length; `head`: without its body.
    std::string one(bool head = false) {
        std::string all;
        char c;
        std::size_t wanted = std::string::npos;
        while (all.size() < wanted && ::recv(socket_.native_handle(), &c, 1, 0) == 1) {
            all += c;
            if (wanted != std::string::npos || !all.ends_with("\r\n\r\n")) continue;
            auto const at = all.find("Content-Length: ");
            wanted = all.size() + (head || at == std::string::npos ? 0 : std::stoul(all.substr(at + 16)));
        }
        return all;
    }

  private:
    net::asio::io_context context_;
    net::tcp::socket socket_{context_};
};

struct Answer {
    int status = 0;
    std::string head, body;
    json::Value value;
    std::string code() const { return std::string(value.text("code")); }
};

Answer parse_answer(std::string const& text) {
    Answer answer;
    auto const end = text.find("\r\n\r\n");
    if (end == std::string::npos || text.size() < 12) return answer;
    answer.status = std::stoi(text.substr(9, 3));
    answer.head = text.substr(0, end);
    answer.body = text.substr(end + 4);
    if (auto value = json::parse(answer.body)) answer.value = std::move(*value);
    return answer;
}

Answer ask(std::uint16_t port, std::string const& method, std::string const& target,
           std::string const& body = {}, std::string const& headers = "Host: localhost\r\n") {
    Peer peer(port);
    std::string request = method + " " + target + " HTTP/1.1\r\n" + headers;
    if (!body.empty() || method == "POST")
        request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    if (!body.empty() && headers.find("Content-Type") == std::string::npos)
        request += "Content-Type: application/json\r\n";
    peer.send(request + "Connection: close\r\n\r\n" + body);
    return parse_answer(peer.rest());
}

}  // namespace

TEST_CASE("probes, metrics, the document") {
    Fixture f;
    CHECK(ask(f.port, "GET", "/livez").body == "alive\n");
    CHECK(ask(f.port, "GET", "/readyz").status == 200);
    f.control.is_ready = false;
    CHECK(ask(f.port, "GET", "/readyz").status == 503);
    CHECK(ask(f.port, "GET", "/livez").status == 200);
    auto const metrics = ask(f.port, "GET", "/metrics");
    CHECK(metrics.head.find("Content-Type: text/plain; version=0.0.4") != std::string::npos);
    CHECK(metrics.body.find("x_total 1") != std::string::npos);
    CHECK(ask(f.port, "GET", "/api/v1/openapi.yaml").body == ops::openapi_document());
}

TEST_CASE("a reload tells what has changed, or every finding") {
    Fixture f;
    auto const done = ask(f.port, "POST", "/api/v1/reload");
    CHECK(done.status == 200);
    CHECK(done.body ==
          R"({"hash":"def","was":"abc","changes":[{"section":"routes","name":"r1","change":"changed"},)"
          R"({"section":"store","change":"added"}],"diagnostics":[]})");
    f.control.broken = true;
    auto const refused = ask(f.port, "POST", "/api/v1/reload");
    CHECK(refused.status == 422);
    CHECK(refused.body.find(R"("code":"bad_configuration")") != std::string::npos);
    CHECK(refused.body.find(R"("diagnostics":[{"severity":"error","file":"h.yaml","line":3,"column":5,)"
                            R"("what":"unknown key","remedy":"remove it"}])") != std::string::npos);
    CHECK(ask(f.port, "GET", "/api/v1/reload").status == 405);
}

TEST_CASE("status, listeners and queues") {
    Fixture f;
    auto const status = ask(f.port, "GET", "/api/v1/status");
    CHECK(status.value["store"].text("health") == "good");
    CHECK(status.value["store"].number("index_lag") == 3);
    CHECK(status.value.text("started") == "1970-01-01T00:00:00.000001Z");
    CHECK(ask(f.port, "GET", "/api/v1/listeners").value["listeners"].items.at(0).number("received") == 5);
    CHECK(ask(f.port, "GET", "/api/v1/queues").value["queues"].items.at(0).text("last_error") ==
          "connect refused");
    auto const lab = ask(f.port, "GET", "/api/v1/queues/lab%201").value;
    CHECK(lab.number("head_message") == 5);
    CHECK(lab.number("bytes") == 3000);
    CHECK(lab["bytes_estimated"].boolean);
    CHECK(lab.number("seconds_left") == 2);  // 3 messages, 1.5 a second more than come
    CHECK(ask(f.port, "GET", "/api/v1/queues/nothing").code() == "no_such_queue");
}

TEST_CASE("orders to a queue reach the engine") {
    Fixture f;
    for (std::string const action : {"pause", "resume", "retry"}) {
        CHECK(ask(f.port, "POST", "/api/v1/queues/lab%201/" + action).value.text("destination") == "lab 1");
        CHECK(f.control.called() == action + " lab 1");
        CHECK(ask(f.port, "POST", "/api/v1/queues/x/" + action, "{}").status == 404);
    }
    CHECK(ask(f.port, "POST", "/api/v1/queues/lab%201/skip", R"({"message":5,"reason":"on paper"})").status ==
          200);
    CHECK(f.control.called() == "skip 5 on paper lab 1");
    CHECK(ask(f.port, "POST", "/api/v1/queues/lab%201/hold", R"({"message":5,"reason":"look"})").status ==
          200);
    CHECK(f.control.called() == "hold 5 look lab 1");
    CHECK(ask(f.port, "POST", "/api/v1/queues/lab%201/retry", R"({"message":5})").status == 200);
    CHECK(f.control.called() == "retry 5 lab 1");
    auto const changed = ask(f.port, "POST", "/api/v1/queues/lab%201/skip", R"({"message":99,"reason":"x"})");
    CHECK(changed.status == 409);
    CHECK(changed.code() == "not_now");
}

TEST_CASE("a search passes every parameter on") {
    Fixture f;
    auto const page = ask(
        f.port, "GET",
        "/api/v1/messages?listener=a&type=ADT%5EA01&control_id=c&sender=s&patient_id=p&visit=v&state=held&"
        "destination=d&delivery_state=queued&since=1970-01-01T00:00:01Z&until=1970-01-02&before=50&limit=4");
    CHECK(page.status == 200);
    CHECK(page.value["messages"].items.size() == 4);
    CHECK(page.value.number("next_before") == 7);
    CHECK(page.value["messages"].items.at(0).text("sender") == "Z\xef\xbf\xbdrich");
    auto const q = f.control.query();
    CHECK(q.listener == "a");
    CHECK(q.type == "ADT^A01");
    CHECK(q.control_id == "c");
    CHECK(q.sender == "s");
    CHECK(q.patient_id == "p");
    CHECK(q.visit == "v");
    CHECK(q.state == "held");
    CHECK(q.destination == "d");
    CHECK(q.delivery_state == "queued");
    CHECK(q.since_us == 1'000'000);
    CHECK(q.until_us == 86'400'000'000);
    CHECK(q.before == 50);
    CHECK(q.limit == 4);
    CHECK(ask(f.port, "GET", "/api/v1/messages").value.find("next_before") == nullptr);
    CHECK(f.control.query().limit == 100);
}

TEST_CASE("the trace of a message, and its bytes") {
    Fixture f;
    auto m = ask(f.port, "GET", "/api/v1/messages/7").value;
    CHECK(m["received"].text("encoding") == "utf-8");
    CHECK(m["received"].text("data") == f.control.received());
    CHECK(m["verdicts"].items.at(0).text("outcome") == "sent");
    CHECK(m["deliveries"].items.at(0)["as_received"].boolean);
    CHECK(m["deliveries"].items.at(1)["body"].text("data") == "CHANGED");
    CHECK(m["attempts"].items.at(0).text("destination") == "ehr");
    CHECK(m["attempts"].items.at(0).text("outcome") == "failed");
    CHECK(ask(f.port, "GET", std::string(m["deliveries"].items.at(1)["body"].text("href"))).body ==
          "CHANGED");
    CHECK(ask(f.port, "GET", "/api/v1/messages/7/deliveries/0/body").body == f.control.received());
    CHECK(ask(f.port, "GET", "/api/v1/messages/7/deliveries/2/body").code() == "no_such_delivery");

    f.control.received = "MSH|\xff" + std::string(60, 'x');
    m = ask(f.port, "GET", "/api/v1/messages/7").value;
    CHECK(m["received"].text("encoding") == "base64");
    CHECK(ask(f.port, "GET", "/api/v1/messages/7/received").body == f.control.received());

    f.control.received = std::string((1u << 20) + 1, 'x');
    m = ask(f.port, "GET", "/api/v1/messages/7").value;
    CHECK(m["received"].find("data") == nullptr);
    CHECK(m["received"].number("bytes") == f.control.received().size());
    CHECK(ask(f.port, "GET", std::string(m["received"].text("href"))).body == f.control.received());
}

TEST_CASE("masked, nothing says who the patient is") {
    Fixture f;
    auto const page =
        ask(f.port, "GET", "/api/v1/messages?limit=1&masked=true").value["messages"].items.at(0);
    CHECK(page.text("patient_id") == "****4417");
    CHECK(page.text("visit") == "****34");
    auto const trace = ask(f.port, "GET", "/api/v1/messages/7?masked=true");
    auto const& m = trace.value;
    CHECK(m.text("patient_id") == "****4417");
    CHECK(m["received"].number("bytes") == f.control.received().size());
    CHECK(m["received"].find("data") == nullptr);
    CHECK(m["deliveries"].items.at(1).text("code") == "AE");
    CHECK(m["deliveries"].items.at(1).find("text") == nullptr);
    CHECK(m["attempts"].items.at(0).find("answer") == nullptr);
    CHECK(trace.body.find("PID") == std::string::npos);
    CHECK(ask(f.port, "GET", "/api/v1/messages/7").value.text("patient_id") == "700012344417");
    CHECK(ask(f.port, "GET", "/api/v1/messages/7?masked=yes").code() == "bad_parameter");
}

TEST_CASE("a search in a body, with the count of all that match") {
    Fixture f;
    auto const page =
        ask(f.port, "POST", "/api/v1/messages/search",
            R"({"patient_id":"p","state":"held","before":50,"limit":4,"masked":true,"count":true})");
    CHECK(page.status == 200);
    CHECK(page.value["messages"].items.size() == 4);
    CHECK(page.value["messages"].items.at(0).text("patient_id") == "****4417");
    CHECK(page.value.number("next_before") == 7);
    CHECK(page.value["count"].number("messages") == 10);
    CHECK(page.value["count"]["at_least"].boolean);
    CHECK(f.control.query().patient_id == "p");
    CHECK(f.control.query().before == 50);
    CHECK(ask(f.port, "POST", "/api/v1/messages/search", "{}").value.find("count") == nullptr);
    CHECK(ask(f.port, "POST", "/api/v1/messages/search", R"({"patient":"p"})").code() == "unknown_member");
    CHECK(ask(f.port, "POST", "/api/v1/messages/search", R"({"limit":5000})").code() == "bad_parameter");
    CHECK(ask(f.port, "POST", "/api/v1/messages/search", R"({"masked":"true"})").code() == "wrong_type");
}

TEST_CASE("the overview, and its stream") {
    Fixture f;
    CHECK(ask(f.port, "GET", "/api/v1/overview").status == 503);
    CHECK(ask(f.port, "GET", "/api/v1/live").status == 503);
    f.control.show(1);
    CHECK(ask(f.port, "GET", "/api/v1/overview").body == R"({"id":1})");

    Peer peer(f.port);
    peer.send("GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(peer.one().find("Content-Type: text/event-stream") != std::string::npos);
    CHECK(peer.until("\n\n") == "event: overview\nid: 1\ndata: {\"id\":1}\n\n");
    f.control.show(2, R"({"id":2,"part":1})");
    CHECK(peer.until("\n\n") == "event: changes\nid: 2\ndata: {\"id\":2,\"part\":1}\n\n");
    f.control.show(4, R"({"id":4,"part":1})");  // the third was missed
    CHECK(peer.until("\n\n") == "event: overview\nid: 4\ndata: {\"id\":4}\n\n");
    f.control.show(5);  // such as after a reload
    CHECK(peer.until("\n\n") == "event: overview\nid: 5\ndata: {\"id\":5}\n\n");
    f.control.watching.stop();
    CHECK(peer.rest().empty());
}

TEST_CASE("more than 32 who watch are refused; who goes makes room") {
    Fixture f;
    f.control.show(1);
    std::vector<std::unique_ptr<Peer>> peers;
    for (std::size_t i = 0; i < ops::Live::streams_max; ++i) {
        peers.push_back(std::make_unique<Peer>(f.port));
        peers.back()->send("GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
        peers.back()->until("\n\n");
    }
    CHECK(ask(f.port, "GET", "/api/v1/live").code() == "too_many_clients");
    peers.clear();
    // Each is noticed when there is something to tell.
    int status = 503;
    for (std::uint64_t id = 2; id < 1000 && status != 200; ++id) {
        f.control.show(id);
        std::this_thread::sleep_for(5ms);
        Peer again(f.port);
        again.send("GET /api/v1/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        status = parse_answer(again.one()).status;
    }
    CHECK(status == 200);
}

TEST_CASE("history, causes of holding, the story of a message, the dictionary") {
    Fixture f;
    auto const lab = ask(f.port, "GET", "/api/v1/queues/lab%201/history").value;
    CHECK(lab.number("step_seconds") == 60);
    CHECK(lab.text("first") == "1970-01-01T00:01:00.000000Z");
    CHECK(lab["waiting"].items.at(1).natural == 4);
    CHECK(lab["in"].items.at(0).natural == 5);
    CHECK(lab["out"].items.size() == 2);
    CHECK(ask(f.port, "GET", "/api/v1/queues/x/history").code() == "no_such_queue");
    auto const adt = ask(f.port, "GET", "/api/v1/listeners/adt_in/history").value;
    CHECK(adt["in"].items.size() == 1);
    CHECK(adt["out"].items.empty());
    CHECK(ask(f.port, "GET", "/api/v1/listeners/x/history").code() == "no_such_listener");

    auto const group = ask(f.port, "GET", "/api/v1/held").value["groups"].items.at(0);
    CHECK(group.text("kind") == "route");
    CHECK(group.text("place") == "PV1-3.1");
    CHECK(group.number("count") == 36);
    CHECK(group["samples"].items.at(0).natural == 9);
    CHECK(group["release"].text("mode") == "held");
    CHECK(group["release"].text("cause") == group.text("cause"));

    auto story = ask(f.port, "GET", "/api/v1/messages/7/steps").value["routes"].items.at(0);
    CHECK(story["destinations"].items.at(0).string == "lab");
    auto difference = story["events"].items.at(0)["differences"].items.at(0);
    CHECK(difference.text("path") == "PID-5");
    CHECK(difference.find("before") == nullptr);
    CHECK(story["events"].items.at(1).text("failed") == "PID-8 = 'F'");
    CHECK(story["events"].items.at(1).find("values") == nullptr);
    story = ask(f.port, "GET", "/api/v1/messages/7/steps?values=true").value["routes"].items.at(0);
    CHECK(story["events"].items.at(0)["differences"].items.at(0).text("after") == "ROE");
    CHECK(story["events"].items.at(1)["values"]["PID-8"].items.at(0).string == "M");
    CHECK(ask(f.port, "GET", "/api/v1/messages/8/steps").status == 404);

    auto const names =
        ask(f.port, "GET", "/api/v1/dictionary/2.5.1?segments=PID,ZZZ").value["segments"].items;
    REQUIRE(names.size() == 1);
    CHECK(names[0].text("title") == "Patient Identification");
    CHECK(names[0]["fields"].items.at(4).text("name") == "Patient Name");
    CHECK(names[0]["fields"].items.at(4)["components"].items.at(1).string == "Given Name");
    CHECK(names[0]["fields"].items.at(0)["components"].items.empty());
    CHECK(ask(f.port, "GET", "/api/v1/dictionary/2.9?segments=PID").code() == "bad_parameter");
    CHECK(ask(f.port, "GET", "/api/v1/dictionary/2.5.1").code() == "bad_parameter");
}

TEST_CASE("resend") {
    Fixture f;
    CHECK(ask(f.port, "POST", "/api/v1/messages/7/resend").value["destinations"].items.at(0).string == "lab");
    CHECK(f.control.called() == "resend 7 [] api");
    ask(f.port, "POST", "/api/v1/messages/7/resend", R"({"destination":"lab","by":"mia"})");
    CHECK(f.control.called() == "resend 7 [lab] mia");
    ask(f.port, "POST", "/api/v1/messages/7/resend", R"({"destination":"lab","to":"lab2"})");
    CHECK(f.control.called() == "resend 7 [lab] api to lab2");
    CHECK(ask(f.port, "POST", "/api/v1/messages/7/resend", R"({"by":"replayed by job 3, asked by me"})")
              .code() == "bad_by");
    CHECK(ask(f.port, "POST", "/api/v1/messages/8/resend").status == 404);
}

TEST_CASE("what is refused, and with which code") {
    Fixture f;
    struct Row {
        char const* name;
        std::string method, target, body, headers;
        int status;
        char const* code;
    };
    std::string const host = "Host: localhost\r\n", skip = "/api/v1/queues/lab%201/skip";
    Row const rows[] = {
        {"no such path", "GET", "/api/v1/nothing", "", host, 404, "no_such_resource"},
        {"trailing slash", "GET", "/api/v1/queues/", "", host, 404, "no_such_resource"},
        {"wrong method", "DELETE", "/api/v1/queues", "", host, 405, "method_not_allowed"},
        {"unknown method", "FROB", "/api/v1/queues", "", host, 405, "method_not_allowed"},
        {"GET of an order", "GET", "/api/v1/queues/x/pause", "", host, 405, "method_not_allowed"},
        {"message that is no number", "GET", "/api/v1/messages/abc", "", host, 404, "no_such_message"},
        {"message over 2^64", "GET", "/api/v1/messages/99999999999999999999", "", host, 404,
         "no_such_message"},
        {"no such message", "GET", "/api/v1/messages/8", "", host, 404, "no_such_message"},
        {"unknown parameter", "GET", "/api/v1/messages?lisener=a", "", host, 400, "unknown_parameter"},
        {"parameter twice", "GET", "/api/v1/messages?type=a&type=b", "", host, 400, "repeated_parameter"},
        {"parameter where none is", "GET", "/api/v1/queues?x=1", "", host, 400, "unknown_parameter"},
        {"half a percent", "GET", "/api/v1/messages?type=%4", "", host, 400, "bad_encoding"},
        {"no hex", "GET", "/api/v1/queues/%zz", "", host, 400, "bad_encoding"},
        {"bad time", "GET", "/api/v1/messages?since=yesterday", "", host, 400, "bad_parameter"},
        {"bad state", "GET", "/api/v1/messages?state=deliverd", "", host, 400, "bad_parameter"},
        {"limit 0", "GET", "/api/v1/messages?limit=0", "", host, 400, "bad_parameter"},
        {"limit 1001", "GET", "/api/v1/messages?limit=1001", "", host, 400, "bad_parameter"},
        {"limit -1", "GET", "/api/v1/messages?limit=-1", "", host, 400, "bad_parameter"},
        {"store failed", "GET", "/api/v1/messages?listener=broken", "", host, 503, "store_failed"},
        {"target too long", "GET", "/" + std::string(5000, 'a'), "", host, 414, "target_too_long"},
        {"body is no JSON", "POST", skip, "{", host, 400, "not_json"},
        {"body is a list", "POST", skip, "[]", host, 400, "bad_body"},
        {"no body", "POST", skip, "", host, 400, "missing_member"},
        {"no reason", "POST", skip, R"({"message":5})", host, 400, "missing_member"},
        {"blank reason", "POST", skip, R"({"message":5,"reason":" "})", host, 400, "bad_reason"},
        {"message as text", "POST", skip, R"({"message":"5","reason":"x"})", host, 400, "wrong_type"},
        {"negative message", "POST", skip, R"({"message":-5,"reason":"x"})", host, 400, "wrong_type"},
        {"unknown member", "POST", skip, R"({"message":5,"reason":"x","raeson":"y"})", host, 400,
         "unknown_member"},
        {"member twice", "POST", skip, R"({"message":5,"message":6,"reason":"x"})", host, 400,
         "duplicate_key"},
        {"pause takes no members", "POST", "/api/v1/queues/x/pause", R"({"a":1})", host, 400,
         "unknown_member"},
        {"a form", "POST", skip, "message=5", host + "Content-Type: application/x-www-form-urlencoded\r\n",
         415, "not_json_type"},
        {"text", "POST", skip, "{}", host + "Content-Type: text/plain\r\n", 415, "not_json_type"},
        {"foreign host", "GET", "/api/v1/queues", "", "Host: evil.example\r\n", 403, "foreign_host"},
        {"name that begins with an address", "GET", "/livez", "", "Host: 127.0.0.1.evil.example\r\n", 403,
         "foreign_host"},
        {"no host", "GET", "/api/v1/queues", "", "", 403, "foreign_host"},
        {"two hosts", "GET", "/livez", "", host + "Host: evil.example\r\n", 403, "foreign_host"},
        {"foreign origin", "POST", "/api/v1/queues/x/pause", "", host + "Origin: https://evil.example\r\n",
         403, "foreign_origin"},
        {"origin of a file", "POST", "/api/v1/queues/x/pause", "", host + "Origin: null\r\n", 403,
         "foreign_origin"},
        {"origin of another port", "GET", "/livez", "", host + "Origin: http://localhost:3000\r\n", 403,
         "foreign_origin"},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const answer = ask(f.port, row.method, row.target, row.body, row.headers);
        CHECK(answer.status == row.status);
        CHECK(answer.code() == row.code);
        CHECK(answer.value.number("status") == static_cast<std::uint64_t>(row.status));
        CHECK(!answer.value.text("detail").empty());
        CHECK(answer.head.find("Content-Type: application/problem+json") != std::string::npos);
    }
    CHECK(ask(f.port, "PUT", "/api/v1/queues").head.find("Allow: GET, HEAD") != std::string::npos);
    CHECK(f.control.called().empty());
}

TEST_CASE("loopback names and the own origin are let in") {
    Fixture f;
    for (std::string const host :
         {"localhost", "LOCALHOST:8080", "127.0.0.1:8080", "127.1.2.3", "[::1]", "[::1]:8080"}) {
        CAPTURE(host);
        CHECK(ask(f.port, "GET", "/livez", "", "Host: " + host + "\r\n").status == 200);
        CHECK(ask(f.port, "GET", "/livez", "", "Host: " + host + "\r\nOrigin: http://" + host + "\r\n")
                  .status == 200);
    }
}

TEST_CASE("bytes that are no request, or too many") {
    Fixture f;
    struct Row {
        char const* name;
        std::string bytes;
        int status;
    };
    std::string const start = "POST /api/v1/queues/x/pause HTTP/1.1\r\nHost: localhost\r\n";
    Row const rows[] = {
        {"garbage", "\x0bMSH|^~\\&|\r\x1c\r\n\r\n", 400},
        {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 \r\n\r\n", 17), 400},
        {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        {"bad length", start + "Content-Length: -1\r\n\r\n", 400},
        {"length said", start + "Content-Length: 65537\r\n\r\n", 413},
        {"length beyond all", start + "Content-Length: 99999999999999999999\r\n\r\n", 400},
        {"many headers", start + "X: " + std::string(9000, 'a') + "\r\n\r\n", 431},
        {"an endless header", start + "X: " + std::string(200'000, 'a'), 431},
        {"chunked beyond the limit",
         start + "Transfer-Encoding: chunked\r\n\r\n20000\r\n" + std::string(0x20000, 'a') + "\r\n0\r\n\r\n",
         413},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        Peer peer(f.port);
        peer.send(row.bytes);
        CHECK(parse_answer(peer.rest()).status == row.status);
    }
    Peer quiet(f.port);  // opens and closes without a word
    CHECK(ask(f.port, "GET", "/livez").status == 200);
}

TEST_CASE("requests one after the other on a connection") {
    Fixture f;
    Peer peer(f.port);
    std::string const get = "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (int i = 0; i < 3; ++i) {
        peer.send(get);
        CHECK(parse_answer(peer.one()).body == "alive\n");
    }
    peer.send(get + get);  // pipelined
    CHECK(parse_answer(peer.one()).status == 200);
    CHECK(parse_answer(peer.one()).status == 200);
    for (char const c : get) peer.send({&c, 1});  // byte by byte
    CHECK(parse_answer(peer.one()).status == 200);
    peer.send("HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
    auto const head = parse_answer(peer.one(true));
    CHECK(head.status == 200);
    CHECK(head.head.find("Content-Length: 6") != std::string::npos);
    peer.send(
        "POST /api/v1/queues/lab%201/pause HTTP/1.1\r\nHost: localhost\r\nContent-Type: "
        "application/json\r\nContent-Length: "
        "2\r\nExpect: 100-continue\r\n\r\n");
    CHECK(parse_answer(peer.one(true)).status == 100);
    peer.send("{}");
    CHECK(parse_answer(peer.one()).status == 200);
    peer.send("GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n");  // 1.0 closes
    CHECK(parse_answer(peer.rest()).status == 200);
}

TEST_CASE("slow and silent clients hold nobody up, and get 408") {
    Fixture f;
    Peer slow(f.port);
    slow.send("GET /livez HTTP/1.1\r\nHost:");
    std::vector<std::unique_ptr<Peer>> idle;
    for (int i = 0; i < 62; ++i) idle.push_back(std::make_unique<Peer>(f.port));
    CHECK(ask(f.port, "GET", "/livez").status == 200);  // the 64th
    CHECK(parse_answer(slow.rest()).status == 408);
}

TEST_CASE("connections over the limit are closed at once") {
    Fixture f;
    std::vector<std::unique_ptr<Peer>> open;
    for (int i = 0; i < 64; ++i) {
        open.push_back(std::make_unique<Peer>(f.port));
        open.back()->send("GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n");
        REQUIRE(parse_answer(open.back()->one()).status == 200);
    }
    Peer over(f.port);
    CHECK(over.rest().empty());
    open.clear();
    int status = 0;
    for (int i = 0; i < 100 && status != 200; ++i) {
        std::this_thread::sleep_for(10ms);
        status = ask(f.port, "GET", "/livez").status;
    }
    CHECK(status == 200);
}

TEST_CASE("cancel and move") {
    Fixture f;
    CHECK(ask(f.port, "POST", "/api/v1/messages/7/cancel", R"({"reason":"merged"})").status == 200);
    CHECK(f.control.called() == "cancel 7 [] merged");
    ask(f.port, "POST", "/api/v1/messages/7/cancel", R"({"destination":"lab","reason":"merged"})");
    CHECK(f.control.called() == "cancel 7 [lab] merged");
    CHECK(ask(f.port, "POST", "/api/v1/messages/7/cancel", R"({"reason":" "})").code() == "bad_reason");
    CHECK(ask(f.port, "POST", "/api/v1/messages/7/cancel", "{}").code() == "missing_member");
    CHECK(ask(f.port, "POST", "/api/v1/messages/8/cancel", R"({"reason":"merged"})").status == 409);
    CHECK(ask(f.port, "POST", "/api/v1/messages/x/cancel", R"({"reason":"merged"})").status == 404);
    auto const moved = ask(f.port, "POST", "/api/v1/queues/old%20lab/move", R"({"to":"lab","dry_run":true})");
    CHECK(f.control.called() == "move old lab to lab by api dry");
    CHECK(moved.value.number("messages") == 3);
    CHECK(ask(f.port, "POST", "/api/v1/queues/lab/move", R"({"to":"lab","dry_run":1})").code() ==
          "wrong_type");
    CHECK(ask(f.port, "POST", "/api/v1/queues/lab/move").code() == "missing_member");
}

TEST_CASE("a replay's request is read, and its jobs are shown") {
    Fixture f;
    auto const plan = [&](std::string const& body) { return ask(f.port, "POST", "/api/v1/replays", body); };
    auto const asked = plan(
        R"({"mode":"reprocess","from":"2026-11-22","to":"2026-11-23T00:00:00Z","route":"r1","rate":50,"by":"mia"})");
    CHECK(asked.status == 200);
    CHECK(asked.value.number("job") == 1);
    auto const request = f.control.jobs.request();
    CHECK(request.mode == ops::ReplayMode::reprocess);
    CHECK(request.to_us - request.from_us == 24 * 3600 * std::int64_t{1'000'000});
    CHECK(request.route == "r1");
    CHECK(request.rate == 50);
    CHECK(request.by == "mia");
    CHECK(plan(R"({"from":"2026-11-22"})").value.text("mode") == "as-sent");
    CHECK(f.control.jobs.request().rate == ops::ReplayRequest::usual_rate);
    CHECK(plan(R"({"mode":"held"})").status == 200);
    CHECK(plan("{}").code() == "missing_member");
    CHECK(plan(R"({"mode":"twice","from":"2026-11-22"})").code() == "bad_parameter");
    CHECK(plan(R"({"from":"yesterday"})").code() == "bad_parameter");
    CHECK(plan(R"({"from":"2026-11-22","rate":0})").code() == "bad_parameter");
    CHECK(plan(R"({"from":"2026-11-22","were":"x"})").code() == "unknown_member");
    CHECK(plan(R"({"from":"2026-11-22","where":"!"})").status == 400);
    auto const all = ask(f.port, "GET", "/api/v1/replays").value["replays"].items;
    REQUIRE(all.size() == 1);
    CHECK(all[0]["preview"]["clusters"].items.at(0).text("path") == "PID-5");
    CHECK(ask(f.port, "GET", "/api/v1/replays/1").value.text("state") == "previewed");
    CHECK(ask(f.port, "GET", "/api/v1/replays/2").status == 404);
    CHECK(ask(f.port, "GET", "/api/v1/replays/x").status == 404);
    CHECK(ask(f.port, "POST", "/api/v1/replays/1/start").value.text("state") == "queued");
    CHECK(ask(f.port, "POST", "/api/v1/replays/1/cancel").value.text("state") == "cancelled");
}

TEST_CASE("stop ends open connections") {
    auto f = std::make_unique<Fixture>();
    Peer idle(f->port), halfway(f->port);
    halfway.send("GET /livez HT");
    auto const began = std::chrono::steady_clock::now();
    f.reset();
    CHECK(std::chrono::steady_clock::now() - began < 3s);
    CHECK(idle.rest().empty());
}

TEST_CASE("only loopback") {
    net::Runtime runtime(1);
    FakeControl control;
    ops::Log log;
    for (char const* const host : {"0.0.0.0", "::", "192.0.2.1"}) {
        ops::AdminServer server({host, 0}, runtime, control, log);
        auto const started = server.start();
        REQUIRE(!started);
        CHECK(started.error().code == "admin_not_loopback");
    }
    CHECK(ops::AdminServer::check({"admin.example", 8080}).error().code == "bad_address");
    CHECK(ops::AdminServer::check({"::1", 8080}).has_value());
}

TEST_CASE("the document and the routing table name the same routes and parameters") {
    config::Diagnostics diagnostics;
    auto const document =
        config::read_yaml(ops::openapi_document(), "openapi.yaml", config::SystemEnvironment{}, diagnostics);
    REQUIRE(!diagnostics.failed());
    std::set<std::string> documented, served;
    auto const* paths = document.find("paths");
    REQUIRE(paths);
    for (auto const& path : paths->entries) {
        for (auto const& operation : path.value.entries) {
            if (operation.key == "parameters") continue;
            std::string const route = (operation.key == "get" ? "GET " : "POST ") + path.key;
            documented.insert(route);
            auto const* parameters = operation.value.find("parameters");
            if (!parameters) continue;
            for (auto const& p : parameters->items) {
                if (p.find("in") && p.find("in")->scalar == "query")
                    documented.insert(route + "?" + p.find("name")->scalar);
            }
        }
    }
    for (auto const& route : ops::api_routes()) {
        std::string const name = std::string(route.method) + " " + std::string(route.pattern);
        served.insert(name);
        for (auto const parameter : route.query) served.insert(name + "?" + std::string(parameter));
    }
    CHECK(documented == served);
}
