// R16: delivery under a simulated clock, disk and network, all from one seed: HILUM_SIM_SEED repeats a run,
// HILUM_SIM_SEEDS says how many are made. The lane, its schedule, its policies and the ledger are the real
// ones.
//
// What has to hold, whatever fails and however often the engine ends in between:
// - every accepted message comes to an end, and one said to be delivered has been taken by the receiver;
// - nothing that was not accepted arrives;
// - messages of one key reach the receiver in the order of acceptance, the first time;
// - one that the receiver has taken goes again only marked as a possible duplicate, and never with
// on_ambiguous: hold.
#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <map>
#include <random>
#include <set>

#include "engine/delivery/lane.h"
#include "support/sim_store.h"

using namespace hilum;
using namespace std::chrono_literals;
using delivery::Ended;
using delivery::Lane;
using destinations::Attempt;
using destinations::AttemptClass;
using net::Clock;
using store::DeliveryOutcome;

namespace {

enum class Fate { accepts, refuses, busy, silent, ends };  // what the receiver makes of one arrival

// The receiver and the network before it. Outlives the engine: what is on its way when the engine ends
// arrives.
class Outside {
  public:
    struct Arrival {
        store::Sequence message = 0;
        std::uint64_t key = 0;
        bool marked = false;
        bool taken = false;
        std::uint64_t sent = 0;  // counts what left the engine: copies may arrive in another order
    };

    Outside(std::mt19937_64& random, Clock::time_point const& now) : random_(random), now_(now) {}

    bool up = true;
    bool healthy = false;  // from here on all is well
    std::vector<Arrival> arrivals;
    std::uint64_t sent = 0;

    void at(Clock::time_point time, std::function<void()> what) { events_.emplace(time, std::move(what)); }
    void after(std::chrono::milliseconds time, std::function<void()> what) {
        at(now_ + time, std::move(what));
    }
    std::optional<Clock::time_point> next() const {
        if (events_.empty()) return std::nullopt;
        return events_.begin()->first;
    }
    void run_due() {
        while (!events_.empty() && events_.begin()->first <= now_) {
            auto const what = std::move(events_.begin()->second);
            events_.erase(events_.begin());
            what();
        }
    }
    std::chrono::milliseconds travel() { return std::chrono::milliseconds(1 + random_() % 8); }
    bool chance(unsigned percent) { return !healthy && random_() % 100 < percent; }
    Fate fate(store::Sequence message) {
        if (healthy) return Fate::accepts;
        // A few messages are refused whenever they come; the rest goes by luck.
        if (message % 23 == 0) return Fate::refuses;
        auto const luck = random_() % 100;
        return luck < 70 ? Fate::accepts : luck < 80 ? Fate::busy : luck < 90 ? Fate::silent : Fate::ends;
    }

  private:
    std::mt19937_64& random_;
    Clock::time_point const& now_;
    std::multimap<Clock::time_point, std::function<void()>> events_;
};

constexpr auto answer_within = 50ms;

// One connection. What comes back when nobody waits any more is lost with it.
class SimDestination final : public destinations::Destination {
  public:
    SimDestination(Outside& outside, net::Executor executor,
                   std::map<store::Sequence, std::uint64_t> const& keys)
        : outside_(outside), keys_(keys), timer_(executor) {}
    ~SimDestination() override {
        if (open_) open_->destination = nullptr;
    }

    net::Task<Attempt> deliver(destinations::Outgoing const& outgoing) override {
        timer_.expires_after(outside_.travel());
        co_await timer_.async_wait(net::as_result);
        if (!outside_.up && !outside_.healthy)
            co_return Attempt{AttemptClass::connect, "refused", "", {}, {}};
        bool const goes = co_await destinations::departs(outgoing);
        if (!goes) co_return destinations::not_departed();
        auto exchange = std::make_shared<Exchange>();
        exchange->destination = this;
        open_ = exchange;
        send(exchange, outgoing.message, outgoing.possible_duplicate);
        timer_.expires_after(answer_within);
        if (!exchange->answer) co_await timer_.async_wait(net::as_result);
        exchange->destination = nullptr;
        open_.reset();
        if (!exchange->answer) co_return Attempt{AttemptClass::timeout, "timeout", "", {}, {}};
        co_return std::move(*exchange->answer);
    }
    void close() noexcept override {
        if (open_) open_->answer = Attempt{AttemptClass::cut, "cut", "", {}, {}};
        timer_.cancel();
    }
    std::string where() const override { return "simulated"; }

  private:
    struct Exchange {
        SimDestination* destination = nullptr;
        std::optional<Attempt> answer;
    };

