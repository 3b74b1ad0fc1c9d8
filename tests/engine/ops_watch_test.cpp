// What is made of the engine's readings: rates, states, changes, history, and the overview with what is new
// in it.
#include <doctest/doctest.h>

#include <cstdlib>
#include <map>

#include "engine/ops/json.h"
#include "engine/ops/plain_words.h"
#include "engine/ops/watch.h"
#include "engine/ops/zone.h"

using namespace hilum;
using namespace std::chrono_literals;
namespace json = ops::json;
using ops::Mood;

namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::int64_t begin_us = 1'800'000'000 * second_us;

// An engine with a listener, a route and a destination, and a clock that is moved by hand.
class Engine {
  public:
    ops::Metrics metrics;
    ops::Changes changes;
    ops::Watch watch{changes};
    std::int64_t seconds = 0;
    ops::QueueView lab;
    std::string config = "abc";
    store::Space space;

    Engine() {
        lab.destination = "lab";
        lab.where = "mllp lab:2575";
        lab.state = "idle";
    }
    std::int64_t now_us() const { return begin_us + seconds * second_us; }

    ops::Readings readings() {
        using enum ops::EdgeKind;
        auto const& seen = metrics.edge(listener_route, "adt_in", "adt-to-lab");
        ops::Readings r;
        r.now_us = now_us();
        r.steady = std::chrono::seconds(1000 + seconds);
        r.status.config_hash = config;
        r.status.started_us = begin_us;
        r.status.space = space;
        r.listeners = {{"adt_in", "mllp", "mllp 0.0.0.0:2575", &metrics.listener("adt_in")}};
        r.routes = {{"adt-to-lab", &metrics.route("adt-to-lab"), {&seen}}};
        r.queues = {{lab, "mllp", &metrics.destination("lab")}};
        r.edges = {{listener_route, "adt_in", "adt-to-lab", &seen}};
        return r;
    }
    // One look after another, a second apart; before each of them `happens`.
    json::Value look(int looks = 1, std::function<void()> happens = {}) {
        for (int i = 0; i < looks; ++i) {
            ++seconds;
            if (happens) happens();
            last_ = watch.look(readings());
        }
        return json::parse(last_->whole).value();
    }
    std::string news() const { return last_->changes; }

  private:
    std::shared_ptr<ops::Overview const> last_;
};

json::Value const& first(json::Value const& overview, std::string_view list) {
    return overview[list].items.at(0);
}

}  // namespace

TEST_CASE("rates are of the last minute") {
    ops::Lookback back(3s, 60s);
    ops::Rate rate;
    std::uint64_t count = 500;  // from before it was looked at
    double now = 0;
    auto go_on = [&, time = 0s](int seconds, std::uint64_t a_second) mutable {
        for (int i = 0; i < seconds; ++i) {
            count += a_second;
            back.look(time += 1s);
            now = rate.look(back, count);
        }
    };
    go_on(1, 10);
    CHECK(now == 0);
    go_on(10, 10);
    CHECK(now == doctest::Approx(10));
    go_on(200, 30);
    CHECK(now == doctest::Approx(30));
    go_on(30, 0);
    CHECK(now > 10);
    CHECK(now < 20);
    go_on(60, 0);
    CHECK(now == 0);
}

