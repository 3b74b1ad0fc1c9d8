#include "engine/delivery/lane.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <functional>
#include <future>
#include <set>
#include <thread>

#include "support/fake_store.h"

using namespace hilum;
using namespace std::chrono_literals;
using delivery::Ended;
using delivery::Lane;
using destinations::Attempt;
using destinations::AttemptClass;
using store::DeliveryOutcome;

namespace {

// Answers from a script, then with AA; remembers what it was given.
struct Script {
    std::mutex mutex;
    std::vector<Attempt> answers;
    std::vector<std::string> seen;
    std::vector<bool> duplicate;
    bool hang = false;
    std::function<std::optional<Attempt>(std::string const& body)> answer;  // before `answers`
    std::size_t at_once = 0, most_at_once = 0;

    std::vector<std::string> bodies() {
        std::lock_guard lock(mutex);
        return seen;
    }
};

class ScriptedDestination final : public destinations::Destination {
  public:
    ScriptedDestination(std::shared_ptr<Script> script, net::Executor executor)
        : script_(std::move(script)), timer_(executor) {}
    net::Task<Attempt> deliver(destinations::Outgoing const& outgoing) override {
        bool hang = false;
        {
            std::lock_guard lock(script_->mutex);
            script_->seen.emplace_back(outgoing.batch.empty() ? outgoing.body : outgoing.batch);
            script_->duplicate.push_back(outgoing.possible_duplicate);
            hang = script_->hang;
        }
        if (hang) {
            timer_.expires_after(1h);
            co_await timer_.async_wait(net::as_result);
            co_return Attempt{AttemptClass::cut, "cut", "", {}, {}};
        }
        bool goes = true;
        if (outgoing.departure) goes = co_await outgoing.departure->begin();
        if (!goes) co_return destinations::not_departed();
        if (script_->answer) {
            {
                std::lock_guard lock(script_->mutex);
                script_->most_at_once = std::max(script_->most_at_once, ++script_->at_once);
            }
            timer_.expires_after(2ms);
            co_await timer_.async_wait(net::as_result);
            std::lock_guard lock(script_->mutex);
            --script_->at_once;
            if (auto said = script_->answer(std::string(outgoing.body))) co_return std::move(*said);
        }
        std::lock_guard lock(script_->mutex);
        if (script_->answers.empty()) co_return Attempt{AttemptClass::delivered, "AA", "", {}, {}};
        auto const answer = script_->answers.front();
        script_->answers.erase(script_->answers.begin());
        co_return answer;
    }
    void close() noexcept override { timer_.cancel(); }
    std::string where() const override { return "scripted"; }

  private:
    std::shared_ptr<Script> script_;
    net::Timer timer_;
};

struct Bench {
    net::Runtime runtime{2};
    test::FakeStore store;
    ops::Metrics metrics;
    ops::Log log{ops::Level::error};
    std::shared_ptr<Script> script = std::make_shared<Script>();
    std::shared_ptr<Lane> lane;
    std::atomic<std::int64_t> now_us = 1'000'000;

    explicit Bench(store::LaneState const& state = {}, bool killed = false,
                   delivery::PolicyOptions options = quick(),
                   std::vector<std::string> const& recovered = {}) {
        for (auto const& body : recovered) store.add(body);
        delivery::LaneContext const context{
            runtime, 0, store, metrics.destination("lab"), log, [this] { return now_us.load(); }};
        lane = std::make_shared<Lane>(
            "lab", 1, context, state,
            delivery::LastRun{killed ? Ended::killed : Ended::clean, store.durable_end()});
        lane->set_destinations(connections(options.connections), delivery::Policy(options));
        runtime.start();
        boost::asio::post(lane->executor(), [l = lane] { l->start(); });
    }
    ~Bench() {
        boost::asio::co_spawn(lane->executor(), lane->stop(100ms), boost::asio::use_future).get();
        runtime.stop();
    }
    Lane::Destinations connections(std::size_t count) {
        Lane::Destinations all;
        for (std::size_t i = 0; i < count; ++i)
            all.push_back(std::make_unique<ScriptedDestination>(script, lane->executor()));
        return all;
    }
    static delivery::PolicyOptions quick() {
        delivery::PolicyOptions options;
        options.retry.first = 1ms;
        options.retry.max = 2ms;
        return options;
    }
    template <class F>
    auto on_lane(F f) {
        std::promise<decltype(f(*lane))> promise;
        boost::asio::post(lane->executor(), [&] { promise.set_value(f(*lane)); });
        return promise.get_future().get();
    }
    ops::QueueView view() {
        return on_lane([](Lane& l) { return l.view(); });
    }
    template <class F>
    bool soon(F condition) {
        for (int i = 0; i < 30'000; ++i) {  // far more than it takes on a busy machine
            if (condition()) return true;
            std::this_thread::sleep_for(1ms);
        }
        return false;
    }
    bool drained() {
        return soon([this] { return view().queued == 0; });
    }
};

Attempt failure(AttemptClass kind) {
    return {kind, std::string(destinations::name(kind)), "", {}, {}};
}

std::vector<DeliveryOutcome> outcomes(test::FakeStore const& store) {
    std::vector<DeliveryOutcome> all;
    for (auto const& r : store.results_so_far()) all.push_back(r.outcome);
    return all;
}

}  // namespace