    static void answered(std::shared_ptr<Exchange> const& exchange, Attempt attempt) {
        if (!exchange->destination) return;  // late: the connection is gone
        exchange->answer = std::move(attempt);
        exchange->destination->timer_.cancel();
    }

    void send(std::shared_ptr<Exchange> const& exchange, store::Sequence message, bool marked) {
        auto& outside = outside_;
        auto const key = keys_.at(message);
        if (outside.chance(5)) {  // lost on the way
            outside.after(outside.travel(), [exchange] {
                answered(exchange, {AttemptClass::cut, "cut", "", {}, {}});
            });
            return;
        }
        outside.after(outside.travel(), [&outside, exchange, message, key, marked, sent = ++outside.sent] {
            auto const fate = outside.fate(message);
            bool const taken = fate == Fate::accepts || fate == Fate::silent || fate == Fate::ends;
            outside.arrivals.push_back({message, key, marked, taken, sent});
            auto const back = [&](Attempt attempt, std::chrono::milliseconds time) {
                outside.after(time,
                              [exchange, attempt = std::move(attempt)] { answered(exchange, attempt); });
            };
            // Now and then an answer takes longer than anybody waits for it.
            auto const time = outside.chance(5) ? answer_within + outside.travel() : outside.travel();
            switch (fate) {
                case Fate::accepts:
                    return back({AttemptClass::delivered, "AA", "", {}, {}}, time);
                case Fate::refuses:
                    return back({AttemptClass::ar, "AR", "", {}, {}}, time);
                case Fate::busy:
                    return back({AttemptClass::busy, "AE/207", "", {}, {}}, time);
                case Fate::ends:
                    return back({AttemptClass::cut, "cut", "", {}, {}}, time);
                case Fate::silent:
                    return;
            }
        });
    }

    Outside& outside_;
    std::map<store::Sequence, std::uint64_t> const& keys_;
    net::Timer timer_;
    std::shared_ptr<Exchange> open_;
};

class Simulation {
  public:
    explicit Simulation(std::uint64_t seed) : random_(seed), clock_(now_), outside_(random_, now_) {
        options_.retry.first = 10ms;
        options_.retry.max = 200ms;
        keys_count_ = 1 + random_() % 12;
        ordered_ = random_() % 4 != 0;
        options_.connections = ordered_ ? static_cast<std::uint32_t>(1 + random_() % 8) : 1;
        if (random_() % 3 == 0) options_.on_ambiguous = delivery::Ambiguous::hold;
        if (random_() % 4 == 0) options_.on_failure.ar = delivery::Action::skip;
        if (random_() % 4 == 0) options_.retry.attempts = 5;
    }

    void run() {
        start(Ended::clean);
        auto const messages = 50 + random_() % 150;
        for (std::uint64_t n = 0; n < messages;) {
            switch (random_() % 40) {
                case 0:
                    crash();
                    break;
                case 1:
                    outside_.up = !outside_.up;
                    break;
                case 2:
                    store_.full = random_() % 2 == 0;
                    break;
                case 3:
                    store_.sync();
                    break;
                case 4:
                    stop();
                    break;
                case 6:  // R7: somebody sets the clock on the wall
                    wall_ += std::chrono::hours(24 * 365) * (static_cast<int>(random_() % 21) - 10);
                    break;
                case 5:  // a reload: other connections, the same queue
                    connect();
                    break;
                default:
                    n += accept();
            }
            advance(std::chrono::milliseconds(random_() % 30));
        }
        outside_.healthy = true;
        store_.full = false;
        for (int n = 0; n < 2000 && lane_->view().queued != 0; ++n) advance(100ms);
        check();
        stop();
    }

  private:
    std::uint64_t accept() {
        auto const key = random_() % keys_count_;
        store::Order const order{ordered_ ? 1u : 0u, ordered_ ? key : 0, random_() % 20 == 0};
        auto const entry = store_.accept("message", order, us());
        if (!entry) return 0;
        keys_[entry->sequence] = order.key;
        lane_->push(*entry);
        return 1;
    }

