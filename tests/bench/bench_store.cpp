// The store alone, on a real disk: how many messages a second reach it, how fast a lane finds its entries,
// how long a start takes. HILUM_BENCH_DIR names the folder (its disk is what is measured); otherwise the
// temporary folder.
#include <benchmark/benchmark.h>

#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "engine/store/store.h"

namespace {

using namespace hilum;
using namespace hilum::store;

struct Folder {
    std::string path;
    Folder() {
        char const* base = std::getenv("HILUM_BENCH_DIR");
        std::string name =
            (base != nullptr ? std::string(base) : std::filesystem::temp_directory_path().string()) +
            "/hilum-bench-XXXXXX";
        if (::mkdtemp(name.data()) == nullptr) std::abort();
        path = name;
    }
    ~Folder() { std::filesystem::remove_all(path); }
    Folder(Folder const&) = delete;
    Folder& operator=(Folder const&) = delete;
};

// A sender that waits for its acknowledgement, as an MLLP connection does.
struct Sender {
    std::mutex mutex;
    std::condition_variable changed;
    bool done = false;
    Ticket ticket;
    void wait() {
        std::unique_lock lock(mutex);
        changed.wait(lock, [this] { return done; });
        done = false;
    }
};

class Acknowledger final : public CommitListener {
  public:
    void committed(std::span<Ticket* const> tickets) noexcept override {
        for (auto* t : tickets) {
            auto* sender = static_cast<Sender*>(t->owner);
            if (sender == nullptr) {
                ++counted_;
                continue;
            }
            std::lock_guard const lock(sender->mutex);
            sender->done = true;
            sender->changed.notify_one();
        }
        std::lock_guard const lock(mutex_);
        total_ += tickets.size();
        changed_.notify_all();
    }
    void wait_for(std::uint64_t total) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return total_ >= total; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::uint64_t total_ = 0, counted_ = 0;
};

std::unique_ptr<Store> open(std::string const& dir, CommitListener& listener, bool index) {
    Options o;
    o.dir = dir;
    o.index = index;
    auto opened = open_store(o, posix_file_system(), listener);
    if (!opened) std::abort();
    return std::move(*opened);
}

std::string message(std::size_t size) {
    std::string s = "MSH|^~\\&|HIS|MAIN|LAB|X|20240101||ADT^A01|ID1|P|2.5\rPID|1||P1^^^A||DOE\r";
    s.resize(size, 'x');
    return s;
}

MessageRecord record_of(std::string_view received, std::string_view changed, NameId destination) {
    MessageRecord m;
    m.received = received;
    m.bodies = {changed};
    m.deliveries = {{destination, destination, 1}};
    m.verdicts = {{destination, 0, ""}};
    m.answer_code = "AA";
    m.source = "10.0.0.7:51234";
    m.config_hash = "0123456789abcdef";
    return m;
}

// N senders, each with one message under way.
void append_and_wait(benchmark::State& state) {
    Folder const folder;
    Acknowledger listener;
    auto const store = open(folder.path, listener, state.range(1) != 0);
    NameId const lab = store->name_id("lab");
    auto const n = static_cast<std::size_t>(state.range(0));
    constexpr std::size_t each = 200;
    std::string const received = message(1024);
    std::string const changed = message(1030);
    for ([[maybe_unused]] auto round : state) {
        std::vector<std::thread> threads;
        for (std::size_t t = 0; t < n; ++t) {
            threads.emplace_back([&] {
                Sender sender;
                sender.ticket.owner = &sender;
                auto const m = record_of(received, changed, lab);
                for (std::size_t i = 0; i < each; ++i) {
                    if (!store->append(m, sender.ticket)) std::abort();
                    sender.wait();
                }
            });
        }
        for (auto& t : threads) t.join();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(n * each));
    auto const stat = store->stat();
    state.counters["messages_a_sync"] =
        static_cast<double>(stat.synced_messages) / static_cast<double>(stat.commits);
    (void)store->close();
}
BENCHMARK(append_and_wait)
    ->ArgsProduct({{1, 16, 64}, {0, 1}})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond)
    ->ArgNames({"senders", "index"});

void fill(Store& store, Acknowledger& listener, std::uint64_t& total, std::uint64_t n, std::size_t size) {
    NameId const lab = store.name_id("lab");
    std::string const received = message(size);
    auto m = record_of(received, received, lab);
    std::vector<Ticket> tickets(1000);
    for (std::uint64_t i = 0; i < n; ++i) {
        if (!store.append(m, tickets[i % tickets.size()])) std::abort();
        ++total;
        if (i % tickets.size() == tickets.size() - 1 || i + 1 == n) listener.wait_for(total);
    }
}

// What the commit path can take when senders don't wait: 1,000 under way.
void append_in_bulk(benchmark::State& state) {
    Folder const folder;
    Acknowledger listener;
    auto const store = open(folder.path, listener, false);
    std::uint64_t total = 0;
    for ([[maybe_unused]] auto round : state) fill(*store, listener, total, 10'000, 2500);
    state.SetItemsProcessed(static_cast<std::int64_t>(total));
    state.SetBytesProcessed(static_cast<std::int64_t>(total) * 2500);
    (void)store->close();
}
BENCHMARK(append_in_bulk)->UseRealTime()->Unit(benchmark::kMillisecond);

void record_results(benchmark::State& state) {
    Folder const folder;
    Acknowledger listener;
    auto const store = open(folder.path, listener, false);
    std::uint64_t total = 0;
    fill(*store, listener, total, 1, 1000);
    ResultRecord r;
    r.sequence = 1;
    r.destination = store->name_id("lab");
    r.code = "AA";
    for ([[maybe_unused]] auto round : state) {
        if (!store->record(r)) std::abort();
    }
    state.SetItemsProcessed(state.iterations());
    (void)store->close();
}
BENCHMARK(record_results)->UseRealTime();

// A lane walks a backlog; then a start with that backlog.
void scan_and_recover(benchmark::State& state) {
    Folder const folder;
    Acknowledger listener;
    std::uint64_t total = 0;
    auto const n = static_cast<std::uint64_t>(state.range(0));
    {
        auto const store = open(folder.path, listener, false);
        fill(*store, listener, total, n, 1000);
    }
    double scanning = 0;
    double starting = 0;
    for ([[maybe_unused]] auto round : state) {
        auto const began = std::chrono::steady_clock::now();
        auto const store = open(folder.path, listener, false);
        auto const opened = std::chrono::steady_clock::now();
        LaneKey from;
        std::uint64_t found = 0;
        for (;;) {
            auto const scan = store->scan(store->name_id("lab"), from, 1000, 4u << 20);
            if (!scan) std::abort();
            found += scan->entries.size();
            from = scan->reached;
            if (scan->at_end) break;
        }
        if (found != n) std::abort();
        starting += std::chrono::duration<double>(opened - began).count();
        scanning += std::chrono::duration<double>(std::chrono::steady_clock::now() - opened).count();
    }
    auto const rounds = static_cast<double>(state.iterations());
    state.counters["start_ms"] = starting / rounds * 1000;
    state.counters["entries_per_s"] = static_cast<double>(n) * rounds / scanning;
}
BENCHMARK(scan_and_recover)
    ->Arg(100'000)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond)
    ->Iterations(3)
    ->ArgName("queued");

}  // namespace