TEST_CASE("messages are delivered in order and each result moves the cursor behind it") {
    Bench bench;
    std::vector<std::string> expected;
    for (int i = 0; i < 3000; ++i) {
        expected.push_back("message " + std::to_string(i));
        bench.lane->push(bench.store.add(expected.back()));
    }
    REQUIRE(bench.drained());
    CHECK(bench.script->bodies() == expected);
    auto const results = bench.store.results_so_far();
    REQUIRE(results.size() == 3000);
    for (auto const& r : results) CHECK(r.settled_up_to >= r.key.next());
}

TEST_CASE("a failure that may pass is repeated before anything behind it is sent") {
    using enum AttemptClass;
    for (auto const kind : {connect, timeout, cut, busy, bad_answer, local}) {
        CAPTURE(static_cast<int>(kind));
        Bench bench;
        bench.script->answers = {failure(kind), failure(kind)};
        bench.lane->push(bench.store.add("a"));
        bench.lane->push(bench.store.add("b"));
        REQUIRE(bench.drained());
        CHECK(bench.script->bodies() == std::vector<std::string>{"a", "a", "a", "b"});
        // What may have arrived the first time is marked when it is sent again; what surely did not is not.
        bool const open = kind == timeout || kind == cut;
        CHECK(bench.script->duplicate == std::vector<bool>{false, open, open, false});
        auto const failed = open ? DeliveryOutcome::ambiguous : DeliveryOutcome::failed;
        CHECK(outcomes(bench.store) == std::vector<DeliveryOutcome>{failed, failed,
                                                                    DeliveryOutcome::delivered,
                                                                    DeliveryOutcome::delivered});
    }
}

TEST_CASE("what the receiver refuses is held and the lane goes on") {
    for (auto const kind : {AttemptClass::ae, AttemptClass::ar}) {
        Bench bench;
        bench.script->answers = {failure(kind)};
        bench.lane->push(bench.store.add("a"));
        bench.lane->push(bench.store.add("b"));
        REQUIRE(bench.drained());
        CHECK(bench.script->bodies() == std::vector<std::string>{"a", "b"});
        CHECK(outcomes(bench.store) ==
              std::vector<DeliveryOutcome>{DeliveryOutcome::held, DeliveryOutcome::delivered});
        CHECK(bench.view().held == 1);
    }
}

TEST_CASE("give_up holds a message that has been tried for long enough") {
    auto options = Bench::quick();
    options.retry.give_up.value = "20ms";
    Bench bench({}, false, options);
    bench.script->answers.assign(1000, failure(AttemptClass::connect));
    bench.lane->push(bench.store.add("a"));
    REQUIRE(bench.drained());
    CHECK(outcomes(bench.store).back() == DeliveryOutcome::held);
    CHECK(bench.script->bodies().size() > 2);
}

TEST_CASE("a lane recovered after a crash marks only its head as a possible duplicate") {
    store::LaneState state;
    state.destination = 1;
    state.queued = 2;
    Bench bench(state, true, Bench::quick(), {"a", "b"});
    REQUIRE(bench.drained());
    CHECK(bench.script->bodies() == std::vector<std::string>{"a", "b"});
    CHECK(bench.script->duplicate == std::vector<bool>{true, false});
}