    void start(Ended ended) {
        runtime_ = std::make_unique<net::Runtime>(net::Runtime::Alone{});
        delivery::LaneContext const context{
            *runtime_, 0, store_, metrics_.destination("lab"), log_, [this] { return us(); }};
        last_run_ = last_run_.and_then(ended, store_.durable_end());
        lane_ = std::make_shared<Lane>("lab", test::SimStore::destination, context, store_.recovered(),
                                       last_run_);
        connect();
        lane_->start();
        advance(0ms);
    }
    void connect() {
        Lane::Destinations connections;
        for (std::uint32_t n = 0; n < options_.connections; ++n)
            connections.push_back(std::make_unique<SimDestination>(outside_, lane_->executor(), keys_));
        lane_->set_destinations(std::move(connections), delivery::Policy(options_));
    }
    // The process is gone, or the power; the rest of the world goes on.
    void crash() {
        bool const power = random_() % 2 == 0;
        lane_.reset();
        runtime_.reset();
        store_.crash(power ? random_() % (store_.not_durable() + 1) : 0);
        start(power ? Ended::machine : Ended::killed);
    }
    void stop() {
        bool ended = false;
        net::asio::co_spawn(lane_->executor(), lane_->stop(20ms), [&](std::exception_ptr) { ended = true; });
        for (int n = 0; n < 1000 && !ended; ++n) advance(5ms);
        REQUIRE(ended);
        bool const lost = lane_->lost_results();
        lane_.reset();
        runtime_.reset();
        store_.sync();
        start(lost ? Ended::killed : Ended::clean);
    }
    void advance(std::chrono::milliseconds time) {
        auto const end = now_ + time;
        for (;;) {
            poll();
            auto next = std::min(end, now_ + 2ms);  // timers of the engine are seen within 2 ms
            if (auto const event = outside_.next(); event && *event < next) next = *event;
            now_ = std::max(now_, next);
            outside_.run_due();
            poll();
            if (now_ >= end) return;
        }
    }
    void poll() {
        auto& context = runtime_->context(0);
        context.restart();
        while (context.poll() != 0) {
        }
    }
    std::int64_t us() const {
        return std::chrono::duration_cast<std::chrono::microseconds>(now_.time_since_epoch() + wall_).count();
    }

    void check() {
        CHECK(lane_->view().queued == 0);
        auto const outcomes = store_.outcomes();
        std::map<store::Sequence, std::uint64_t> taken;  // which sending was the first that was
        std::map<std::uint64_t, store::Sequence> last;
        std::set<store::Sequence> seen;
        for (auto const& arrival : outside_.arrivals) {
            CAPTURE(arrival.message);
            // A copy of what was given up may still be on its way, on a connection that is gone: nothing
            // waits for it.
            bool const set_aside = outcomes.at(arrival.message) != DeliveryOutcome::delivered;
            if (!set_aside && seen.insert(arrival.message).second) {
                CHECK(last[arrival.key] < arrival.message);
                last[arrival.key] = arrival.message;
            }
            if (!arrival.taken) continue;
            auto const [first, fresh] = taken.emplace(arrival.message, arrival.sent);
            if (!fresh) first->second = std::min(first->second, arrival.sent);
        }
        for (auto const& arrival : outside_.arrivals) {
            CAPTURE(arrival.message);
            auto const first = taken.find(arrival.message);
            if (first == taken.end() || arrival.sent <= first->second) continue;
            CHECK(arrival.marked);
            CHECK(options_.on_ambiguous == delivery::Ambiguous::resend);
        }
        CHECK(outcomes.size() == keys_.size());
        for (auto const& [message, outcome] : outcomes) {
            CAPTURE(message);
            CHECK(store::settles(outcome));
            if (outcome == DeliveryOutcome::delivered) CHECK(taken.contains(message));
        }
    }

    std::mt19937_64 random_;
    Clock::time_point now_ = Clock::time_point(1h);
    Clock::duration wall_ = 24h * 365 * 50;  // what the clock on the wall is ahead
    Clock::Simulated clock_;
    Outside outside_;
    test::SimStore store_;
    ops::Metrics metrics_;
    ops::Log log_{ops::Level::error};
    delivery::PolicyOptions options_;
    std::uint64_t keys_count_ = 1;
    bool ordered_ = false;
    std::map<store::Sequence, std::uint64_t> keys_;
    std::unique_ptr<net::Runtime> runtime_;
    std::shared_ptr<Lane> lane_;
    delivery::LastRun last_run_;
};

std::uint64_t number(char const* name, std::uint64_t otherwise) {
    char const* const text = std::getenv(name);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE("R16: whatever fails in whatever order, the promises of delivery hold") {
    if (auto const seed = number("HILUM_SIM_SEED", 0)) {
        Simulation(seed).run();
        return;
    }
    auto const seeds = number("HILUM_SIM_SEEDS", std::getenv("HILUM_LONG") ? 10'000 : 150);
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        CAPTURE(seed);
        Simulation(seed).run();
    }
}
