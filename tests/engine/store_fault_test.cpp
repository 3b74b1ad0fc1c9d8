// The disk fails, fills up, loses power and rots (RELIABILITY R2-R6). Every loop names its step or seed.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/store/segment.h"
#include "tests/engine/support/store_harness.h"

using namespace hilum;
using namespace hilum::store;
using namespace hilum::testing;

namespace {

std::uint64_t times(std::uint64_t usually, std::uint64_t at_length) {
    return std::getenv("HILUM_LONG") != nullptr ? at_length : usually;
}

// What a run promised: messages acknowledged, and results that were handed over.
struct Promised {
    std::map<Sequence, std::string> acknowledged;  // number -> text
    std::vector<LaneKey> keys;                     // of lane "lab", in order
    std::set<LaneKey> settled;
};

std::string text_of(std::uint64_t n) {
    return "message " + std::to_string(n) + " " + std::string(n * 97 % 1500, 'x');
}

// Puts in messages and settles some, until the store says no. Deterministic.
void work(Opened& o, Promised& promised, std::uint64_t n) {
    NameId const lab = o.id("lab");
    NameId const ehr = o.id("ehr");
    // An earlier life may have left entries: they come first.
    promised.keys.clear();
    promised.settled.clear();
    auto const was = lane(*o.store, lab);
    for (auto const& e : all_entries(*o.store, lab, was.cursor, 50, 1u << 20)) promised.keys.push_back(e.key);
    for (std::uint64_t i = 0; i < n; ++i) {
        std::string const text = text_of(i);
        auto const& t = o.put(text, {{ehr, 1, 0}, {lab, 1, 0}});
        if (t.error) return;
        promised.acknowledged[t.sequence] = text;
        promised.keys.push_back({t.position, 1});
        if (i % 3 == 2) {
            LaneKey const k = promised.keys[promised.settled.size()];
            if (!o.store->record(outcome(k, k.next(), lab, t.sequence))) return;
            promised.settled.insert(k);
        }
    }
}

// The lane as found must hold every acknowledged message that is not settled, in order; its count must be
// what a scan finds. `results_kept`: no result that was handed over may be lost.
void check_kept(Store& s, Promised const& promised, bool results_kept) {
    for (auto const& [number, text] : promised.acknowledged) {
        auto const p = s.find(number);
        REQUIRE_MESSAGE(p.has_value(), "message " << number << " is gone");
        auto const m = s.read(*p);
        REQUIRE_MESSAGE(m.has_value(), "message " << number << " can't be read");
        REQUIRE(m->record.received == text);
    }
    NameId const lab = s.name_id("lab");
    for (auto const& l : s.lanes()) {
        auto const entries = all_entries(s, l.destination, l.cursor, 50, 1u << 20);
        std::set<LaneKey> const ahead(l.settled_ahead.begin(), l.settled_ahead.end());
        std::set<LaneKey> open;
        LaneKey last;
        for (auto const& e : entries) {
            REQUIRE(e.key > last);
            last = e.key;
            if (!ahead.contains(e.key)) open.insert(e.key);
        }
        REQUIRE(open.size() == l.queued);
        if (l.destination != lab) continue;
        for (auto const& k : promised.keys) {
            if (!promised.settled.contains(k))
                REQUIRE_MESSAGE(open.contains(k), "an entry of the lane is gone");
            if (promised.settled.contains(k) && results_kept)
                REQUIRE_MESSAGE(!open.contains(k), "a result is gone");
        }
    }
}

void check_whole(std::shared_ptr<MemoryFileSystem> const& disk) {
    auto const report = verify("data", disk);
    REQUIRE(report.has_value());
    std::string all;
    for (auto const& d : report->damage) all += d + "\n";
    REQUIRE_MESSAGE(all.empty(), all);
}

constexpr std::uint64_t messages = 150;  // over two segments and more

}  // namespace

TEST_CASE("store fault: killed at any step, nothing acknowledged and no result is lost") {
    auto const count = [] {
        auto disk = std::make_shared<MemoryFileSystem>();
        Opened o(disk);
        Promised p;
        work(o, p, messages);
        return disk->counts().steps;
    }();
    std::uint64_t const stride = times(11, 1);
    for (std::uint64_t step = 12; step < count; step += stride) {
        CAPTURE(step);
        auto disk = std::make_shared<MemoryFileSystem>();
        Promised promised;
        {
            Opened o(disk);
            disk->cut_power_at(step);
            work(o, promised, messages);
        }
        auto const found = disk->after_kill();
        {
            Opened o(found);
            CHECK(o.store->recovery().damage.empty());
            check_kept(*o.store, promised, true);
            // And it goes on.
            REQUIRE_FALSE(o.put("more", {{o.id("lab"), 1, 0}}).error.has_value());
        }
        check_whole(found);
    }
}