TEST_CASE("percentiles within a bucket, of what came since") {
    ops::Lookback back(15s, 300s);
    ops::Histogram histogram;
    ops::Percentiles percentiles;
    histogram.observe(90'000'000);  // long ago
    back.look(1s);
    percentiles.look(back, histogram);
    CHECK(percentiles.ms(0.5) == 0);
    for (int i = 0; i < 98; ++i) histogram.observe(2'000);
    histogram.observe(200'000);
    histogram.observe(200'000);
    back.look(20s);
    percentiles.look(back, histogram);
    CHECK(percentiles.ms(0.5) > 1);
    CHECK(percentiles.ms(0.5) < 2.5);
    CHECK(percentiles.ms(0.99) > 100);
    CHECK(percentiles.ms(0.99) < 250);
}

TEST_CASE("the state of a queue") {
    auto const now = begin_us + 10'000 * second_us;
    auto const queue = [&](std::string state, std::uint64_t queued, int oldest_s, int delivered_s,
                           std::string error = {}, std::uint64_t stopped = 0) {
        ops::QueueView q;
        q.state = std::move(state);
        q.queued = queued;
        q.oldest_us = queued == 0 ? 0 : now - oldest_s * second_us;
        q.last_delivered_us = delivered_s < 0 ? 0 : now - delivered_s * second_us;
        q.last_error = std::move(error);
        q.stopped = stopped;
        return q;
    };
    struct Row {
        char const* name;
        ops::QueueView view;
        bool moves;
        Mood mood;
        int since_s;  // ago; -1: not of the queue
    };
    Row const rows[] = {
        {"nothing waits, nothing went", queue("idle", 0, 0, 500), false, Mood::idle, -1},
        {"nothing waits, some went", queue("idle", 0, 0, 5), true, Mood::flowing, -1},
        {"something has just come", queue("running", 3, 1, 5), true, Mood::flowing, -1},
        {"late, but they go", queue("running", 300, 120, 1), true, Mood::behind, 1},
        {"late, and none goes", queue("running", 300, 120, 90), false, Mood::stuck, 90},
        {"fails since a moment", queue("retrying", 3, 5, 8, "connect refused"), true, Mood::flowing, -1},
        {"fails for longer", queue("retrying", 3, 40, 20, "connect refused"), true, Mood::stuck, 20},
        {"fails, never delivered", queue("retrying", 3, 40, -1, "connect refused"), false, Mood::stuck, 40},
        {"some values wait for a person", queue("running", 3, 5, 1, "ae AE", 1), true, Mood::stuck, 1},
        {"the store takes nothing", queue("stopped", 3, 5, 1), true, Mood::stuck, 1},
        {"by a person", queue("paused", 3, 5000, 5000), false, Mood::paused, -1},
        {"outside its hours", queue("closed", 3, 5000, 5000), false, Mood::paused, -1},
        {"its destination is gone", queue("removed", 3, 5, -1), false, Mood::stuck, 5},
        {"gone, and empty", queue("removed", 0, 0, -1), false, Mood::idle, -1},
    };
    for (auto const& row : rows) {
        CAPTURE(row.name);
        auto const judged = ops::judge(row.view, row.moves, begin_us, now);
        CHECK(ops::name(judged.mood) == ops::name(row.mood));
        CHECK(judged.since_us == (row.since_s < 0 ? 0 : now - row.since_s * second_us));
    }
    SUBCASE("a backlog from before the start is not stuck at once") {
        auto const old = queue("running", 300, 9000, -1);
        CHECK(ops::judge(old, false, now - 5 * second_us, now).mood == Mood::behind);
        CHECK(ops::judge(old, false, now - 90 * second_us, now).mood == Mood::stuck);
    }
    SUBCASE("what waits for its batch to be full is not late") {
        auto gathering = queue("running", 3, 120, 300);
        gathering.next_attempt_us = now + 60 * second_us;
        CHECK(ops::judge(gathering, false, begin_us, now).mood == Mood::flowing);
    }
}

TEST_CASE("errors in plain words") {
    std::map<std::string, std::string> const rows{
        {"connect refused", "lab:2575 refuses connections: nothing listens there"},
        {"connect 113", "no connection to lab:2575 (113)"},
        {"timeout", "lab:2575 took the message and did not answer in time: it may have arrived"},
        {"busy AE/207", "lab:2575 says: not now (AE/207)"},
        {"cut", "lab:2575 ended the connection before it answered"},
        {"local disk_full", "our own disk is full"},
        {"something new", "something new"},
        {"", ""}};
    for (auto const& [error, words] : rows) CHECK(ops::in_plain_words(error, "mllp lab:2575") == words);
    CHECK(ops::in_plain_words("cut", "") == "the receiver ended the connection before it answered");
    CHECK(ops::duration_words(59 * second_us) == "59 s");
    CHECK(ops::duration_words(2468 * second_us) == "41 min");
    CHECK(ops::duration_words(7500 * second_us) == "2 h 5 min");
    CHECK(ops::duration_words(300'000 * second_us) == "3 days");
}

TEST_CASE("the overview has rates, totals and times") {
    Engine engine;
    auto& m = engine.metrics;
    auto& edge = m.edge(ops::EdgeKind::listener_route, "adt_in", "adt-to-lab");
    engine.lab.queued = 7;
    engine.lab.held = 2;
    engine.lab.state = "running";
    engine.lab.oldest_us = begin_us;
    auto const o = engine.look(20, [&] {
        m.listener("adt_in").received += 5;
        edge += 4;
        m.destination("lab").arrived += 4;
        m.destination("lab").left += 3;
        m.destination("lab").delivery_seconds.observe(2'000);
    });
    auto const rate = [](json::Value const& of, std::string_view name) {
        return of[name].kind == json::Value::Kind::real ? of[name].real
                                                        : static_cast<double>(of[name].natural);
    };
    CHECK(o.number("id") == 20);
    CHECK(rate(o["totals"], "in_per_second") == doctest::Approx(5));
    CHECK(rate(o["totals"], "out_per_second") == doctest::Approx(3));
    CHECK(o["totals"].number("waiting") == 7);
    CHECK(o["totals"].number("held") == 2);
    CHECK(o["totals"].text("oldest") == first(o, "destinations").text("oldest"));
    CHECK(first(o, "listeners").text("state") == "flowing");
    CHECK(first(o, "listeners").text("last_in") == o.text("time"));
    CHECK(rate(first(o, "routes"), "in_per_second") == doctest::Approx(4));
    CHECK(rate(first(o, "edges"), "per_second") == doctest::Approx(4));
    CHECK(rate(first(o, "destinations"), "p50_ms") > 1);
    CHECK(first(o, "destinations").text("state") == "flowing");
    CHECK(o["engine"].text("config_hash") == "abc");
    CHECK(engine.look(70)["listeners"].items.at(0).text("state") == "idle");
}

TEST_CASE("news is what is not as it was told last") {
    Engine engine;
    auto& m = engine.metrics;
    engine.look();
    CHECK(engine.news().empty());  // the first look has to be told whole
    engine.look();
    auto const quiet = json::parse(engine.news()).value();
    CHECK(quiet.number("id") == 2);
    CHECK(quiet.find("listeners") == nullptr);
    CHECK(quiet.find("destinations") == nullptr);
    CHECK(quiet.find("engine") == nullptr);
    CHECK(quiet.find("totals") != nullptr);
    engine.look(1, [&] { m.listener("adt_in").received += 5; });
    auto const news = json::parse(engine.news()).value();
    CHECK(news["listeners"].items.size() == 1);
    CHECK(news.find("routes") == nullptr);
    engine.config = "def";
    engine.look();
    CHECK(engine.news().empty());
}

TEST_CASE("a queue that gets stuck, and goes on, is told once each") {
    Engine engine;
    engine.look();
    engine.lab.state = "retrying";
    engine.lab.queued = 3;
    engine.lab.last_error = "connect refused";
    engine.lab.oldest_us = engine.now_us();
    auto o = engine.look(14);
    CHECK(first(o, "destinations").text("state") == "flowing");
    CHECK(o["changes"].items.empty());
    o = engine.look(10);
    CHECK(first(o, "destinations").text("state") == "stuck");
    CHECK(first(o, "destinations").text("since") == first(o, "destinations").text("oldest"));
    CHECK(first(o, "destinations").text("last_error_text") ==
          "lab:2575 refuses connections: nothing listens there");
    REQUIRE(o["changes"].items.size() == 1);
    CHECK(first(o, "changes").text("kind") == "state");
    CHECK(first(o, "changes").text("name") == "lab");
    CHECK(first(o, "changes").text("text") == "lab:2575 refuses connections: nothing listens there");
    engine.lab.state = "idle";
    engine.lab.queued = 0;
    engine.lab.last_error.clear();
    o = engine.look(3);
    REQUIRE(o["changes"].items.size() == 2);
    CHECK(first(o, "changes").text("state") == "idle");
    CHECK(first(o, "changes").text("text") == "idle after 25 s");
    engine.look();
    CHECK(json::parse(engine.news()).value()["changes"].items.empty());
}

TEST_CASE("a listener whose connections wait for room is stuck") {
    Engine engine;
    engine.look();
    engine.metrics.listener("adt_in").waiting_connections = 2;
    auto const o = engine.look();
    CHECK(first(o, "listeners").text("state") == "stuck");
    CHECK(first(o, "changes").text("name") == "adt_in");
}

TEST_CASE("a day's history, minute by minute") {
    Engine engine;
    auto& m = engine.metrics.destination("lab");
    CHECK(!engine.watch.queue_history("lab", 0));
    engine.look();
    CHECK(engine.watch.queue_history("lab", engine.now_us())->steps.empty());
    CHECK(!engine.watch.queue_history("adt_in", 0));
    engine.lab.queued = 9;
    engine.look(125, [&] {
        m.arrived += 2;
        m.left += 1;
    });
    auto const history = engine.watch.queue_history("lab", engine.now_us()).value();
    REQUIRE(history.steps.size() == 2);
    CHECK(history.steps[1].waiting == 9);
    CHECK(history.steps[1].in == 120);
    CHECK(history.steps[1].out == 60);
    CHECK(history.first_us == begin_us + 61 * second_us);
    CHECK(engine.watch.listener_history("adt_in", 0)->steps.size() == 2);
    for (int minute = 0; minute < 1500; ++minute) {
        engine.seconds += 59;
        engine.look();
    }
    CHECK(engine.watch.queue_history("lab", 0)->steps.size() == 1440);
}

TEST_CASE("days left, from how the store fills") {
    Engine engine;
    engine.space = {.used = 1'000'000, .limit = 100'000'000, .percent = 1, .takes = true};
    auto o = engine.look(200, [&] { engine.space.used += 1'000; });
    CHECK(o["store"].find("days_left") == nullptr);  // too early to say
    o = engine.look(200, [&] { engine.space.used += 1'000; });
    CHECK(o["store"]["days_left"].real == doctest::Approx(98.6e6 / 1000 / 86400).epsilon(0.02));
    o = engine.look(4000, [&] {});
    CHECK(o["store"].find("days_left") == nullptr);  // it does not grow
}

TEST_CASE("the zone of the machine by its name, as far as it has one") {
    char const* const was = std::getenv("TZ");
    std::string const before = was ? was : "";
    struct Row {
        char const *set, *name;
    };
    for (auto const& row :
         {Row{"Europe/Zurich", "Europe/Zurich"}, Row{":America/New_York", "America/New_York"},
          Row{"/usr/share/zoneinfo/Asia/Tokyo", "Asia/Tokyo"}, Row{"CET-1CEST,M3.5.0,M10.5.0/3", "UTC"},
          Row{"UTC", "UTC"}}) {
        ::setenv("TZ", row.set, 1);
        CHECK(ops::local_zone() == row.name);
    }
    ::setenv("TZ", "Asia/Tokyo", 1);
    ::tzset();
    CHECK(ops::utc_offset_minutes(begin_us) == 9 * 60);
    was ? ::setenv("TZ", before.c_str(), 1) : ::unsetenv("TZ");
    ::tzset();
}
