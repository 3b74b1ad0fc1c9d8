// What goes in comes out again, in order, also after a restart.
#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "tests/engine/support/store_harness.h"

using namespace hilum;
using namespace hilum::store;
using namespace hilum::testing;

TEST_CASE("store: a message comes back as it went in, before and after a restart") {
    auto disk = std::make_shared<MemoryFileSystem>();
    Position position;
    {
        Opened o(disk);
        CHECK(o.store->recovery().clean);
        NameId const lab = o.id("lab");
        std::string const received(3000, 'r');
        MessageRecord m;
        m.received_us = -5;
        m.listener = o.id("adt_in");
        m.state = MessageState::held;
        m.origin = 77;
        m.source = "file:adt.hl7#3";
        m.config_hash = "abc";
        m.received = received;
        m.answer_code = "AR";
        m.answer = "MSH|nak";
        m.verdicts = {{o.id("r1"), 2, "step 2: no"}, {o.id("r2"), 0, ""}};
        std::string const same = received;
        m.bodies = {"changed", same, ""};
        m.deliveries = {{lab, 3, 1}, {lab, 4, 0}, {o.id("ehr"), 4, 2}, {lab, 4, 3}};
        Ticket& t = o.told->ticket();
        REQUIRE(o.store->append(m, t).has_value());
        CHECK(t.sequence == 1);
        REQUIRE(o.told->wait(1));
        CHECK_FALSE(t.error.has_value());
        position = t.position;
        CHECK(o.store->durable_end() > position);
        REQUIRE(o.store->close().has_value());
    }
    Opened o(disk);
    CHECK(o.store->recovery().clean);
    CHECK(o.store->recovery().cut_bytes == 0);
    CHECK(o.store->recovery().damage.empty());
    CHECK(o.store->name(1) == "lab");
    CHECK(o.id("ehr") == 5);
    auto const read = o.store->read(position);
    REQUIRE(read.has_value());
    auto const& r = read->record;
    CHECK(r.sequence == 1);
    CHECK(r.received_us == -5);
    CHECK(o.store->name(r.listener) == "adt_in");
    CHECK(r.state == MessageState::held);
    CHECK(r.origin == 77);
    CHECK(r.source == "file:adt.hl7#3");
    CHECK(r.received == std::string(3000, 'r'));
    CHECK(r.answer == "MSH|nak");
    REQUIRE(r.verdicts.size() == 2);
    CHECK(r.verdicts[0].reason == "step 2: no");
    REQUIRE(r.bodies.size() == 3);
    CHECK(r.bodies[1] == r.received);
    CHECK(read->body(0) == "changed");
    CHECK(read->body(1) == r.received);
    CHECK(read->body(2) == r.received);
    CHECK(read->body(3).empty());
    CHECK(read->buffer.size() < 3500);  // the equal body is stored once
    CHECK(o.store->find(1).value() == position);
    CHECK(o.store->find(2).error().code == "no_such_record");
    CHECK(o.store->read(o.store->durable_end()).error().code == "no_such_record");
    CHECK(o.store->read(Position::at(9, 128)).error().code == "no_such_record");
}

TEST_CASE("store: entries of a lane come in order over many segments and restarts") {
    auto disk = std::make_shared<MemoryFileSystem>();
    std::vector<LaneKey> lab_keys;
    std::vector<LaneKey> ehr_keys;
    for (int run = 0; run < 4; ++run) {
        Opened o(disk);
        NameId const lab = o.id("lab");
        NameId const ehr = o.id("ehr");
        for (int i = 0; i < 60; ++i) {
            std::string const text(1000 + 37 * static_cast<std::size_t>(i), 'x');
            std::vector<DeliveryEntry> deliveries = {{lab, 9, 0}};
            if (i % 3 == 0) deliveries.push_back({ehr, 9, 0});
            if (i % 5 == 0) deliveries.push_back({lab, 10, 0});
            auto const& t = o.put(text, deliveries);
            REQUIRE_FALSE(t.error.has_value());
            lab_keys.push_back({t.position, 0});
            if (i % 3 == 0) ehr_keys.push_back({t.position, 1});
            if (i % 5 == 0) lab_keys.push_back({t.position, i % 3 == 0 ? 2u : 1u});
        }
        CHECK(o.store->stat().segments > static_cast<std::uint64_t>(run));
        auto const check = [&](NameId id, std::vector<LaneKey> const& keys) {
            auto const entries = all_entries(*o.store, id);
            REQUIRE(entries.size() == keys.size());
            for (std::size_t i = 0; i < keys.size(); ++i) CHECK(entries[i].key == keys[i]);
            CHECK(lane(*o.store, id).queued == keys.size());
            CHECK(all_entries(*o.store, id, keys[keys.size() / 2], 1).size() ==
                  keys.size() - keys.size() / 2);
        };
        check(lab, lab_keys);
        check(ehr, ehr_keys);
        if (run == 1) REQUIRE(o.store->close().has_value());
    }
    Opened o(disk);
    CHECK(o.store->stat().last == 240);
    CHECK(o.store->stat().messages == 240);
    for (Sequence n = 1; n <= 240; n += 7)
        CHECK(o.store->read(o.store->find(n).value()).value().record.sequence == n);
    auto const report = verify("data", disk);
    CHECK(report.error().code == "store_locked");
}

