#include "engine/delivery/policy.h"

#include <doctest/doctest.h>

using namespace hilum;
using namespace std::chrono_literals;
using delivery::Action;
using delivery::Policy;
using delivery::PolicyOptions;
using destinations::AttemptClass;

TEST_CASE("pauses double up to the longest, spread by a fifth either way") {
    PolicyOptions options;
    options.retry.first = 1s;
    options.retry.max = 60s;
    Policy const policy(options);
    struct Row {
        std::uint32_t attempt;
        std::chrono::milliseconds middle;
    };
    for (auto const& row : {Row{1, 1s}, Row{2, 2s}, Row{3, 4s}, Row{6, 32s}, Row{7, 60s}, Row{31, 60s},
                            Row{4'000'000'000u, 60s}}) {
        CAPTURE(row.attempt);
        CHECK(policy.pause(row.attempt, 0ms, 0.5) == row.middle);
        CHECK(policy.pause(row.attempt, 0ms, 0.0) == row.middle * 8 / 10);
        CHECK(policy.pause(row.attempt, 0ms, 0.9999) <= row.middle * 12 / 10);
    }
    CHECK(policy.pause(1, 90s, 0.5) == 90s);                      // the receiver asked for it
    CHECK(policy.pause(1, 1000h, 0.5) == std::chrono::hours(1));  // but not for ever
}

TEST_CASE("defaults: what may pass is tried again, what the receiver refused is held") {
    Policy const policy{PolicyOptions{}};
    using enum AttemptClass;
    for (auto const failure : {connect, timeout, cut, busy, bad_answer, local})
        CHECK(policy.action(failure) == Action::retry);
    for (auto const failure : {ae, ar, held, unconfirmed}) CHECK(policy.action(failure) == Action::hold);
    CHECK_FALSE(policy.give_up().has_value());
}

TEST_CASE("give_up is never or a time") {
    PolicyOptions options;
    options.retry.give_up.value = "24h";
    CHECK(Policy(options).give_up() == 24h);
}
