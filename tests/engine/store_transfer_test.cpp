// Orders to deliver again: with the result that they bring along, found again, and walked.
#include <doctest/doctest.h>

#include "tests/engine/support/store_harness.h"

using namespace hilum;
using namespace hilum::store;
using namespace hilum::testing;

TEST_CASE("store: an order to deliver elsewhere settles the entry it takes the place of in the same commit") {
    auto const disk = std::make_shared<MemoryFileSystem>();
    Position order;
    for (int run = 0; run < 2; ++run) {
        Opened o(disk);
        auto const old_lab = o.id("old_lab"), lab = o.id("lab");
        if (run == 0) {
            auto const& first = o.put("one", {{old_lab, 9, 0}});
            o.put("two", {{old_lab, 9, 0}});
            Transfer t;
            t.order = {first.sequence, first.position, 0, lab, 5, "ada"};
            t.settles = outcome({first.position, 0}, {first.position, 1}, old_lab, first.sequence,
                                DeliveryOutcome::cancelled);
            Ticket& ticket = o.told->ticket();
            REQUIRE(o.store->append(t, ticket).has_value());
            REQUIRE(o.told->wait(3));
            REQUIRE_FALSE(ticket.error.has_value());
            order = ticket.position;
        }
        CHECK(lane(*o.store, old_lab).queued == 1);
        CHECK(lane(*o.store, lab).queued == 1);
        auto const entries = all_entries(*o.store, lab, lane(*o.store, lab).cursor);
        REQUIRE(entries.size() == 1);
        CHECK(entries[0].resend);
        CHECK(entries[0].key == LaneKey{order, 0});
        CHECK(o.store->read(entries[0].message).value().record.received == "one");
        auto const read = o.store->read_order(order);
        REQUIRE(read.has_value());
        CHECK(read->by == "ada");
        CHECK(read->record.sequence == 1);
        CHECK(read->record.destination == lab);
        CHECK(o.store->read_order(entries[0].message).error().code == "no_such_record");
    }
}

TEST_CASE(
    "store: an order for a held delivery ends the holding, whether it is the message's own or of an order") {
    auto const disk = std::make_shared<MemoryFileSystem>();
    Opened o(disk);
    auto const lab = o.id("lab");
    auto const& message = o.put("one", {{lab, 9, 0}});
    LaneKey key{message.position, 0};
    for (int again = 0; again < 3; ++again) {
        REQUIRE(o.store->record(outcome(key, key.next(), lab, 1, DeliveryOutcome::held)).has_value());
        CHECK(lane(*o.store, lab).held == 1);
        Transfer t;
        t.order = {1, message.position, 0, lab, 5, "ada"};
        t.settles = outcome(key, {}, lab, 1, DeliveryOutcome::released);
        Ticket& ticket = o.told->ticket();
        REQUIRE(o.store->append(t, ticket).has_value());
        REQUIRE(o.told->wait(static_cast<std::size_t>(2 + again)));
        CHECK(lane(*o.store, lab).held == 0);
        CHECK(lane(*o.store, lab).queued == 1);
        key = {ticket.position, 0};
    }
}

TEST_CASE("store: what was made of other messages is walked in order, from a place on") {
    auto const disk = std::make_shared<MemoryFileSystem>();
    Opened o(disk);
    auto const lab = o.id("lab");
    auto const& first = o.put("one", {{lab, 9, 0}, {lab, 9, 0}});
    Position from;
    std::size_t told = 1;
    for (std::uint32_t ordinal = 0; ordinal < 2; ++ordinal) {
        if (ordinal == 1) from = o.store->durable_end();
        ResendRecord const r{1, first.position, ordinal, lab, 5, "job 3"};
        REQUIRE(o.store->append(r, o.told->ticket()).has_value());
        REQUIRE(o.told->wait(++told));
    }
    MessageRecord again;
    again.received = "one";
    again.origin = 1;
    again.source = "job 4";
    REQUIRE(o.store->append(again, o.told->ticket()).has_value());
    REQUIRE(o.told->wait(++told));
    std::string all, rest;
    auto const note = [](std::string& into) {
        return [&into](Made const& m) {
            into += std::string(m.by) + " " + std::to_string(m.message) +
                    (m.ordinal == whole_message ? "" : "." + std::to_string(m.ordinal)) + "; ";
        };
    };
    REQUIRE(o.store->walk_made({}, note(all)).has_value());
    REQUIRE(o.store->walk_made(from, note(rest)).has_value());
    CHECK(all == "job 3 1.0; job 3 1.1; job 4 1; ");
    CHECK(rest == "job 3 1.1; job 4 1; ");
}
