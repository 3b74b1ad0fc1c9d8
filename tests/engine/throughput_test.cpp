// What a queue says of its speed: of the last minute, and nothing when there is nothing to go by.
#include "engine/delivery/throughput.h"

#include <doctest/doctest.h>

using namespace hilum;
using namespace std::chrono_literals;
using delivery::Throughput;

namespace {

// A queue in which so many come and go in a second, at the clock of the test.
struct Queue {
    Throughput throughput;
    Throughput::Clock::time_point now{1h};
    std::uint64_t queued = 0;

    void run(std::chrono::seconds time, std::uint64_t come, std::uint64_t go) {
        for (auto const end = now + time; now < end; now += 1s) {
            queued += come;
            for (std::uint64_t i = 0; i < go && queued > 0; ++i) throughput.settled(now, --queued);
        }
    }
    std::optional<Throughput::Rates> rates() const { return throughput.rates(now, queued); }
};

}  // namespace

TEST_CASE("throughput: what comes and what goes, in the last minute") {
    Queue queue;
    queue.queued = 100'000;
    CHECK_FALSE(queue.rates().has_value());  // nobody knows
    queue.run(600s, 10, 40);
    REQUIRE(queue.rates().has_value());
    CHECK(queue.rates()->settled == doctest::Approx(40).epsilon(0.1));
    CHECK(queue.rates()->arrived == doctest::Approx(10).epsilon(0.1));
    queue.run(60s, 50, 5);  // the minute before does not count any more
    CHECK(queue.rates()->settled == doctest::Approx(5).epsilon(0.1));
    CHECK(queue.rates()->arrived == doctest::Approx(50).epsilon(0.1));
}

TEST_CASE("throughput: soon after the first, and not when none has gone for long") {
    Queue queue;
    queue.queued = 1000;
    queue.throughput.settled(queue.now, --queue.queued);
    CHECK_FALSE(queue.rates().has_value());  // of one alone no speed can be told
    queue.run(5s, 0, 20);
    CHECK(queue.rates()->settled == doctest::Approx(20).epsilon(0.1));
    CHECK(queue.rates()->arrived == doctest::Approx(0));
    queue.run(20s, 1, 0);  // it stands: slower and slower
    CHECK(queue.rates()->settled < 5);
    queue.run(60s, 1, 0);
    CHECK_FALSE(queue.rates().has_value());
    queue.run(10s, 1, 30);  // what was before the rest does not count
    CHECK(queue.rates()->settled == doctest::Approx(30).epsilon(0.15));
}
