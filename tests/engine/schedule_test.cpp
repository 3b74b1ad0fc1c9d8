#include "engine/delivery/schedule.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <random>

using namespace hilum;
using namespace std::chrono_literals;
using delivery::Schedule;
using store::LaneEntry;
using store::LaneKey;

namespace {

LaneEntry entry(std::uint32_t number, std::uint64_t key, bool urgent = false, std::uint32_t rule = 1) {
    LaneKey const at{store::Position::at(1, number * 10), 0};
    return {at, number, at.position, 0, number, false, {rule, key, urgent}};
}

std::vector<std::uint64_t> claim_all(Schedule& schedule) {
    std::vector<std::uint64_t> numbers;
    while (auto const claim = schedule.claim()) numbers.push_back(claim->entry.sequence);
    return numbers;
}

delivery::Clock::time_point at(std::chrono::milliseconds time) {
    return delivery::Clock::time_point{} + time;
}

}  // namespace

TEST_CASE("messages of one key go one after the other, those of others beside them") {
    Schedule schedule({}, {});
    for (auto const& e : {entry(1, 7), entry(2, 7), entry(3, 8), entry(4, 7), entry(5, 9)}) schedule.add(e);
    auto const first = schedule.claim();
    REQUIRE(first);
    CHECK(first->entry.sequence == 1);
    CHECK(claim_all(schedule) == std::vector<std::uint64_t>{3, 5});
    schedule.settled(*first);
    CHECK(claim_all(schedule) == std::vector<std::uint64_t>{2});
}

TEST_CASE("without an order_by all go one after the other") {
    Schedule schedule({}, {});
    schedule.add(entry(1, 0, false, 0));
    CHECK(schedule.wants());
    schedule.add(entry(2, 0, false, 0));
    CHECK_FALSE(schedule.wants());
    auto const first = schedule.claim();
    CHECK_FALSE(schedule.claim());
    schedule.settled(*first);
    CHECK(schedule.wants());
    CHECK(claim_all(schedule) == std::vector<std::uint64_t>{2});
}

TEST_CASE("urgent messages go first, and take those of their key before them along") {
    Schedule schedule({}, {});
    for (auto const& e : {entry(1, 1), entry(2, 2), entry(3, 3), entry(4, 2, true)}) schedule.add(e);
    auto const first = schedule.claim();
    REQUIRE(first);
    CHECK(first->entry.sequence == 2);  // it stands before an urgent one of its key
    schedule.settled(*first);
    CHECK(claim_all(schedule) == std::vector<std::uint64_t>{4, 1, 3});
}

TEST_CASE("the cursor stands at the oldest that is not settled") {
    Schedule schedule({}, {});
    for (auto const& e : {entry(1, 1), entry(2, 2), entry(3, 2), entry(4, 3)}) schedule.add(e);
    auto const one = *schedule.claim(), two = *schedule.claim(), four = *schedule.claim();
    CHECK(schedule.cursor_after(two) == entry(1, 1).key);
    schedule.settled(two);
    CHECK(schedule.cursor_after(one) == entry(3, 2).key);
    schedule.settled(one);
    CHECK(schedule.cursor_after(four) == entry(3, 2).key);
    schedule.settled(four);
    auto const three = *schedule.claim();
    CHECK(schedule.cursor_after(three) == entry(4, 3).key.next());
}

TEST_CASE("a key that waits holds back its own messages only, and keeps one of them in memory") {
    Schedule schedule({}, {});
    for (std::uint32_t n = 1; n <= 6; ++n) schedule.add(entry(n, n % 2));
    auto const poisoned = *schedule.claim();
    REQUIRE(poisoned.entry.sequence == 1);
    schedule.again(poisoned, at(10ms));
    CHECK(schedule.in_hand() == 4);
    for (std::uint64_t n : {2, 4, 6}) {
        auto const claim = schedule.claim();
        REQUIRE(claim);
        CHECK(claim->entry.sequence == n);
        schedule.settled(*claim);
    }
    CHECK_FALSE(schedule.claim());
    CHECK(schedule.blocked_count() == 1);
    schedule.begin_due(at(9ms));
    CHECK_FALSE(schedule.claim());
    CHECK(schedule.next_due() == at(10ms));
    schedule.begin_due(at(10ms));
    auto const again = schedule.claim();
    REQUIRE(again);
    CHECK(again->entry.sequence == 1);
    CHECK(schedule.cursor_after(*again) == entry(3, 1).key);
    schedule.settled(*again);
    // The two behind it are read again.
    auto const sweep = schedule.begin_sweep();
    REQUIRE(sweep);
    CHECK(sweep->from == entry(3, 1).key);
    for (std::uint32_t n = 3; n <= 6; ++n) schedule.swept(entry(n, n % 2));
    schedule.end_sweep(sweep->until);
    for (std::uint64_t n : {3, 5}) {
        auto const claim = schedule.claim();
        REQUIRE(claim);
        CHECK(claim->entry.sequence == n);
        schedule.settled(*claim);
    }
    CHECK_FALSE(schedule.begin_sweep());
    CHECK(schedule.oldest() == nullptr);
}

TEST_CASE("a stopped key waits for a person") {
    Schedule schedule({}, {});
    for (auto const& e : {entry(1, 1), entry(2, 1), entry(3, 2)}) schedule.add(e);
    schedule.stop(*schedule.claim());
    CHECK(claim_all(schedule) == std::vector<std::uint64_t>{3});
    CHECK(schedule.stopped_count() == 1);
    schedule.begin_due(at(1000h));
    CHECK_FALSE(schedule.claim());
    CHECK_FALSE(schedule.start(2));
    CHECK(schedule.start(1));
    CHECK(claim_all(schedule) == std::vector<std::uint64_t>{1});
}