TEST_CASE("store fault: power cuts that drop, tear and reorder what was not synced") {
    std::uint64_t const cuts = times(150, 2000);
    for (std::uint64_t seed = 1; seed <= cuts; ++seed) {
        CAPTURE(seed);
        std::mt19937_64 random(seed);
        auto disk = std::make_shared<MemoryFileSystem>();
        Promised promised;
        for (int lives = 0; lives < 2; ++lives) {
            {
                Opened o(disk);
                disk->cut_power_at(disk->counts().steps + 1 + random() % 250);
                work(o, promised, messages);
            }
            disk = disk->after_power_cut(random());
            Told told;
            auto again = open_store(small_store(), disk, told);
            REQUIRE_MESSAGE(again.has_value(), (again ? std::string() : again.error().text()));
            REQUIRE((*again)->recovery().damage.empty());
            // Results may be lost (a redelivery), messages not. A second cut right after the recovery changes
            // nothing.
            check_kept(**again, promised, false);
            again = error("closed", "", "");
            disk = disk->after_power_cut(random());
            {
                Opened o(disk);
                check_kept(*o.store, promised, false);
            }
            disk = disk->after_kill();
        }
        check_whole(disk);
    }
}

TEST_CASE(
    "store fault: the k-th step fails; never an acknowledgement after it, never a second sync, and a restart "
    "recovers") {
    std::uint64_t const steps = times(120, 500);
    for (std::uint64_t k = 1; k <= steps; ++k) {
        CAPTURE(k);
        auto disk = std::make_shared<MemoryFileSystem>();
        Promised promised;
        {
            Opened o(disk);
            disk->fail_step(disk->counts().steps + k);
            work(o, promised, messages);
            if (disk->counts().steps >= k && o.store->health() == Health::failed) {
                auto const syncs = disk->counts().syncs;
                CHECK(o.put("after").error.value().code == "store_failed");
                CHECK(o.store->record({}).error().code == "store_failed");
                CHECK(o.store->close().error().code == "store_failed");
                CHECK(disk->counts().syncs == syncs);
            }
            CHECK_FALSE(disk->synced_after_failure());
        }
        auto const found = disk->after_kill();
        {
            Opened o(found);
            check_kept(*o.store, promised, true);
        }
        // The pages that the failed sync forgot were in memory only: recovery must have written them again.
        Opened o(found->after_power_cut(k));
        check_kept(*o.store, promised, true);
    }
}

