// Search: what the index says about messages, and that it can be thrown away.
#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "engine/store/sqlite.h"
#include "tests/engine/support/store_harness.h"

using namespace hilum;
using namespace hilum::store;
using namespace hilum::testing;

namespace {

struct Folder {
    std::string path;
    Folder() {
        std::string name = (std::filesystem::temp_directory_path() / "hilum-store-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
};

struct OnDisk {
    Told told;
    std::unique_ptr<Store> store;
    std::size_t waited = 0;
    OnDisk(std::string const& dir, std::function<std::int64_t()> now = {}, std::uint64_t retain_size = 0) {
        Options o = small_store(128u << 10);
        o.dir = dir;
        o.index = true;
        o.retain = std::chrono::seconds(10);
        o.retain_size = retain_size;
        if (now) o.now_us = std::move(now);
        auto opened = open_store(o, posix_file_system(), told);
        REQUIRE_MESSAGE(opened.has_value(), (opened ? std::string() : opened.error().text()));
        store = std::move(*opened);
    }
    Ticket& put(std::string const& received, std::vector<DeliveryEntry> deliveries,
                MessageState state = MessageState::accepted, std::int64_t at = 1000) {
        MessageRecord m;
        m.listener = store->name_id("adt_in");
        m.received = received;
        m.received_us = at;
        m.state = state;
        m.answer_code = "AA";
        m.source = "test";
        m.deliveries = std::move(deliveries);
        Ticket& t = told.ticket();
        REQUIRE(store->append(m, t).has_value());
        REQUIRE(told.wait(++waited));
        REQUIRE_FALSE(t.error.has_value());
        return t;
    }
    // Until the index has read everything that was written.
    void settle() {
        for (int i = 0; i < 1000; ++i) {
            if (store->index_lag() == 0) return;
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        }
        FAIL("the index did not catch up");
    }
    std::string show(Query const& q) {
        auto const rows = store->query(q);
        REQUIRE_MESSAGE(rows.has_value(), (rows ? std::string() : rows.error().text()));
        std::string out;
        for (auto const& r : *rows) {
            out += std::to_string(r.sequence) + " " + r.type + " " + r.control_id + " " + r.sender + " " +
                   r.patient_id + " " + r.visit + " " + r.state;
            for (auto const& d : r.deliveries) {
                out += " [" + d.destination + " " + d.route + " " + d.state + " " +
                       std::to_string(d.attempts) + " " + d.code + "]";
            }
            out += "\n";
        }
        return out;
    }
};

std::string adt(int n, std::string const& patient) {
    return "MSH|^~\\&|HIS|MAIN|LAB|X|20240101||ADT^A01|ID" + std::to_string(n) + "|P|2.5\rPID|1||" + patient +
           "^^^A||DOE\rPV1|1|I|||||||||||||||||V" + std::to_string(n) + "\r";
}

}  // namespace

TEST_CASE("store index: rows, states and searches; deleted or spoiled, it comes back the same") {
    Folder const folder;
    std::string all;
    Query held;
    held.delivery_state = "held";
    {
        OnDisk s(folder.path);
        NameId const lab = s.store->name_id("lab");
        NameId const ehr = s.store->name_id("ehr");
        NameId const route = s.store->name_id("r");
        LaneKey const a{s.put(adt(1, "P1"), {{lab, route, 0}, {ehr, route, 0}}).position, 0};
        LaneKey const b{s.put(adt(2, "P2"), {{lab, route, 0}}, MessageState::accepted, 2000).position, 0};
        s.put("not HL7", {}, MessageState::rejected);
        LaneKey const d{s.put(adt(4, "P1"), {}, MessageState::held).position, 0};
        s.put(adt(5, "P1"), {{lab, route, 0}});
        s.put(adt(6, "P1"), {}, MessageState::filtered);
        auto failed = outcome(a, {}, lab, 1, DeliveryOutcome::failed);
        failed.code = "timeout";
        failed.text = "no answer in 30 s";
        REQUIRE(s.store->record(failed).has_value());
        auto sent = outcome(a, a.next(), lab, 1);
        sent.attempt = 2;
        sent.answer = "MSH|ack";
        REQUIRE(s.store->record(sent).has_value());
        REQUIRE(s.store->record(outcome({a.position, 1}, {}, ehr, 1, DeliveryOutcome::skipped)).has_value());
        REQUIRE(s.store->record(outcome(b, b.next(), lab, 2, DeliveryOutcome::held)).has_value());
        s.settle();
        all = s.show({});
        CHECK(all ==
              "6 ADT^A01 ID6 HIS|MAIN P1 V6 filtered\n"
              "5 ADT^A01 ID5 HIS|MAIN P1 V5 accepted [lab r queued 0 ]\n"
              "4 ADT^A01 ID4 HIS|MAIN P1 V4 held\n"
              "3      rejected\n"
              "2 ADT^A01 ID2 HIS|MAIN P2 V2 accepted [lab r held 1 AA]\n"
              "1 ADT^A01 ID1 HIS|MAIN P1 V1 done [lab r delivered 2 AA] [ehr r skipped 1 AA]\n");

        struct Row {
            char const* name;
            std::function<void(Query&)> set;
            std::string found;
        };
        Row const rows[] = {
            {"type", [](Query& q) { q.type = "ADT^A01"; }, "65421"},
            {"control id", [](Query& q) { q.control_id = "ID4"; }, "4"},
            {"sender", [](Query& q) { q.sender = "HIS|MAIN"; }, "65421"},
            {"patient", [](Query& q) { q.patient_id = "P2"; }, "2"},
            {"visit", [](Query& q) { q.visit = "V5"; }, "5"},
            {"state", [](Query& q) { q.state = "held"; }, "4"},
            {"done", [](Query& q) { q.state = "done"; }, "1"},
            {"destination", [](Query& q) { q.destination = "lab"; }, "521"},
            {"delivery state", [](Query& q) { q.delivery_state = "queued"; }, "5"},
            {"delivered to", [](Query& q) { q.delivery_state = "delivered", q.destination = "lab"; }, "1"},
            {"delivered elsewhere", [](Query& q) { q.delivery_state = "delivered", q.destination = "ehr"; },
             ""},
            {"unknown destination", [](Query& q) { q.destination = "nowhere"; }, ""},
            {"listener", [](Query& q) { q.listener = "adt_in"; }, "654321"},
            {"since", [](Query& q) { q.since_us = 1500; }, "2"},
            {"until", [](Query& q) { q.until_us = 1500; }, "65431"},
            {"page", [](Query& q) { q.before = 5, q.limit = 2; }, "43"},
            {"an apostrophe is a value", [](Query& q) { q.control_id = "' OR 1=1 --"; }, ""},
        };
        for (auto const& row : rows) {
            CAPTURE(row.name);
            Query q;
            row.set(q);
            std::string numbers;
            for (auto const& r : s.store->query(q).value()) numbers += std::to_string(r.sequence);
            CHECK(numbers == row.found);
            auto const count = s.store->count(q).value();
            if (!q.before) CHECK(count.messages == row.found.size());  // of all pages
            CHECK(!count.at_least);
        }
        Query wrong;
        wrong.state = "lost";
        CHECK(s.store->query(wrong).error().code == "bad_query");
        CHECK(s.store->count(wrong).error().code == "bad_query");

        auto const results = s.store->results(1).value();
        REQUIRE(results.size() == 3);
        CHECK(results[0].record.code == "timeout");
        CHECK(results[0].record.text == "no answer in 30 s");
        CHECK(results[1].record.answer == "MSH|ack");
        CHECK(results[1].record.attempt == 2);

        // Sent again: queued until its result comes; a released held message is done.
        ResendRecord again;
        again.sequence = 2;
        again.position = b.position;
        again.destination = lab;
        Ticket& t = s.told.ticket();
        REQUIRE(s.store->append(again, t).has_value());
        REQUIRE(s.told.wait(++s.waited));
        REQUIRE(s.store->record(outcome(b, {}, lab, 2, DeliveryOutcome::released)).has_value());
        REQUIRE(s.store->record(outcome(d, {}, 0, 4, DeliveryOutcome::released)).has_value());
        s.settle();
        Query two;
        two.control_id = "ID2";
        CHECK(s.show(two) == "2 ADT^A01 ID2 HIS|MAIN P2 V2 accepted [lab r queued 1 AA]\n");
        REQUIRE(s.store->record(outcome({t.position, 0}, {}, lab, 2)).has_value());
        s.settle();
        CHECK(s.show(two) == "2 ADT^A01 ID2 HIS|MAIN P2 V2 done [lab r delivered 1 AA]\n");
        Query four;
        four.control_id = "ID4";
        CHECK(s.show(four) == "4 ADT^A01 ID4 HIS|MAIN P1 V4 done\n");
        all = s.show({});
        REQUIRE(s.store->close().has_value());
    }
    auto const reopened = [&](char const* what) {
        CAPTURE(what);
        OnDisk s(folder.path);
        s.settle();
        CHECK(s.show({}) == all);
        return s.store->recovery().notes;
    };
    CHECK(reopened("as it was").empty());
    REQUIRE(reindex(folder.path, posix_file_system()).has_value());
    CHECK(reopened("deleted").size() == 1);
    std::string const file = folder.path + "/index.sqlite";
    std::ofstream(file, std::ios::trunc) << std::string(20'000, 'x');
    CHECK(reopened("spoiled").size() == 1);
    std::filesystem::resize_file(file, 5000);
    reopened("cut");
}

TEST_CASE("store: retention drops whole segments that owe nothing, and the index forgets with it") {
    Folder const folder;
    std::atomic<std::int64_t> now{1'000'000'000};
    OnDisk s(folder.path, [&] { return now.load(); });
    NameId const lab = s.store->name_id("lab");
    NameId const ehr = s.store->name_id("ehr");
    std::vector<LaneKey> k;
    std::string const text = adt(1, "P") + std::string(4000, 'x');
    for (int i = 0; i < 200; ++i) {
        k.push_back({s.put(text, {{lab, 1, 0}, {ehr, 1, 0}}).position, 0});
        now += 1'000'000;  // a second each
    }
    s.settle();
    CHECK(s.store->prune().value() == 0);  // all is owed
    auto const settle_all = [&](NameId to, std::uint32_t ordinal, std::size_t from, std::size_t until,
                                DeliveryOutcome o) {
        for (std::size_t i = from; i < until; ++i) {
            REQUIRE(
                s.store->record(outcome({k[i].position, ordinal}, {k[i].position, ordinal + 1}, to, i + 1, o))
                    .has_value());
        }
    };
    settle_all(lab, 0, 0, 200, DeliveryOutcome::delivered);
    s.settle();
    CHECK(s.store->prune().value() == 0);  // ehr still waits
    settle_all(ehr, 1, 0, 60, DeliveryOutcome::delivered);
    settle_all(ehr, 1, 60, 61, DeliveryOutcome::held);
    settle_all(ehr, 1, 61, 200, DeliveryOutcome::delivered);
    s.settle();
    auto const dropped = s.store->prune().value();
    CHECK(dropped > 0);
    CHECK(s.store->read(k[0].position).error().code == "no_such_record");
    CHECK(s.store->find(1).error().code == "no_such_record");
    CHECK(s.store->read(k[60].position).has_value());  // held: owed to a person
    REQUIRE(
        s.store->record(outcome({k[60].position, 1}, {}, ehr, 61, DeliveryOutcome::released)).has_value());
    s.settle();
    auto const more = s.store->prune().value();
    CHECK(more > 0);
    CHECK(s.store->read(k[60].position).error().code == "no_such_record");
    CHECK(s.store->read(k[199].position).has_value());
    CHECK(s.store->read(k[189].position).has_value());  // ten seconds old
    CHECK(s.store->stat().segments >= 2);
    Query everything;
    everything.limit = 1000;
    std::size_t left = 0;
    for (int i = 0; i < 1000 && left != s.store->stat().messages; ++i) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        left = s.store->query(everything).value().size();
    }
    CHECK(left == s.store->stat().messages);
    now += 1'000'000'000;
    (void)s.store->prune();
    CHECK(s.store->stat().segments == 2);
    CHECK(s.store->prune().value() == 0);
}

TEST_CASE("store: what is too much goes though the index has not read it; what is old waits for that") {
    Folder const folder;
    std::atomic<std::int64_t> now{1'000'000'000};
    auto const clock = [&] { return now.load(); };
    std::string const text = adt(1, "P") + std::string(8000, 'x');
    constexpr std::uint64_t most = 512u << 10;
    {
        OnDisk s(folder.path, clock);
        s.put(text, {});
        s.settle();
        // Somebody keeps the index from going on.
        auto other = sqlite::Connection::open(folder.path + "/index.sqlite", sqlite::Connection::Mode::write);
        REQUIRE(other.has_value());
        REQUIRE(other->execute("BEGIN IMMEDIATE").has_value());
        for (int i = 0; i < 200; ++i) s.put(text, {});
        now += 1'000'000'000;
        CHECK(s.store->index_lag() >= 199);
        (void)s.store->prune();
        CHECK(s.store->stat().bytes > (1u << 20));
        REQUIRE(other->execute("COMMIT").has_value());
    }
    OnDisk s(folder.path, clock, most);
    s.settle();
    auto other = sqlite::Connection::open(folder.path + "/index.sqlite", sqlite::Connection::Mode::write);
    REQUIRE(other.has_value());
    REQUIRE(other->execute("BEGIN IMMEDIATE").has_value());
    for (int i = 0; i < 200; ++i) s.put(text, {});
    CHECK(s.store->index_lag() >= 199);
    CHECK(s.store->prune().value() > 0);
    CHECK(s.store->stat().bytes <= most);
    // It then goes on with what is there.
    REQUIRE(other->execute("COMMIT").has_value());
    s.settle();
    Query newest;
    newest.limit = 1;
    CHECK(s.store->query(newest).value().at(0).sequence == 401);
    CHECK(s.store->read(s.store->query(newest).value().at(0).position).has_value());
}

TEST_CASE("store: however many segments there are, few files are open") {
    Folder const folder;
    OnDisk s(folder.path);
    for (int i = 0; i < 400; ++i) s.put(adt(1, "P") + std::string(60'000, 'x'), {});
    REQUIRE(s.store->stat().segments > 100);
    std::size_t open = 0;
    for (auto const& file : std::filesystem::directory_iterator("/proc/self/fd")) {
        std::error_code gone;
        auto const target = std::filesystem::read_symlink(file.path(), gone).string();
        if (!gone && target.starts_with(folder.path)) ++open;
    }
    CHECK(open < 80);
}
