// Batches of a lane: what goes together, and what becomes of each message.
#include <doctest/doctest.h>

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <thread>

#include "engine/delivery/lane.h"
#include "parsers/hl7/batch.h"
#include "support/fake_store.h"

using namespace hilum;
using namespace std::chrono_literals;
using delivery::Ended;
using delivery::Lane;
using destinations::Attempt;
using destinations::AttemptClass;
using store::DeliveryOutcome;

namespace {

struct Seen {
    std::mutex mutex;
    std::vector<std::string> batches;  // as bytes
    std::vector<Attempt> answers;      // then: delivered
    std::function<void()> before_answer;
};

class Collector final : public destinations::Destination {
  public:
    explicit Collector(Seen& seen) : seen_(seen) {}
    net::Task<Attempt> deliver(destinations::Outgoing const& outgoing) override {
        if (seen_.before_answer) seen_.before_answer();
        std::lock_guard lock(seen_.mutex);
        seen_.batches.emplace_back(outgoing.batch);
        if (seen_.answers.empty()) co_return Attempt{AttemptClass::delivered, "written", "", {}, {}};
        auto const answer = seen_.answers.front();
        seen_.answers.erase(seen_.answers.begin());
        co_return answer;
    }
    void close() noexcept override {}
    std::string where() const override { return "collector"; }

  private:
    Seen& seen_;
};

std::string message(int n, std::string const& more = {}) {
    return "MSH|^~\\&|A|B|C|D|2026||ADT^A01|" + std::to_string(n) + "\r" + more;
}

std::string_view word(DeliveryOutcome outcome) {
    switch (outcome) {
        case DeliveryOutcome::delivered:
            return "delivered";
        case DeliveryOutcome::held:
            return "held";
        case DeliveryOutcome::failed:
            return "failed";
        case DeliveryOutcome::skipped:
            return "skipped";
        default:
            return "other";
    }
}

struct Bench {
    Seen seen;
    net::Runtime runtime{2};
    test::FakeStore store;
    ops::Metrics metrics;
    ops::Log log{ops::Level::error};
    std::shared_ptr<Lane> lane;