TEST_CASE(
    "store fault: a disk that is full refuses, keeps what it has, and goes on by itself when there is room") {
    for (bool const allocates : {true, false}) {
        CAPTURE(allocates);
        auto disk = std::make_shared<MemoryFileSystem>();
        disk->set_allocates(allocates);
        disk->set_capacity(200'000);
        Promised promised;
        {
            Opened o(disk);
            work(o, promised, 1000);
            REQUIRE(promised.acknowledged.size() < 1000);
            CHECK(o.store->health() == Health::full);
            auto const& refused = o.put("no room");
            CHECK(refused.error.value().code == "disk_full");
            CHECK(o.store->stat().last == promised.acknowledged.rbegin()->first);
            // What is under way can still be booked, from the reserve.
            LaneKey const k = promised.keys[promised.settled.size()];
            bool const booked = o.store->record(outcome(k, k.next(), o.id("lab"), 1)).has_value();
            CHECK((booked || !allocates));
            if (booked) promised.settled.insert(k);
            check_kept(*o.store, promised, true);
            {
                Opened other(disk->after_kill());  // killed while it is full
                CHECK(other.store->recovery().damage.empty());
                check_kept(*other.store, promised, true);
            }
            disk->set_capacity(10'000'000);
            for (int i = 0; i < 500 && o.store->health() != Health::good; ++i)
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
            REQUIRE(o.store->health() == Health::good);
            auto const& t = o.put("room again", {{o.id("lab"), 1, 0}});
            REQUIRE_FALSE(t.error.has_value());
            CHECK(t.sequence == promised.acknowledged.rbegin()->first + 1);  // no number is missing
            promised.acknowledged[t.sequence] = "room again";
        }
        auto const found = disk->after_kill();
        {
            Opened o(found);
            check_kept(*o.store, promised, true);
        }
        check_whole(found);
    }
}

TEST_CASE("store fault: a torn tail is cut at every byte") {
    auto disk = std::make_shared<MemoryFileSystem>();
    Promised promised;
    std::vector<Position> positions;
    {
        Opened o(disk);
        work(o, promised, 6);
        positions.push_back(o.store->durable_end());
        // The last batch: never proven durable by a later mark.
        auto const& t = o.put("the last", {{o.id("lab"), 1, 0}});
        positions.push_back(t.position);
        positions.push_back(o.store->durable_end());
        disk->cut_power_at(disk->counts().steps);
    }
    std::string const path = segment_path("data", 1);
    for (std::uint32_t size = positions[0].offset(); size < positions[2].offset(); ++size) {
        CAPTURE(size);
        auto found = disk->copy();
        std::string bytes = found->content(path);
        std::size_t const whole = bytes.size();
        bytes.resize(size);
        bytes.resize(whole, '\0');
        found->put(path, bytes);
        Opened o(found);
        CHECK(o.store->recovery().damage.empty());
        CHECK(o.store->find(7).error().code == "no_such_record");
        check_kept(*o.store, promised, false);
        auto const& t = o.put("again");
        REQUIRE_FALSE(t.error.has_value());
        CHECK(t.sequence == 7);
    }
}

TEST_CASE("store fault: a flipped bit anywhere is found, named, and costs one message at most") {
    auto disk = std::make_shared<MemoryFileSystem>();
    Promised promised;
    std::map<Sequence, std::pair<std::uint64_t, std::uint64_t>> extent;  // of each record
    std::uint64_t end = 0;
    {
        Opened o(disk);
        work(o, promised, 8);
        for (auto const& [number, text] : promised.acknowledged) {
            std::uint64_t const at = o.store->find(number).value().offset();
            extent[number] = {at, at};
        }
        REQUIRE(o.store->close().has_value());
        end = o.store->stat().bytes;
    }
    std::string const path = segment_path("data", 1);
    std::uint64_t const stride = times(3, 1);
    for (std::uint64_t offset = 0; offset < end; offset += stride) {
        CAPTURE(offset);
        auto found = disk->copy();
        found->flip_bit(path, offset, static_cast<unsigned>(offset % 8));
        auto const report = verify("data", found);
        REQUIRE(report.has_value());
        bool const in_header_copy = offset < first_record_offset;
        // Of two headers one is enough; the last record of all has nothing behind it that proves it, so it
        // may be taken for a torn tail.
        bool const noticed = !report->damage.empty() || report->cut_bytes > 0 || !report->clean;
        CHECK((noticed || in_header_copy));
        std::vector<std::string> told;
        Options options = small_store();
        options.on_damage = [&](std::string const& line) { told.push_back(line); };
        Opened o(found, options);
        std::vector<Sequence> lost;
        for (auto const& [number, text] : promised.acknowledged) {
            auto const p = o.store->find(number);
            auto const m = p ? o.store->read(*p) : Result<StoredMessage>(p.error());
            if (!m) {
                lost.push_back(number);
            } else {
                CHECK(m->record.received == text);
            }
        }
        REQUIRE(lost.size() <= 1);
        if (!lost.empty()) {
            std::string all;
            for (auto const& d : report->damage) all += d + "\n";
            CHECK_MESSAGE(all.find("message " + std::to_string(lost[0])) != std::string::npos,
                          "lost " << lost[0] << ", said: " << all);
        }
        for (auto const& l : o.store->lanes()) {
            std::set<LaneKey> const ahead(l.settled_ahead.begin(), l.settled_ahead.end());
            std::uint64_t open = 0;
            for (auto const& e : all_entries(*o.store, l.destination, l.cursor, 50, 1u << 20))
                open += ahead.contains(e.key) ? 0 : 1;
            CHECK(open == l.queued);
        }
    }
}

TEST_CASE(
    "store fault: a sealed segment that is cut, spoiled or gone costs what it held; the rest is served") {
    auto disk = std::make_shared<MemoryFileSystem>();
    Promised promised;
    {
        Opened o(disk);
        work(o, promised, messages);
        REQUIRE(o.store->stat().segments >= 3);
        REQUIRE(o.store->close().has_value());
    }
    struct Row {
        char const* name;
        void (*spoil)(MemoryFileSystem&);
    };
    Row const rows[] = {
        {"cut", [](MemoryFileSystem& d) { d.cut(segment_path("data", 1), 20'000); }},
        {"gone", [](MemoryFileSystem& d) { (void)d.remove(segment_path("data", 1)); }},
        {"middle one gone", [](MemoryFileSystem& d) { (void)d.remove(segment_path("data", 2)); }},
        {"a hole of zeros",
         [](MemoryFileSystem& d) {
             auto b = d.content(segment_path("data", 1));
             std::fill(b.begin() + 9000, b.begin() + 14'000, '\0');
             d.put(segment_path("data", 1), b);
         }},
        {"garbage",
         [](MemoryFileSystem& d) {
             auto b = d.content(segment_path("data", 1));
             for (std::size_t i = 9000; i < 14'000; ++i) b[i] = "\xA7H\x01"[i % 3];
             d.put(segment_path("data", 1), b);
         }},
        {"both headers of the newest",
         [](MemoryFileSystem& d) {
             auto b = d.content(segment_path("data", 3));
             std::fill(b.begin(), b.begin() + 128, 'x');
             d.put(segment_path("data", 3), b);
         }},
        {"the newest checkpoint",
         [](MemoryFileSystem& d) { d.flip_bit(segment_path("data", 3), 128 + 40, 1); }},
    };
    for (auto const& row : rows) {
        CAPTURE(std::string(row.name));
        auto found = disk->copy();
        row.spoil(*found);
        auto const report = verify("data", found);
        REQUIRE(report.has_value());
        bool const first_gone = std::string(row.name) == "gone";  // as retention leaves it
        CHECK((first_gone || !report->damage.empty()));
        Opened o(found);
        std::size_t served = 0;
        for (auto const& [number, text] : promised.acknowledged) {
            auto const p = o.store->find(number);
            auto const m = p ? o.store->read(*p) : Result<StoredMessage>(p.error());
            if (m) {
                CHECK(m->record.received == text);
                ++served;
            }
        }
        CHECK(served >= promised.acknowledged.size() / 3);
        auto const& t = o.put("goes on", {{o.id("lab"), 1, 0}});
        REQUIRE_FALSE(t.error.has_value());
        CHECK(t.sequence == promised.acknowledged.size() + 1);
    }
}

TEST_CASE("store fault: a newer format is left alone") {
    auto disk = std::make_shared<MemoryFileSystem>();
    { Opened const o(disk); }
    auto bytes = disk->content(segment_path("data", 1));
    SegmentHeader h = decode_segment_header(bytes).value();
    h.version = format_version + 1;
    auto const head = encode_segment_header(h);
    disk->put(segment_path("data", 1), bytes.replace(0, head.size(), head));
    Told told;
    CHECK(open_store(small_store(), disk->copy(), told).error().code == "store_too_new");
    CHECK(disk->content(segment_path("data", 1)) == bytes);
}

// The file was written by an engine of format 1 that was killed: twelve messages for "lab" that was not
// there, each written to "out"; one of them held by a route.
TEST_CASE("store fault: a store of format 1 goes on in format 2, wherever the first start is cut off") {
    std::ifstream file(std::string(HILUM_SOURCE) + "/tests/data/journal/format-1.log", std::ios::binary);
    std::string const old((std::istreambuf_iterator<char>(file)), {});
    REQUIRE(decode_segment_header(old).value().version == 1);
    auto const as_it_was = [&] {
        auto disk = std::make_shared<MemoryFileSystem>();
        disk->put(segment_path("data", 1), old);
        return disk;
    };
    auto const look = [](Opened& o) {
        auto const lab = lane(*o.store, o.id("lab"));
        CHECK(lab.queued == 12);
        CHECK(lane(*o.store, o.id("out")).queued == 0);
        auto const entries = all_entries(*o.store, o.id("lab"), lab.cursor);
        REQUIRE(entries.size() == 12);
        for (std::size_t i = 0; i < entries.size(); ++i) {
            CHECK(entries[i].sequence == i + 1);
            CHECK(entries[i].order == Order{});
            CHECK(o.store->read(entries[i].message).value().body(entries[i].ordinal).starts_with("MSH|"));
        }
    };
    {
        auto disk = as_it_was();
        Opened o(disk);
        look(o);
        auto const& t = o.put("MSH|new", {{o.id("lab"), 1, 0, {5, 6, true}}});
        REQUIRE_FALSE(t.error.has_value());
        CHECK(t.position.segment() == 2);  // nothing was added to the old file
        CHECK(decode_segment_header(disk->content(segment_path("data", 2))).value().version ==
              format_version);
        auto const entries = all_entries(*o.store, o.id("lab"), {});
        REQUIRE(entries.size() == 13);
        CHECK(entries.back().order == Order{5, 6, true});
    }
    // Killed after each step to the disk of the first start.
    for (std::size_t step = 1; step < 40; ++step) {
        CAPTURE(step);
        auto disk = as_it_was();
        disk->cut_power_at(disk->counts().steps + step);
        {
            Told told;
            auto const cut = open_store(small_store(), disk, told);
        }
        auto survivor = disk->after_power_cut(step);
        Opened o(survivor);
        look(o);
    }
}