TEST_CASE("store: results move the cursor and the counts; a restart finds the same") {
    auto disk = std::make_shared<MemoryFileSystem>();
    std::vector<LaneKey> k;
    auto const state = [&](Store& s) {
        auto const l = lane(s, s.name_id("lab"));
        return std::to_string(l.queued) + "/" + std::to_string(l.held) + "/" +
               std::to_string(l.settled_ahead.size());
    };
    {
        Opened o(disk);
        NameId const lab = o.id("lab");
        for (int i = 0; i < 6; ++i) k.push_back({o.put("m", {{lab, 1, 0}}).position, 0});
        auto& s = *o.store;
        CHECK(state(s) == "6/0/0");
        REQUIRE(s.record(outcome(k[0], k[0], lab, 1, DeliveryOutcome::failed)).has_value());
        CHECK(state(s) == "6/0/0");
        REQUIRE(s.record(outcome(k[2], k[0], lab, 3)).has_value());
        CHECK(state(s) == "5/0/1");
        REQUIRE(s.record(outcome(k[2], k[0], lab, 3)).has_value());  // said twice, counts once
        CHECK(state(s) == "5/0/1");
        REQUIRE(s.record(outcome(k[0], k[1], lab, 1)).has_value());
        CHECK(lane(s, lab).cursor == k[1]);
        REQUIRE(s.record(outcome(k[1], k[3], lab, 2, DeliveryOutcome::held)).has_value());
        CHECK(state(s) == "3/1/0");
        CHECK(lane(s, lab).cursor == k[3]);
    }
    {
        Opened o(disk->after_kill());
        CHECK_FALSE(o.store->recovery().clean);
        CHECK(o.store->recovery().cut_bytes == 0);
        NameId const lab = o.id("lab");
        auto& s = *o.store;
        CHECK(state(s) == "3/1/0");
        CHECK(lane(s, lab).cursor == k[3]);
        CHECK(all_entries(s, lab, lane(s, lab).cursor).size() == 3);
        // A person sends the held one again: a new entry at the end, and the old one is no longer held.
        ResendRecord again;
        again.sequence = 2;
        again.position = k[1].position;
        again.destination = lab;
        again.by = "pat";
        Ticket& t = o.told->ticket();
        REQUIRE(s.append(again, t).has_value());
        REQUIRE(o.told->wait(1));
        REQUIRE(s.record(outcome(k[1], {}, lab, 2, DeliveryOutcome::released)).has_value());
        REQUIRE(s.record(outcome(k[1], {}, lab, 2, DeliveryOutcome::released)).has_value());
        CHECK(state(s) == "4/0/0");
        auto const entries = all_entries(s, lab, lane(s, lab).cursor);
        REQUIRE(entries.size() == 4);
        CHECK(entries.back().resend);
        CHECK(entries.back().message == k[1].position);
        CHECK(entries.back().sequence == 2);
        CHECK(s.read(entries.back().message).value().record.received == "m");
        disk = o.disk;
    }
    Opened o(disk->after_kill());
    CHECK(state(*o.store) == "4/0/0");
}

