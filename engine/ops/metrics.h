// Counters and latency histograms, kept as atomics beside what they count; render() is the Prometheus text
// format 0.0.4.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace hilum::ops {

using Counter = std::atomic<std::uint64_t>;

// Fixed buckets from 100 µs to 100 s, 1-2.5-5 steps. Thread-safe, lock-free.
class Histogram {
  public:
    static constexpr std::array<std::uint64_t, 19> bounds_us{
        100,       250,        500,        1'000,      2'500,      5'000,     10'000,
        25'000,    50'000,     100'000,    250'000,    500'000,    1'000'000, 2'500'000,
        5'000'000, 10'000'000, 25'000'000, 50'000'000, 100'000'000};
    void observe(std::uint64_t us) noexcept;
    std::uint64_t count() const noexcept;
    using Buckets = std::array<std::uint64_t, bounds_us.size() + 1>;
    Buckets buckets() const noexcept;
    // Prometheus lines: name_bucket{labels,le="0.0001"} ..., name_sum, name_count. Seconds.
    void render(std::string& out, std::string_view name, std::string_view labels) const;

  private:
    std::array<Counter, bounds_us.size() + 1> buckets_{};
    Counter sum_us_{0};
};

struct ListenerMetrics {
    Counter received{0}, acknowledged{0}, rejected{0}, filtered{0}, held{0}, bytes{0};
    Counter connections{0}, refused_connections{0}, garbage_bytes{0}, too_large{0}, timeouts{0}, tolerated{0};
    Counter unanswered{0}, sequence_gaps{0}, sequence_repeats{0};
    Counter duplicates{0}, duplicates_differ{0};
    Counter delayed{0}, over_rate{0}, given_up{0};
    std::atomic<std::int64_t> waiting_connections{0};  // not read from: there is no room
    std::atomic<std::int64_t> open_connections{0};
    Histogram ack_seconds;  // from the frame complete to the answer written
};
struct RouteMetrics {
    Counter sent{0}, filtered{0}, held{0}, rejected{0};
    Counter lost{0};  // values of messages that a map has carried nowhere
};
struct DestinationMetrics {
    Counter arrived{0}, left{0};  // of the queue, whatever became of them
    Counter delivered{0}, retried{0}, held{0}, skipped{0}, orphans{0}, possible_duplicates{0},
        late_answers{0}, order_failed{0};
    std::map<std::string, Counter, std::less<>>
        failures;  // by class; filled at construction, only incremented later
    std::atomic<std::uint64_t> depth{0};
    std::atomic<std::uint64_t> blocked{0};   // order_by values whose first message waits for another attempt
    std::atomic<std::uint64_t> stopped{0};   // of those, the ones that wait for a person
    std::atomic<std::int64_t> oldest_us{0};  // received time of the oldest waiting message; 0: none
    Histogram delivery_seconds;              // from received to delivered
    Histogram attempt_seconds;               // of one attempt
    DestinationMetrics();
};

// A line of the flow picture: where messages go from and to.
enum class EdgeKind : unsigned char { listener_route, route_destination, route_route };
std::string_view name(EdgeKind kind);

// Owned by the engine. The per-name objects live as long as it does: a reload finds its counters again.
class Metrics {
  public:
    ListenerMetrics& listener(std::string_view name);
    RouteMetrics& route(std::string_view name);
    DestinationMetrics& destination(std::string_view name);
    Counter& edge(EdgeKind kind, std::string_view from, std::string_view to);  // messages that went there
    // Gauges computed when asked (store, process): each appends its own lines.
    void add_source(std::function<void(std::string& out)> source);
    std::string render() const;

  private:
    mutable std::mutex mutex_;
    std::map<std::string, std::unique_ptr<ListenerMetrics>, std::less<>> listeners_;
    std::map<std::string, std::unique_ptr<RouteMetrics>, std::less<>> routes_;
    std::map<std::string, std::unique_ptr<DestinationMetrics>, std::less<>> destinations_;
    std::map<std::tuple<EdgeKind, std::string, std::string>, Counter> edges_;
    std::vector<std::function<void(std::string&)>> sources_;
};

}  // namespace hilum::ops
