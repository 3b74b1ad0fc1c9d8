#include "engine/delivery/window.h"

#include <doctest/doctest.h>

#include <random>

#include "support/fake_store.h"

using namespace hilum;
using delivery::Window;

namespace {

void scan(Window& window, test::FakeStore& store, std::size_t max = Window::capacity) {
    auto const from = window.begin_scan();
    window.end_scan(*store.scan(1, from, max, 0));
}

// Everything the window gives, scanning when it asks for it.
std::vector<std::uint64_t> drain(Window& window, test::FakeStore& store) {
    std::vector<std::uint64_t> seen;
    for (;;) {
        if (auto const entry = window.pop()) {
            seen.push_back(entry->sequence);
            window.settled();
        } else if (window.must_scan()) {
            scan(window, store);
        } else {
            return seen;
        }
    }
}

std::vector<std::uint64_t> numbers(std::uint64_t last) {
    std::vector<std::uint64_t> all;
    for (std::uint64_t n = 1; n <= last; ++n) all.push_back(n);
    return all;
}

}  // namespace

TEST_CASE("a window gives every entry once, in order, when it never overflows") {
    test::FakeStore store;
    Window window({}, 0);
    CHECK(drain(window, store).empty());
    for (int i = 0; i < 100; ++i) window.push(store.add("m"));
    CHECK(window.queued() == 100);
    CHECK(drain(window, store) == numbers(100));
    CHECK(window.queued() == 0);
}

TEST_CASE("what does not fit is found again in the journal") {
    test::FakeStore store;
    Window window({}, 0);
    CHECK(drain(window, store).empty());
    for (std::size_t i = 0; i < 5 * Window::capacity; ++i) window.push(store.add("m"));
    CHECK(window.queued() == 5 * Window::capacity);
    CHECK(drain(window, store) == numbers(5 * Window::capacity));
}

TEST_CASE("entries pushed while a scan runs are neither lost nor given twice") {
    test::FakeStore store;
    Window window({}, 0);
    window.push(store.add("before"));
    auto const from = window.begin_scan();
    auto const early = store.add("in the scan and pushed");
    auto const found = *store.scan(1, from, Window::capacity, 0);
    window.push(early);
    window.push(store.add("after the scan"));
    window.end_scan(found);
    CHECK(drain(window, store) == numbers(3));
}

TEST_CASE("an entry that a scan has found before it is pushed is given once") {
    test::FakeStore store;
    Window window({}, 0);
    auto const early = store.add("on stable storage, and the commit thread is on its way here");
    CHECK(drain(window, store) == numbers(1));
    CHECK(window.queued() == 0);
    window.push(early);
    window.push(store.add("the next"));
    CHECK(window.queued() == 1);
    CHECK(drain(window, store) == std::vector<std::uint64_t>{2});
    CHECK(window.queued() == 0);
}

TEST_CASE("too many pushes during one scan leave the gap open") {
    test::FakeStore store;
    Window window({}, 0);
    auto const from = window.begin_scan();
    auto const found = *store.scan(1, from, Window::capacity, 0);
    for (std::size_t i = 0; i < 3 * Window::capacity; ++i) window.push(store.add("m"));
    window.end_scan(found);
    CHECK(drain(window, store) == numbers(3 * Window::capacity));
}

TEST_CASE("a sleeping lane is woken by the first push only") {
    test::FakeStore store;
    Window window({}, 0);
    scan(window, store);
    CHECK(window.sleep());
    CHECK(window.push(store.add("m")));
    CHECK_FALSE(window.push(store.add("m")));
    CHECK_FALSE(window.sleep());  // there is something to do
}

TEST_CASE("any interleaving of pushes, pops and scans keeps order and loses nothing") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        CAPTURE(seed);
        std::mt19937 random(seed);
        test::FakeStore store;
        Window window({}, 0);
        std::vector<std::uint64_t> seen;
        std::uint64_t pushed = 0;
        for (int step = 0; step < 300; ++step) {
            switch (random() % 4) {
                case 0:
                    for (auto n = random() % (Window::capacity / 2); n > 0; --n) {
                        window.push(store.add("m"));
                        ++pushed;
                    }
                    break;
                case 1:
                    for (auto n = random() % Window::capacity; n > 0; --n) {
                        if (auto const entry = window.pop()) seen.push_back(entry->sequence);
                    }
                    break;
                case 2:
                    if (window.must_scan()) scan(window, store, 1 + random() % Window::capacity);
                    break;
                default:
                    if (window.must_scan()) {
                        auto const from = window.begin_scan();
                        auto const some = store.add("m");
                        ++pushed;
                        auto const found = *store.scan(1, from, 1 + random() % Window::capacity, 0);
                        window.push(some);
                        window.end_scan(found);
                    }
            }
        }
        auto const rest = drain(window, store);
        seen.insert(seen.end(), rest.begin(), rest.end());
        REQUIRE(seen == numbers(pushed));
    }
}