    explicit Bench(delivery::PolicyOptions const& options, std::vector<std::string> const& recovered = {},
                   Ended ended = Ended::clean) {
        for (auto const& body : recovered) store.add(body);
        delivery::LaneContext const context{
            runtime, 0, store, metrics.destination("lab"), log, [] { return std::int64_t{1'000'000}; }};
        store::LaneState state;
        state.queued = recovered.size();
        lane =
            std::make_shared<Lane>("lab", 1, context, state, delivery::LastRun{ended, store.durable_end()});
        use(options);
        runtime.start();
        boost::asio::post(lane->executor(), [l = lane] { l->start(); });
    }
    ~Bench() {
        boost::asio::co_spawn(lane->executor(), lane->stop(100ms), boost::asio::use_future).get();
        runtime.stop();
    }
    void use(delivery::PolicyOptions const& options) {
        Lane::Destinations one;
        one.push_back(std::make_unique<Collector>(seen));
        lane->set_destinations(std::move(one), delivery::Policy(options));
    }
    void push(int from, int to) {
        for (int n = from; n <= to; ++n) lane->push(store.add(message(n)));
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
    bool drained(std::uint64_t left = 0) {
        for (int i = 0; i < 30'000; ++i) {
            if (view().queued == left) return true;
            std::this_thread::sleep_for(1ms);
        }
        return false;
    }
    // "1 2 3 | 4": the control ids of each batch.
    std::string batches() {
        std::lock_guard lock(seen.mutex);
        std::string out;
        for (auto const& bytes : seen.batches) {
            out += out.empty() ? "" : " | ";
            hl7::BatchCheck check;
            auto const split = hl7::split_messages(bytes, &check);
            check.finish();
            CHECK(check.findings().empty());
            for (std::size_t i = 0; i < split.messages.size(); ++i) {
                auto const id = split.messages[i].substr(message(0).rfind('|') + 1);
                (out += i == 0 ? "" : " ") += id.substr(0, id.find('\r'));
            }
        }
        return out;
    }
    // "delivered 1 2, held 3": what was recorded, in order.
    std::string outcomes() const {
        std::string out;
        std::optional<DeliveryOutcome> last;
        for (auto const& r : store.results_so_far()) {
            if (last != r.outcome) {
                out += out.empty() ? "" : ", ";
                out += word(r.outcome);
            }
            last = r.outcome;
            out += " " + std::to_string(r.sequence);
        }
        return out;
    }
};

delivery::PolicyOptions batch_of(std::uint32_t max, std::chrono::milliseconds every = 1h) {
    delivery::PolicyOptions options;
    options.retry.first = 1ms;
    options.retry.max = 2ms;
    options.batch.max = max;
    options.batch.every = every;
    return options;
}

}  // namespace

TEST_CASE("batches of a lane: full ones go at once, and each message of them is settled in order") {
    Bench bench(batch_of(3));
    bench.push(1, 7);
    REQUIRE(bench.drained(1));
    CHECK(bench.batches() == "1 2 3 | 4 5 6");
    CHECK(bench.outcomes() == "delivered 1 2 3 4 5 6");
    auto const key = [](std::size_t n) {
        return store::LaneKey{store::Position::at(1, static_cast<std::uint32_t>(n * 100)), 0};
    };
    std::size_t n = 0;
    for (auto const& r : bench.store.results_so_far()) {
        CHECK(key(++n) < r.settled_up_to);
        CHECK(r.settled_up_to <= key(n + 1));
    }
    std::this_thread::sleep_for(20ms);
    CHECK(bench.view().queued == 1);
    CHECK(bench.view().next_attempt_us > 1'000'000);
    bench.push(8, 9);
    REQUIRE(bench.drained());
    CHECK(bench.batches() == "1 2 3 | 4 5 6 | 7 8 9");
}

TEST_CASE("batches of a lane: what has waited for long enough goes, with all that is there") {
    Bench bench(batch_of(100, 30ms));
    bench.push(1, 5);
    REQUIRE(bench.drained());
    CHECK(bench.batches() == "1 2 3 4 5");
    bench.push(6, 6);
    REQUIRE(bench.drained());
    CHECK(bench.batches() == "1 2 3 4 5 | 6");
}

TEST_CASE("batches of a lane: a backlog of thousands, in order and with memory for one batch") {
    std::vector<std::string> backlog;
    for (int n = 1; n <= 4'000; ++n) backlog.push_back(message(n));
    Bench bench(batch_of(500), backlog);
    REQUIRE(bench.drained());
    std::string all;
    for (int n = 1; n <= 4'000; ++n) all += (n == 1 ? "" : n % 500 == 1 ? " | " : " ") + std::to_string(n);
    CHECK(bench.batches() == all);
}

TEST_CASE("batches of a lane: no longer than max_bytes, save for one message that is") {
    auto options = batch_of(100, 20ms);
    options.batch.max_bytes.count = 2 * message(1).size();
    Bench bench(options, {message(1), message(2), message(3), message(4, "NTE|1||" + std::string(500, 'x')),
                          message(5)});
    REQUIRE(bench.drained());
    CHECK(bench.batches() == "1 2 | 3 | 4 | 5");
}

TEST_CASE("batches of a lane: one that fails is tried again as it was") {
    Bench bench(batch_of(3));
    bench.seen.answers = {{AttemptClass::local, "disk_full", "", {}, {}},
                          {AttemptClass::local, "disk_full", "", {}, {}}};
    bench.push(1, 5);
    REQUIRE(bench.drained(2));
    CHECK(bench.batches() == "1 2 3 | 1 2 3 | 1 2 3");
    CHECK(bench.seen.batches[0] == bench.seen.batches[2]);
    CHECK(bench.outcomes() == "failed 1 1, delivered 1 2 3");
    CHECK(bench.store.results_so_far().back().attempt == 3);
}

TEST_CASE("batches of a lane: a failure that is not tried again is the first message's alone") {
    auto options = batch_of(3);
    options.on_failure.local = delivery::Action::hold;
    Bench bench(options);
    bench.seen.answers = {{AttemptClass::local, "bad_name", "", {}, {}}};
    bench.push(1, 4);
    REQUIRE(bench.drained());
    CHECK(bench.batches() == "1 2 3 | 2 3 4");
    CHECK(bench.outcomes() == "held 1, delivered 2 3 4");
}

TEST_CASE("batches of a lane: what can't stand in one, or be read, is held and parts those around it") {
    Bench bench(batch_of(100, 20ms));
    for (auto const& body :
         {message(1), message(2), std::string("{\"a\":1}"), message(4), message(5), message(6)}) {
        auto const entry = bench.store.add(body);
        if (entry.sequence == 5) bench.store.lose(entry.message);
        bench.lane->push(entry);
    }
    REQUIRE(bench.drained());
    CHECK(bench.batches() == "1 2 | 4 | 6");
    CHECK(bench.outcomes() == "delivered 1 2, held 3, delivered 4, held 5, delivered 6");
}

TEST_CASE("batches of a lane: nobody takes out what is on its way, and pauses and reloads go between") {
    Bench bench(batch_of(3));
    bool taken = true;
    bench.seen.before_answer = [&] {
        taken = bench.lane->take_out(1, DeliveryOutcome::skipped, "") ||
                bench.lane->take_out(2, DeliveryOutcome::skipped, "");
    };
    bench.push(1, 3);
    REQUIRE(bench.drained());
    CHECK_FALSE(taken);
    CHECK(bench.outcomes() == "delivered 1 2 3");
    bench.seen.before_answer = nullptr;
    bench.push(4, 5);
    while (bench.view().head_message != 4) std::this_thread::sleep_for(1ms);
    CHECK(bench.on_lane([](Lane& l) { return l.take_out(4, DeliveryOutcome::skipped, "not needed"); }));
    REQUIRE(bench.drained(1));
    bench.on_lane([&](Lane&) { return bench.use(batch_of(2)), true; });
    bench.push(6, 6);
    REQUIRE(bench.drained());
    CHECK(bench.batches() == "1 2 3 | 5 6");
    // Without a batch each goes alone.
    bench.on_lane([&](Lane&) { return bench.use(batch_of(0)), true; });
    bench.push(7, 8);
    REQUIRE(bench.drained());
    CHECK(bench.batches() == "1 2 3 | 5 6 |  | ");
}

TEST_CASE("batches of a lane: results that can't be written, and a crash") {
    {
        Bench bench(batch_of(3));
        bench.store.fail_records(2);
        bench.push(1, 6);
        REQUIRE(bench.drained());
        CHECK(bench.batches() == "1 2 3 | 4 5 6");
        CHECK(bench.outcomes() == "delivered 1 2 3 4 5 6");
    }
    Bench bench(batch_of(3), {message(1), message(2), message(3)}, Ended::killed);
    bench.push(4, 6);
    REQUIRE(bench.drained());
    std::string marked;
    for (auto const& r : bench.store.results_so_far()) marked += r.possible_duplicate ? "d" : ".";
    CHECK(marked == "ddd...");
}
