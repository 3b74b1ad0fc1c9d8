#include "engine/delivery/lane.h"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <thread>

#include "support/fake_store.h"

using namespace hilum;
using namespace std::chrono_literals;
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
            script_->seen.emplace_back(outgoing.body);
            script_->duplicate.push_back(outgoing.possible_duplicate);
            hang = script_->hang;
        }
        if (hang) {
            timer_.expires_after(1h);
            co_await timer_.async_wait(net::as_result);
            co_return Attempt{AttemptClass::cut, "cut", "", {}, {}};
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

    explicit Bench(store::LaneState const& state = {}, bool after_crash = false,
                   delivery::PolicyOptions options = quick(),
                   std::vector<std::string> const& recovered = {}) {
        for (auto const& body : recovered) store.add(body);
        delivery::LaneContext const context{
            runtime, 0, store, metrics.destination("lab"), log, [] { return std::int64_t{1'000'000}; }};
        lane = std::make_shared<Lane>("lab", 1, context, state, after_crash);
        lane->set_destination(std::make_unique<ScriptedDestination>(script, lane->executor()),
                              delivery::Policy(options));
        runtime.start();
        boost::asio::post(lane->executor(), [l = lane] { l->start(); });
    }
    ~Bench() {
        boost::asio::co_spawn(lane->executor(), lane->stop(100ms), boost::asio::use_future).get();
        runtime.stop();
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
    for (auto const& r : results) CHECK(r.settled_up_to == r.key.next());
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
        bool const ambiguous = kind == timeout || kind == cut;
        CHECK(bench.script->duplicate == std::vector<bool>{false, ambiguous, ambiguous, false});
        using enum DeliveryOutcome;
        CHECK(outcomes(bench.store) == std::vector<DeliveryOutcome>{failed, failed, delivered, delivered});
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
    bench.on_lane([](Lane& l) { return l.pause(), true; });
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
    CHECK_FALSE(bench.on_lane([](Lane& l) { return l.skip(2, "wrong one"); }));
    CHECK(bench.on_lane([](Lane& l) { return l.skip(1, "sent by hand"); }));
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
    bench.on_lane([](Lane& l) { return l.set_destination(nullptr, {}), true; });
    bench.lane->push(bench.store.add("a"));
    REQUIRE(bench.soon([&] { return bench.view().state == "removed" && bench.view().queued == 1; }));
    bench.on_lane([&](Lane& l) {
        l.set_destination(std::make_unique<ScriptedDestination>(bench.script, l.executor()),
                          delivery::Policy(Bench::quick()));
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
    Row const rows[] = {{AttemptClass::delivered, {failed, delivered, delivered}},
                        {AttemptClass::ae, {failed, held, delivered}}};
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
    auto const answered = [&](store::LaneEntry const& entry, AttemptClass with) {
        bench.on_lane([&](Lane& l) {
            l.answered(entry.sequence, entry.key, failure(with));
            return true;
        });
    };
    using enum DeliveryOutcome;
    answered(first, AttemptClass::ae);  // stays held, and says why
    CHECK(bench.view().held == 1);
    answered(first, AttemptClass::delivered);
    CHECK(bench.view().held == 0);
    answered(second, AttemptClass::ae);  // the receiver has it all the same
    CHECK(outcomes(bench.store) == std::vector<DeliveryOutcome>{held, delivered, held, delivered, delivered});
    CHECK(bench.store.results_so_far().back().settled_up_to == store::LaneKey{});
    CHECK(bench.store.codes().back() == "ae");
    CHECK(bench.metrics.destination("lab").late_answers == 3);
}
