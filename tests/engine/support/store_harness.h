// A store in memory, the listener it tells, and a few messages to put in.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/store/store.h"
#include "tests/engine/support/memory_file_system.h"

namespace hilum::testing {

// Keeps every ticket, and what was said about it.
class Told : public store::CommitListener {
  public:
    store::Ticket& ticket() {
        std::lock_guard const lock(mutex_);
        return tickets_.emplace_back();
    }
    void committed(std::span<store::Ticket* const> tickets) noexcept override {
        std::lock_guard const lock(mutex_);
        for (auto* t : tickets) order_.push_back(t);
        ++calls_;
        changed_.notify_all();
    }
    bool wait(std::size_t n) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return order_.size() >= n; });
    }
    std::vector<store::Ticket*> order() {
        std::lock_guard const lock(mutex_);
        return order_;
    }
    std::size_t calls() {
        std::lock_guard const lock(mutex_);
        return calls_;
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<store::Ticket> tickets_;
    std::vector<store::Ticket*> order_;
    std::size_t calls_ = 0;
};

inline store::Options small_store(std::uint64_t segment = 64u << 10) {
    store::Options o;
    o.dir = "data";
    o.segment_size = segment;
    o.index = false;
    o.now_us = [] { return std::int64_t{1'700'000'000'000'000}; };
    return o;
}

// One opened store; gone (without close()) with this object, as in a crash.
struct Opened {
    std::shared_ptr<MemoryFileSystem> disk;
    std::unique_ptr<Told> told = std::make_unique<Told>();
    std::unique_ptr<store::Store> store;
    std::size_t waited = 0;

    explicit Opened(std::shared_ptr<MemoryFileSystem> d, store::Options options = small_store())
        : disk(std::move(d)) {
        auto opened = store::open_store(std::move(options), disk, *told);
        REQUIRE_MESSAGE(opened.has_value(), (opened ? std::string() : opened.error().text()));
        store = std::move(*opened);
    }

    // Appends, and waits until the listener was told. The ticket says what became of it.
    store::Ticket& put(std::string_view received, std::vector<store::DeliveryEntry> deliveries = {},
                       store::MessageState state = store::MessageState::accepted,
                       std::vector<std::string_view> bodies = {}) {
        store::MessageRecord m;
        m.received_us = 1'700'000'000'000'000;
        m.listener = store->name_id("adt_in");
        m.state = state;
        m.received = received;
        m.answer_code = "AA";
        m.source = "10.0.0.7:51234";
        m.config_hash = "c0ffee";
        m.deliveries = std::move(deliveries);
        m.bodies = std::move(bodies);
        store::Ticket& t = told->ticket();
        auto const r = store->append(m, t);
        if (!r) {
            t.error = r.error();
            return t;
        }
        told->wait(++waited);
        return t;
    }
    store::NameId id(std::string_view name) { return store->name_id(name); }
};

inline store::ResultRecord outcome(store::LaneKey key, store::LaneKey up_to, store::NameId destination,
                                   store::Sequence sequence,
                                   store::DeliveryOutcome o = store::DeliveryOutcome::delivered) {
    store::ResultRecord r;
    r.sequence = sequence;
    r.key = key;
    r.settled_up_to = up_to;
    r.destination = destination;
    r.outcome = o;
    r.code = "AA";
    return r;
}

inline std::vector<store::LaneEntry> all_entries(store::Store& s, store::NameId destination,
                                                 store::LaneKey from = {}, std::size_t max = 7,
                                                 std::size_t bytes = 10'000) {
    std::vector<store::LaneEntry> out;
    for (int guard = 0; guard < 1'000'000; ++guard) {
        auto const scan = s.scan(destination, from, max, bytes);
        REQUIRE_MESSAGE(scan.has_value(), (scan ? std::string() : scan.error().text()));
        out.insert(out.end(), scan->entries.begin(), scan->entries.end());
        if (scan->at_end) return out;
        REQUIRE(scan->reached > from);
        from = scan->reached;
    }
    FAIL("a scan that never ends");
    return out;
}

inline store::LaneState lane(store::Store& s, store::NameId destination) {
    for (auto const& l : s.lanes()) {
        if (l.destination == destination) return l;
    }
    return {};
}

}  // namespace hilum::testing
