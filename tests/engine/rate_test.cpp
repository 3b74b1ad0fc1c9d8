#include "engine/net/rate.h"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using hilum::net::Rate;
using hilum::net::RateLimit;

TEST_CASE("rate: what is written") {
    REQUIRE(Rate::read("100/s"));
    CHECK(Rate::read("100/s")->count == 100);
    CHECK(Rate::read("20/min")->per == 60s);
    CHECK(Rate::read("5/h")->per == 3600s);
    for (auto const* wrong : {"", "100", "/s", "0/s", "-1/s", "1.5/s", "100/d", "100/s ", "99999999999/s"}) {
        CAPTURE(wrong);
        CHECK_FALSE(Rate::read(wrong));
    }
}

TEST_CASE("rate: turns at equal distances, a burst after a pause") {
    RateLimit limit(*Rate::read("10/s"), 3);
    auto const begin = RateLimit::Clock::time_point(1h);
    CHECK(limit.take(begin, 1h) == 0s);
    CHECK(limit.take(begin, 1h) == 0s);
    CHECK(limit.take(begin, 1h) == 0s);
    CHECK(limit.take(begin, 1h) == 100ms);
    CHECK(limit.take(begin, 1h) == 200ms);
    CHECK_FALSE(limit.take(begin, 250ms));  // and none was taken
    CHECK(limit.take(begin, 300ms) == 300ms);
    CHECK(limit.take(begin + 1h, 1h) == 0s);  // the pause saves no more than the burst
    CHECK(limit.take(begin + 1h, 1h) == 0s);
    CHECK(limit.take(begin + 1h, 1h) == 0s);
    CHECK(limit.take(begin + 1h, 1h) == 100ms);
}
