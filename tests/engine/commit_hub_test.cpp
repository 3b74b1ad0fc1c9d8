// Many records committed together keep their order, and whatever stops them, those on disk are the first
// ones.
#include "engine/flow/commit_hub.h"

#include <doctest/doctest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>

#include "engine/delivery/lane.h"
#include "tests/engine/support/store_harness.h"

using namespace hilum;
using namespace hilum::testing;

namespace {

struct Bench {
    net::Runtime runtime{1};
    flow::CommitHub hub{runtime};
    std::shared_ptr<MemoryFileSystem> disk = std::make_shared<MemoryFileSystem>();
    std::unique_ptr<store::Store> store;

    explicit Bench(std::uint64_t max_pending = 64u << 20) {
        auto options = small_store(1u << 20);
        options.max_pending = max_pending;
        auto opened = store::open_store(std::move(options), disk, hub);
        REQUIRE(opened.has_value());
        store = std::move(*opened);
        runtime.start();
    }
    ~Bench() {
        runtime.stop();
        CHECK(store->close().has_value());
    }

    std::vector<store::Ticket> commit(std::vector<store::MessageRecord> const& records,
                                      std::optional<Error>& refused) {
        auto work = [&]() -> net::Task<std::vector<store::Ticket>> {
            auto const all = std::span<store::MessageRecord const>(records);
            co_return co_await hub.commit_in_order(*store, all, refused);
        };
        return net::asio::co_spawn(runtime.context(0), work, net::asio::use_future).get();
    }
};

std::vector<store::MessageRecord> messages(std::vector<std::string> const& bodies) {
    std::vector<store::MessageRecord> records(bodies.size());
    for (std::size_t i = 0; i < bodies.size(); ++i) records[i].received = bodies[i];
    return records;
}

std::vector<std::string> bodies(std::size_t count, std::size_t size) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i < count; ++i) out.push_back(std::to_string(i) + std::string(size, 'x'));
    return out;
}

}  // namespace

TEST_CASE("hub: records committed together are on disk in their order, with few syncs") {
    Bench bench;
    std::optional<Error> refused;
    CHECK(bench.commit({}, refused).empty());
    auto const all = bodies(300, 100);
    auto const tickets = bench.commit(messages(all), refused);
    CHECK_FALSE(refused.has_value());
    REQUIRE(tickets.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        CHECK(tickets[i].sequence == i + 1);
        CHECK(bench.store->read(tickets[i].position).value().record.received == all[i]);
    }
    CHECK(bench.store->stat().commits < 300);
}

TEST_CASE("hub: when the store is busy the first ones are on disk, and the rest is for another time") {
    Bench bench(8192);
    auto const all = bodies(50, 1000);
    auto const records = messages(all);
    std::size_t done = 0;
    std::size_t busy = 0;
    while (done < records.size()) {
        std::optional<Error> refused;
        std::vector<store::MessageRecord> const rest(records.begin() + static_cast<std::ptrdiff_t>(done),
                                                     records.end());
        auto const tickets = bench.commit(rest, refused);
        for (auto const& ticket : tickets) {
            CHECK(ticket.sequence == done + 1);
            CHECK(bench.store->read(ticket.position).value().record.received == all[done]);
            ++done;
        }
        CHECK(refused.has_value() == (tickets.size() < rest.size()));
        if (!refused) continue;
        ++busy;
        CHECK(refused->code == "busy");
    }
    CHECK(busy > 0);
    CHECK(bench.store->stat().last == all.size());
}

TEST_CASE("hub: a record that is too large stops those behind it") {
    Bench bench;
    auto const all = bodies(3, 100);
    auto records = messages(all);
    std::string const large(1u << 20, 'x');
    records[1].bodies.assign(1100, large);  // more than 1 GiB, without holding it
    std::optional<Error> refused;
    auto const tickets = bench.commit(records, refused);
    CHECK(tickets.size() == 1);
    REQUIRE(refused.has_value());
    CHECK(refused->code == "record_too_large");
}