TEST_CASE("store: eight threads share syncs; every message is told once, in journal order") {
    auto disk = std::make_shared<MemoryFileSystem>();
    constexpr std::size_t threads = 8;
    constexpr std::size_t each = 400;
    {
        Opened o(disk, small_store(256u << 10));
        auto const before = disk->counts();
        std::vector<std::thread> running;
        for (std::size_t t = 0; t < threads; ++t) {
            running.emplace_back([&o, t] {
                std::string const text(200, static_cast<char>('a' + t));
                std::string const name = "dest" + std::to_string(t % 3);
                for (std::size_t i = 0; i < each; ++i) {
                    MessageRecord m;
                    m.received = text;
                    m.deliveries = {{o.store->name_id(name), 1, 0}};
                    Ticket& ticket = o.told->ticket();
                    while (!o.store->append(m, ticket)) std::this_thread::yield();
                    if (i % 50 == 49)
                        (void)o.store->record(
                            outcome({}, {}, o.store->name_id(name), 1, DeliveryOutcome::failed));
                }
            });
        }
        for (auto& t : running) t.join();
        REQUIRE(o.told->wait(threads * each));
        auto const order = o.told->order();
        for (std::size_t i = 0; i < order.size(); ++i) {
            CHECK(order[i]->sequence == i + 1);
            if (i > 0) CHECK(order[i]->position > order[i - 1]->position);
        }
        CHECK(disk->counts().syncs - before.syncs < threads * each);
        CHECK(o.store->stat().synced_messages == threads * each);
        REQUIRE(o.store->close().has_value());
    }
    Opened o(disk, small_store(256u << 10));
    std::uint64_t queued = 0;
    for (auto const& l : o.store->lanes()) queued += l.queued;
    CHECK(queued == threads * each);
}

TEST_CASE("store: a message larger than a segment gets one of its own") {
    auto disk = std::make_shared<MemoryFileSystem>();
    std::string const large(300'000, 'L');
    {
        Opened o(disk);
        REQUIRE_FALSE(o.put("small").error.has_value());
        REQUIRE_FALSE(o.put(large).error.has_value());
        REQUIRE_FALSE(o.put("small").error.has_value());
    }
    Opened o(disk->after_kill());
    CHECK(o.store->recovery().damage.empty());
    CHECK(o.store->read(o.store->find(2).value()).value().record.received == large);
    CHECK(o.store->read(o.store->find(3).value()).value().record.received == "small");
}

TEST_CASE("store: two processes don't share a store") {
    auto disk = std::make_shared<MemoryFileSystem>();
    Opened o(disk);
    Told told;
    CHECK(open_store(small_store(), disk, told).error().code == "store_locked");
}

TEST_CASE("store: what came of a message that waited settles its entry in the same commit") {
    auto disk = std::make_shared<MemoryFileSystem>();
    LaneKey waiting, resent;
    for (int run = 0; run < 2; ++run) {
        Opened o(disk);
        NameId const route = o.id("(route r)"), lab = o.id("lab");
        if (run == 0) {
            auto const& first = o.put("one", {{route, 9, 0}});
            auto const& second = o.put("two", {{route, 9, 0}});
            waiting = {second.position, 0};
            Continuation c;
            c.message.received = "one, changed";
            c.message.origin = first.sequence;
            c.message.deliveries = {{lab, 9, 0}};
            c.settles.sequence = first.sequence;
            c.settles.destination = route;
            c.settles.key = {first.position, 0};
            c.settles.settled_up_to = c.settles.key.next();
            c.settles.code = "done";
            Ticket& t = o.told->ticket();
            REQUIRE(o.store->append(c, t).has_value());
            REQUIRE(o.told->wait(3));
            REQUIRE_FALSE(t.error.has_value());
            CHECK(t.sequence == 3);
        }
        CHECK(lane(*o.store, route).queued == 1);
        CHECK(lane(*o.store, lab).queued == 1);
        auto const entries = all_entries(*o.store, route, lane(*o.store, route).cursor);
        REQUIRE(entries.size() == 1);
        CHECK(entries[0].key == waiting);
        if (run == 0) continue;  // without close(): as after a crash
        auto const made = o.store->read(o.store->find(3).value());
        CHECK(made.value().record.origin == 1);
        CHECK(made.value().record.received == "one, changed");
    }
}