TEST_CASE("keys made by another rule wait until all before them is settled") {
    Schedule schedule({}, {});
    schedule.add(entry(1, 1));
    CHECK(schedule.accepts(entry(2, 5)));
    CHECK_FALSE(schedule.accepts(entry(2, 5, false, 2)));
    auto const first = *schedule.claim();
    CHECK_FALSE(schedule.accepts(entry(2, 5, false, 2)));
    schedule.settled(first);
    CHECK(schedule.accepts(entry(2, 5, false, 2)));
}

TEST_CASE("what an earlier run has settled is left out") {
    Schedule schedule({}, {entry(2, 1).key, entry(3, 2).key});
    for (auto const& e : {entry(1, 1), entry(2, 1), entry(3, 2), entry(4, 2)}) schedule.add(e);
    auto const one = *schedule.claim();
    CHECK(one.entry.sequence == 1);
    CHECK(claim_all(schedule) == std::vector<std::uint64_t>{4});
    schedule.settled(one);
    CHECK_FALSE(schedule.claim());
}

// A model beside it: whatever fails, waits, stops, is found again: each message once, in order within its
// key, nothing kept that the limits forbid, and the cursor never past what is owed.
TEST_CASE("any order of events settles each message once and keeps the order of each key") {
    for (unsigned seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        Schedule::Limits limits;
        limits.entries = 8 + random() % 20;
        limits.of_key = 1 + random() % 5;
        limits.keys = 4 + random() % 10;
        auto const keys = 1 + random() % 12;
        std::vector<LaneEntry> journal;
        std::vector<LaneKey> before;
        for (std::uint32_t n = 1; n <= 300; ++n) {
            std::uint32_t const rule = n < 200 ? 1 : 2;
            journal.push_back(entry(n, random() % keys, random() % 10 == 0, rule));
            if (n < 100 && random() % 6 == 0) before.push_back(journal.back().key);
        }
        Schedule schedule({}, before, limits);
        std::vector<std::uint64_t> settled;
        std::vector<Schedule::Claim> busy;
        std::size_t read = 0;
        auto now = at(0ms);
        std::size_t const owed = journal.size() - before.size();
        auto const first_owed = [&] {
            for (auto const& e : journal) {
                bool const done = std::find(settled.begin(), settled.end(), e.sequence) != settled.end() ||
                                  std::binary_search(before.begin(), before.end(), e.key);
                if (!done) return e.key;
            }
            return journal.back().key.next();
        };
        for (int steps = 0; settled.size() < owed; ++steps) {
            REQUIRE(steps < 100'000);
            switch (random() % 8) {
                case 0:
                case 1:
                    while (read < journal.size() && schedule.wants() && schedule.accepts(journal[read]))
                        schedule.add(journal[read++]);
                    break;
                case 2:
                    if (auto const sweep = schedule.begin_sweep()) {
                        bool const cut = random() % 4 == 0;
                        auto reached = sweep->from;
                        for (auto const& e : journal) {
                            if (e.key < sweep->from || e.key >= sweep->until) continue;
                            if (cut && random() % 10 == 0) break;
                            // In the middle of a sweep the rest goes on.
                            if (random() % 5 == 0 && read < journal.size() && schedule.wants() &&
                                schedule.accepts(journal[read]))
                                schedule.add(journal[read++]);
                            if (random() % 5 == 0 && !busy.empty()) {
                                if (random() % 2 == 0) {
                                    schedule.again(busy.back(), now + 5ms);
                                } else {
                                    settled.push_back(busy.back().entry.sequence);
                                    schedule.settled(busy.back());
                                }
                                busy.pop_back();
                            }
                            schedule.swept(e);
                            reached = e.key.next();
                        }
                        schedule.end_sweep(cut ? reached : sweep->until);
                    }
                    break;
                case 3:
                case 4:
                    if (busy.size() < 4) {
                        if (auto const claim = schedule.claim()) busy.push_back(*claim);
                    }
                    break;
                case 5:
                    if (!busy.empty()) {
                        auto const which = random() % busy.size();
                        auto const claim = busy[which];
                        busy.erase(busy.begin() + static_cast<std::ptrdiff_t>(which));
                        auto const fate = random() % 10;
                        if (fate < 6) {
                            auto const cursor = schedule.cursor_after(claim);
                            settled.push_back(claim.entry.sequence);
                            schedule.settled(claim);
                            CHECK(cursor <= first_owed());
                        } else if (fate < 8) {
                            schedule.again(claim, now + std::chrono::milliseconds(random() % 20));
                        } else if (fate < 9) {
                            schedule.again_at_once(claim);
                        } else {
                            schedule.stop(claim);
                        }
                    }
                    break;
                case 6:
                    now += 3ms;
                    schedule.begin_due(now);
                    break;
                case 7:
                    if (random() % 10 == 0) schedule.start_all();
                    break;
            }
            CHECK(schedule.in_hand() <= limits.entries + limits.keys);
        }
        CHECK(busy.empty());
        std::map<std::uint64_t, std::uint64_t> last;
        std::set<std::uint64_t> once;
        for (auto const number : settled) {
            CHECK(once.insert(number).second);
            auto const& e = journal[number - 1];
            auto& of_key = last[e.order.key];
            CHECK(of_key < number);
            of_key = number;
        }
        CHECK(schedule.oldest() == nullptr);
        CHECK(schedule.in_hand() == 0);
    }
}