TEST_CASE("pause holds everything back, resume goes on where it stopped") {
    Bench bench;
    bench.on_lane([](Lane& l) { return l.pause({}), true; });
    bench.lane->push(bench.store.add("a"));
    bench.lane->push(bench.store.add("b"));
    REQUIRE(bench.soon([&] { return bench.view().head_message == 1; }));
    CHECK(bench.view().state == "paused");
    CHECK(bench.view().queued == 2);
    CHECK(bench.script->bodies().empty());
    bench.on_lane([](Lane& l) { return l.resume(), true; });
    REQUIRE(bench.drained());
    CHECK(bench.script->bodies() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("skip passes over the head it names, and no other") {
    auto options = Bench::quick();
    options.retry.first = options.retry.max = 1h;
    Bench bench({}, false, options);
    bench.script->answers = {failure(AttemptClass::connect)};
    bench.lane->push(bench.store.add("a"));
    bench.lane->push(bench.store.add("b"));
    REQUIRE(bench.soon([&] { return bench.view().next_attempt_us != 0; }));
    CHECK(bench.view().state == "retrying");
    CHECK_FALSE(bench.on_lane([](Lane& l) { return l.take_out(2, DeliveryOutcome::skipped, "wrong one"); }));
    CHECK(bench.on_lane([](Lane& l) { return l.take_out(1, DeliveryOutcome::skipped, "sent by hand"); }));
    REQUIRE(bench.drained());
    using enum DeliveryOutcome;
    CHECK(outcomes(bench.store) == std::vector<DeliveryOutcome>{failed, skipped, delivered});
    CHECK(bench.script->bodies() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("retry now ends the pause") {
    auto options = Bench::quick();
    options.retry.first = options.retry.max = 1h;
    Bench bench({}, false, options);
    bench.script->answers = {failure(AttemptClass::connect)};
    bench.lane->push(bench.store.add("a"));
    REQUIRE(bench.soon([&] { return bench.view().next_attempt_us != 0; }));
    bench.on_lane([](Lane& l) { return l.retry_now(), true; });
    CHECK(bench.drained());
}

TEST_CASE("a result that can't be written stops the lane until it can") {
    Bench bench;
    bench.store.fail_records(1);
    bench.lane->push(bench.store.add("a"));
    bench.lane->push(bench.store.add("b"));
    REQUIRE(bench.soon([&] { return bench.view().state == "stopped"; }));
    CHECK(bench.script->bodies() == std::vector<std::string>{"a"});
    REQUIRE(bench.drained());  // half a second later it is tried again
    CHECK(bench.script->bodies() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("a damaged message is held by name and does not stop the lane") {
    Bench bench;
    auto const lost = bench.store.add("a");
    bench.store.lose(lost.message);
    bench.lane->push(lost);
    bench.lane->push(bench.store.add("b"));
    REQUIRE(bench.drained());
    CHECK(bench.script->bodies() == std::vector<std::string>{"b"});
    CHECK(bench.store.codes().front() == "damaged");
}

TEST_CASE("without its destination a lane keeps what waits, and goes on when it is back") {
    Bench bench;
    bench.on_lane([](Lane& l) { return l.set_destinations({}, {}), true; });
    bench.lane->push(bench.store.add("a"));
    REQUIRE(bench.soon([&] { return bench.view().state == "removed" && bench.view().queued == 1; }));
    bench.on_lane([&](Lane& l) {
        l.set_destinations(bench.connections(1), delivery::Policy(Bench::quick()));
        return true;
    });
    CHECK(bench.drained());
}

TEST_CASE("stop gives up a hanging destination after its grace") {
    Bench bench;
    bench.script->hang = true;
    bench.lane->push(bench.store.add("a"));
    REQUIRE(bench.soon([&] { return bench.script->bodies().size() == 1; }));
}  // ~Bench stops with 100 ms of grace; the test fails by its time limit if that hangs

TEST_CASE("an acknowledgement that comes between two attempts settles the message") {
    struct Row {
        AttemptClass late;
        std::vector<DeliveryOutcome> outcomes;
    };
    using enum DeliveryOutcome;
    Row const rows[] = {{AttemptClass::delivered, {ambiguous, delivered, delivered}},
                        {AttemptClass::ae, {ambiguous, held, delivered}}};
    for (auto const& row : rows) {
        auto options = Bench::quick();
        options.retry.first = options.retry.max = 1h;
        Bench bench({}, false, options);
        bench.script->answers = {failure(AttemptClass::timeout)};
        auto const entry = bench.store.add("a");
        bench.lane->push(entry);
        bench.lane->push(bench.store.add("b"));
        REQUIRE(bench.soon([&] { return bench.view().next_attempt_us != 0; }));
        bench.on_lane([&](Lane& l) {
            l.answered(entry.sequence, entry.key, failure(row.late));
            return true;
        });
        REQUIRE(bench.drained());
        CHECK(bench.script->bodies() == std::vector<std::string>{"a", "b"});
        CHECK(outcomes(bench.store) == row.outcomes);
    }
}

TEST_CASE("an acknowledgement after the delivery goes to the trace, and ends a holding for want of it") {
    Bench bench;
    bench.script->answers = {failure(AttemptClass::unconfirmed), failure(AttemptClass::delivered)};
    auto const first = bench.store.add("a"), second = bench.store.add("b");
    bench.lane->push(first);
    bench.lane->push(second);
    REQUIRE(bench.drained());
    CHECK(bench.view().held == 1);
    auto const late = [&](store::LaneEntry const& entry, AttemptClass with) {
        bench.on_lane([&](Lane& l) {
            l.answered(entry.sequence, entry.key, failure(with));
            return true;
        });
    };
    using enum DeliveryOutcome;
    late(first, AttemptClass::ae);  // stays held, and says why
    CHECK(bench.view().held == 1);
    late(first, AttemptClass::delivered);
    CHECK(bench.view().held == 0);
    late(second, AttemptClass::ae);  // the receiver has it all the same
    CHECK(outcomes(bench.store) == std::vector<DeliveryOutcome>{held, delivered, held, delivered, delivered});
    CHECK(bench.store.results_so_far().back().settled_up_to == store::LaneKey{});
    CHECK(bench.store.codes().back() == "ae");
    CHECK(bench.metrics.destination("lab").late_answers == 3);
}

namespace {

// "key:number"
store::LaneEntry keyed(test::FakeStore& store, std::uint64_t key, int number, bool urgent = false) {
    return store.add(std::to_string(key) + ":" + std::to_string(number), 1, {1, key, urgent});
}

std::vector<int> of_key(std::vector<std::string> const& bodies, std::uint64_t key) {
    std::vector<int> numbers;
    auto const prefix = std::to_string(key) + ":";
    for (auto const& body : bodies)
        if (body.starts_with(prefix)) numbers.push_back(std::stoi(body.substr(prefix.size())));
    return numbers;
}

delivery::PolicyOptions parallel(std::uint32_t connections) {
    auto options = Bench::quick();
    options.connections = connections;
    return options;
}

}  // namespace

TEST_CASE("with order_by several connections are used, and each key keeps its order") {
    Bench bench({}, false, parallel(8));
    bench.script->answer = [](std::string const&) { return std::nullopt; };
    for (int i = 0; i < 3000; ++i)
        bench.lane->push(keyed(bench.store, static_cast<std::uint64_t>(i * i % 37), i));
    REQUIRE(bench.drained());
    auto const bodies = bench.script->bodies();
    CHECK(bodies.size() == 3000);
    for (std::uint64_t key = 0; key < 37; ++key) {
        auto const numbers = of_key(bodies, key);
        CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    }
    CHECK(bench.script->most_at_once > 4);
    CHECK(bench.script->most_at_once <= 8);
    // The cursors never went past what was open then.
    std::set<store::LaneKey> open;
    for (auto const& r : bench.store.results_so_far()) open.insert(r.key);
    for (auto const& r : bench.store.results_so_far()) {
        open.erase(r.key);
        if (!open.empty()) CHECK(r.settled_up_to <= *open.begin());
    }
}

TEST_CASE("a poisoned message blocks its key only, and the queue says which it is") {
    Bench bench({}, false, parallel(4));
    std::atomic<bool> cured = false;
    bench.script->answer = [&](std::string const& body) -> std::optional<Attempt> {
        if (body == "5:5" && !cured) return Attempt{AttemptClass::busy, "AE/207", "", "", {}};
        return std::nullopt;
    };
    int const count = 5000;  // more than the window and the schedule hold
    for (int i = 0; i < count; ++i)
        bench.lane->push(keyed(bench.store, static_cast<std::uint64_t>(i % 20), i));
    // All but the poisoned one and those behind it.
    REQUIRE(bench.soon([&] { return bench.view().queued == count / 20; }));
    ops::QueueView view;
    REQUIRE(bench.soon([&] { return (view = bench.view()).blocked == 1; }));  // between two attempts
    REQUIRE(view.blocked_messages.size() == 1);
    CHECK(view.blocked_messages[0].message == 6);
    CHECK(view.blocked_messages[0].error == "busy AE/207");
    CHECK(view.head_message == 6);
    auto const before = bench.script->bodies();
    CHECK(std::set<std::string>(before.begin(), before.end()).size() == count - count / 20 + 1);
    cured = true;
    REQUIRE(bench.drained());
    auto const numbers = of_key(bench.script->bodies(), 5);
    CHECK(std::is_sorted(numbers.begin(), numbers.end()));
    CHECK(std::set<int>(numbers.begin(), numbers.end()).size() == count / 20);
    CHECK(bench.view().blocked == 0);
}

TEST_CASE("stop waits for a person: retry, or skip") {
    for (bool const skip : {false, true}) {
        CAPTURE(skip);
        auto options = parallel(2);
        options.on_answer.items.push_back({{{"AR", {}}}, {}, {}, {}, {"stop", {}}});
        Bench bench({}, false, options);
        std::atomic<bool> cured = false;
        bench.script->answer = [&](std::string const& body) -> std::optional<Attempt> {
            if (body == "1:0" && !cured) return Attempt{AttemptClass::ar, "AR", "", "", {}};
            return std::nullopt;
        };
        for (int i = 0; i < 3; ++i) bench.lane->push(keyed(bench.store, 1, i));
        bench.lane->push(keyed(bench.store, 2, 0));
        REQUIRE(bench.soon([&] { return bench.view().state == "stopped"; }));
        CHECK(bench.view().queued == 3);
        CHECK(bench.view().stopped == 1);
        cured = true;
        if (skip) {
            CHECK_FALSE(bench.on_lane(
                [](Lane& l) { return l.take_out(2, DeliveryOutcome::skipped, "not the first"); }));
            CHECK(bench.on_lane([](Lane& l) { return l.take_out(1, DeliveryOutcome::skipped, "on paper"); }));
        } else {
            CHECK_FALSE(bench.on_lane([](Lane& l) { return l.retry_now(3); }));
            CHECK(bench.on_lane([](Lane& l) { return l.retry_now(1); }));
        }
        REQUIRE(bench.drained());
        CHECK(of_key(bench.script->bodies(), 1) == (skip ? std::vector{0, 1, 2} : std::vector{0, 0, 1, 2}));
    }
}

TEST_CASE("a receiver that is not there is asked by one message at a time") {
    Bench bench({}, false, parallel(8));
    std::atomic<bool> there = false;
    bench.script->answer = [&](std::string const&) -> std::optional<Attempt> {
        if (!there) return Attempt{AttemptClass::connect, "refused", "", "", {}};
        return std::nullopt;
    };
    for (int i = 0; i < 100; ++i) bench.lane->push(keyed(bench.store, static_cast<std::uint64_t>(i), i));
    REQUIRE(bench.soon([&] { return bench.script->bodies().size() > 20; }));
    auto const view = bench.view();
    CHECK(view.state == "retrying");
    CHECK(view.blocked == 0);  // it is nobody's own trouble
    auto const tried = bench.script->bodies();
    // Those that were under way at the same time as the first, then the oldest alone.
    CHECK(std::set<std::string>(tried.begin(), tried.end()).size() <= 8);
    there = true;
    CHECK(bench.drained());
}

TEST_CASE("on_ambiguous: hold marks what is in flight before it leaves, and never sends it again") {
    auto options = parallel(2);
    options.on_ambiguous = delivery::Ambiguous::hold;
    SUBCASE("cut off") {
        Bench bench({}, false, options);
        bench.script->answers = {failure(AttemptClass::timeout)};
        bench.lane->push(bench.store.add("a"));
        REQUIRE(bench.drained());
        CHECK(bench.script->bodies().size() == 1);
        CHECK(outcomes(bench.store) ==
              std::vector<DeliveryOutcome>{DeliveryOutcome::in_flight, DeliveryOutcome::held});
    }
    SUBCASE("the engine ended meanwhile") {
        store::LaneState state;
        state.queued = 2;
        state.uncertain = {{store::Position::at(1, 100), 0}};
        Bench bench(state, true, options, {"a", "b"});
        REQUIRE(bench.drained());
        CHECK(bench.script->bodies() == std::vector<std::string>{"b"});
        CHECK(bench.store.codes().front() == "ambiguous");
        CHECK(bench.view().held == 1);
    }
}

TEST_CASE("after a crash the first message of each key may be a duplicate, and what was marked for sure") {
    store::LaneState state;
    state.queued = 3;
    state.uncertain = {{store::Position::at(1, 300), 0}};
    for (bool const crash : {false, true}) {
        Bench bench(state, crash, Bench::quick(), {"a", "b", "c"});
        REQUIRE(bench.drained());
        CHECK(bench.script->duplicate == std::vector<bool>{crash, false, true});
    }
}

TEST_CASE("attempts end where the budget says so") {
    auto options = Bench::quick();
    options.retry.attempts = 3;
    options.retry.then = delivery::Action::skip;
    Bench bench({}, false, options);
    bench.script->answers = {failure(AttemptClass::busy), failure(AttemptClass::busy),
                             failure(AttemptClass::busy)};
    bench.lane->push(bench.store.add("a"));
    bench.lane->push(bench.store.add("b"));
    REQUIRE(bench.drained());
    CHECK(bench.script->bodies() == std::vector<std::string>{"a", "a", "a", "b"});
    CHECK(outcomes(bench.store)[2] == DeliveryOutcome::skipped);
}

TEST_CASE("a message counts as delivered when a rule says so") {
    auto options = Bench::quick();
    options.on_answer.items.push_back({{{"AE", {}}}, {{"205", {}}}, {}, {}, {"delivered", {}}});
    Bench bench({}, false, options);
    bench.script->answers = {{AttemptClass::ae, "AE/205", "duplicate key", "", {}}};
    bench.lane->push(bench.store.add("a"));
    REQUIRE(bench.drained());
    CHECK(outcomes(bench.store) == std::vector<DeliveryOutcome>{DeliveryOutcome::delivered});
}

TEST_CASE("a pause ends by itself when its time is there, by the clock on the wall") {
    Bench bench;
    bench.on_lane([](Lane& l) {
        return l.pause({2'000'000, "update"}), true;
    });  // the bench's clock stands at 1 s
    bench.lane->push(bench.store.add("a"));
    std::this_thread::sleep_for(20ms);
    CHECK(bench.view().state == "paused");
    CHECK(bench.view().pause.value().reason == "update");
    bench.now_us = 2'000'000;
    CHECK(bench.drained());
}

TEST_CASE("a rate is kept, whatever waits") {
    auto options = parallel(4);
    options.rate.value = "50/s";
    Bench bench({}, false, options);
    auto const began = std::chrono::steady_clock::now();
    for (int i = 0; i < 25; ++i) bench.lane->push(keyed(bench.store, static_cast<std::uint64_t>(i), i));
    REQUIRE(bench.drained());
    CHECK(std::chrono::steady_clock::now() - began >= 380ms);  // 25 less a burst of 5, at 20 ms each
}

TEST_CASE("attempts are made in the hours that are given, by the clock on the wall") {
    auto options = Bench::quick();
    options.retry.between = {{"00:01-00:02", {}}};
    options.retry.zone.value = "UTC";
    Bench bench({}, false, options);  // its clock stands at one second after midnight
    bench.lane->push(bench.store.add("a"));
    REQUIRE(bench.soon([&] { return bench.view().state == "closed"; }));
    CHECK(bench.view().next_attempt_us == 60'000'000);
    bench.on_lane([](Lane& l) { return l.retry_now(), true; });
    std::this_thread::sleep_for(20ms);
    CHECK(bench.script->bodies().empty());
    bench.now_us = 60'000'000;
    REQUIRE(bench.drained());
    CHECK(bench.view().state == "idle");

    // Those that are there when it closes wait for the next day.
    bench.now_us = 120'000'000;
    REQUIRE(bench.soon([&] {
        bench.lane->push(bench.store.add("b"));
        return bench.view().state == "closed";
    }));
    auto const sent = bench.script->bodies().size();
    auto const waiting = bench.view().queued;
    bench.now_us = (24 * 3600 + 90) * 1'000'000LL;
    REQUIRE(bench.drained());
    CHECK(bench.script->bodies().size() == sent + waiting);
}
