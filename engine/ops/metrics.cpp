#include "engine/ops/metrics.h"

#include <algorithm>
#include <charconv>

#include "engine/net/instant.h"

namespace hilum::ops {
namespace {

std::uint64_t load(Counter const& counter) {
    return counter.load(std::memory_order_relaxed);
}

// Microseconds as seconds without the noise of a binary fraction: 2500 is "0.0025".
std::string seconds(std::uint64_t us) {
    std::string text = std::to_string(us / 1'000'000);
    std::uint64_t const rest = us % 1'000'000;
    if (rest == 0) return text;
    std::string const digits = std::to_string(rest);
    text += '.';
    text.append(6 - digits.size(), '0');
    text += digits;
    text.erase(text.find_last_not_of('0') + 1);
    return text;
}

// name="value", escaped as the text format 0.0.4 asks for.
std::string label(std::string_view name, std::string_view value) {
    std::string text(name);
    text += "=\"";
    for (char const c : value) {
        if (c == '\\' || c == '"') {
            text += '\\';
            text += c;
        } else if (c == '\n') {
            text += "\\n";
        } else if (static_cast<unsigned char>(c) < 0x20) {
            text += '?';
        } else {
            text += c;
        }
    }
    text += '"';
    return text;
}

void head(std::string& out, std::string_view name, std::string_view type, std::string_view help) {
    ((((out += "# HELP ") += name) += ' ') += help) += '\n';
    ((((out += "# TYPE ") += name) += ' ') += type) += '\n';
}

void line(std::string& out, std::string_view name, std::string_view labels, std::string_view value) {
    (((((out += name) += '{') += labels) += "} ") += value) += '\n';
}

// One family: HELP, TYPE and a line for each of `owners` (a map of unique_ptr by name).
template <class Owners, class Read>
void family(std::string& out, Owners const& owners, std::string_view label_name, std::string_view name,
            std::string_view type, std::string_view help, Read read) {
    if (owners.empty()) return;
    head(out, name, type, help);
    for (auto const& [owner, metrics] : owners) line(out, name, label(label_name, owner), read(*metrics));
}

template <class M>
struct CounterFamily {
    std::string_view name;
    Counter M::*counter;
    std::string_view help;
};

template <class Owners, class M, std::size_t N>
void counters(std::string& out, Owners const& owners, std::string_view label_name,
              CounterFamily<M> const (&families)[N]) {
    for (auto const& f : families) {
        family(out, owners, label_name, f.name, "counter", f.help,
               [&](M const& m) { return std::to_string(load(m.*f.counter)); });
    }
}

template <class Owners, class M>
void histograms(std::string& out, Owners const& owners, std::string_view label_name, std::string_view name,
                std::string_view help, Histogram M::*histogram) {
    if (owners.empty()) return;
    head(out, name, "histogram", help);
    for (auto const& [owner, metrics] : owners)
        ((*metrics).*histogram).render(out, name, label(label_name, owner));
}

constexpr CounterFamily<ListenerMetrics> listener_counters[] = {
    {"hilum_messages_received_total", &ListenerMetrics::received,
     "Messages that arrived, whatever became of them."},
    {"hilum_messages_acknowledged_total", &ListenerMetrics::acknowledged,
     "Messages stored and answered AA or CA."},
    {"hilum_messages_rejected_total", &ListenerMetrics::rejected, "Messages refused with a NAK."},
    {"hilum_messages_filtered_total", &ListenerMetrics::filtered, "Messages that no route sent anywhere."},
    {"hilum_messages_held_total", &ListenerMetrics::held,
     "Messages accepted and held for a person by a route."},
    {"hilum_received_bytes_total", &ListenerMetrics::bytes, "Bytes of message content that arrived."},
    {"hilum_connections_total", &ListenerMetrics::connections, "Connections accepted."},
    {"hilum_connections_refused_total", &ListenerMetrics::refused_connections,
     "Connections over the limit, closed at once."},
    {"hilum_garbage_bytes_total", &ListenerMetrics::garbage_bytes,
     "Bytes skipped because they were outside any frame."},
    {"hilum_frames_too_large_total", &ListenerMetrics::too_large,
     "Frames or bodies over the size limit, refused."},
    {"hilum_connection_timeouts_total", &ListenerMetrics::timeouts, "Connections closed by a time limit."},
    {"hilum_tolerated_total", &ListenerMetrics::tolerated,
     "Messages read although they deviate from the standard."},
    {"hilum_messages_unanswered_total", &ListenerMetrics::unanswered,
     "Messages whose sender asked for no answer on its connection (MSH-15, MSH-16)."},
    {"hilum_sequence_gaps_total", &ListenerMetrics::sequence_gaps,
     "Messages refused because MSH-13 was not the expected sequence number."},
    {"hilum_sequence_repeats_total", &ListenerMetrics::sequence_repeats,
     "Messages that came again under their sequence number and were on disk already."},
    {"hilum_duplicates_total", &ListenerMetrics::duplicates,
     "Messages that were accepted before: answered as then, and not processed again."},
    {"hilum_duplicates_content_differs_total", &ListenerMetrics::duplicates_differ,
     "Messages under a control ID that their sender has used for another content."},
    {"hilum_messages_delayed_total", &ListenerMetrics::delayed, "Messages that waited for the rate limit."},
    {"hilum_messages_over_rate_total", &ListenerMetrics::over_rate,
     "Messages answered with HTTP 429 because the rate limit would have kept them too long."},
    {"hilum_connections_given_up_total", &ListenerMetrics::given_up,
     "Connections whose peer had closed while it was kept waiting; nothing of theirs was taken."},
};
constexpr CounterFamily<RouteMetrics> route_counters[] = {
    {"hilum_route_sent_total", &RouteMetrics::sent, "Messages a route handed to its destinations."},
    {"hilum_route_filtered_total", &RouteMetrics::filtered, "Messages a route filtered out."},
    {"hilum_route_held_total", &RouteMetrics::held, "Messages a route held for a person."},
    {"hilum_route_rejected_total", &RouteMetrics::rejected, "Messages a route refused at intake."},
    {"hilum_route_values_not_carried_total", &RouteMetrics::lost,
     "Values of messages that a map has carried nowhere."},
};
constexpr CounterFamily<DestinationMetrics> destination_counters[] = {
    {"hilum_queue_arrived_total", &DestinationMetrics::arrived, "Deliveries that came into the lane."},
    {"hilum_queue_left_total", &DestinationMetrics::left,
     "Deliveries that left the lane, whatever became of them."},
    {"hilum_delivered_total", &DestinationMetrics::delivered, "Deliveries the receiver accepted."},
    {"hilum_retries_total", &DestinationMetrics::retried, "Attempts after the first."},
    {"hilum_held_total", &DestinationMetrics::held, "Deliveries taken out of the lane for a person."},
    {"hilum_skipped_total", &DestinationMetrics::skipped, "Deliveries a person passed over."},
    {"hilum_orphan_answers_total", &DestinationMetrics::orphans,
     "Answers that belong to no message in flight."},
    {"hilum_late_answers_total", &DestinationMetrics::late_answers,
     "Acknowledgements that came after their delivery had ended, or on another connection."},
    {"hilum_possible_duplicates_total", &DestinationMetrics::possible_duplicates,
     "Messages sent again although the receiver may have had them."},
    {"hilum_order_failed_total", &DestinationMetrics::order_failed,
     "Messages for which order_by does not give one value; they count as messages without a value."},
};

}  // namespace

void Histogram::observe(std::uint64_t us) noexcept {
    auto const bucket = std::lower_bound(bounds_us.begin(), bounds_us.end(), us) - bounds_us.begin();
    buckets_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(us, std::memory_order_relaxed);
}

std::uint64_t Histogram::count() const noexcept {
    std::uint64_t count = 0;
    for (auto const& bucket : buckets_) count += load(bucket);
    return count;
}

Histogram::Buckets Histogram::buckets() const noexcept {
    Buckets counts{};
    for (std::size_t i = 0; i < counts.size(); ++i) counts[i] = load(buckets_[i]);
    return counts;
}

void Histogram::render(std::string& out, std::string_view name, std::string_view labels) const {
    std::string const bucket_name = std::string(name) + "_bucket";
    std::string const prefix = std::string(labels) + (labels.empty() ? "" : ",") + "le=\"";
    std::uint64_t count = 0;
    for (std::size_t i = 0; i < bounds_us.size(); ++i) {
        count += load(buckets_[i]);
        line(out, bucket_name, prefix + seconds(bounds_us[i]) + '"', std::to_string(count));
    }
    count += load(buckets_.back());  // read once: _count has to equal the +Inf bucket while others observe
    line(out, bucket_name, prefix + "+Inf\"", std::to_string(count));
    line(out, std::string(name) + "_sum", labels, seconds(load(sum_us_)));
    line(out, std::string(name) + "_count", labels, std::to_string(count));
}

// The words of destinations::name(AttemptClass), which ops/ doesn't include; a test holds the two together.
DestinationMetrics::DestinationMetrics() {
    for (char const* const name : {"connect", "timeout", "cut", "busy", "ae", "ar", "bad_answer", "local",
                                   "held", "relayed", "unconfirmed", "login"})
        failures[name];
}

template <class M>
static M& named(std::mutex& mutex, std::map<std::string, std::unique_ptr<M>, std::less<>>& all,
                std::string_view name) {
    std::lock_guard const lock(mutex);
    auto found = all.find(name);
    if (found == all.end()) found = all.emplace(std::string(name), std::make_unique<M>()).first;
    return *found->second;
}
ListenerMetrics& Metrics::listener(std::string_view name) {
    return named(mutex_, listeners_, name);
}
RouteMetrics& Metrics::route(std::string_view name) {
    return named(mutex_, routes_, name);
}
DestinationMetrics& Metrics::destination(std::string_view name) {
    return named(mutex_, destinations_, name);
}

std::string_view name(EdgeKind kind) {
    switch (kind) {
        case EdgeKind::listener_route:
            return "listener-route";
        case EdgeKind::route_destination:
            return "route-destination";
        case EdgeKind::route_route:
            return "route-route";
    }
    return "unknown";
}

Counter& Metrics::edge(EdgeKind kind, std::string_view from, std::string_view to) {
    std::lock_guard const lock(mutex_);
    return edges_[{kind, std::string(from), std::string(to)}];
}

void Metrics::add_source(std::function<void(std::string& out)> source) {
    std::lock_guard const lock(mutex_);
    sources_.push_back(std::move(source));
}

std::string Metrics::render() const {
    auto const now_us = net::now_us();
    std::string out;
    std::lock_guard const lock(mutex_);
    counters(out, listeners_, "listener", listener_counters);
    family(out, listeners_, "listener", "hilum_connections_open", "gauge", "Connections open now.",
           [](ListenerMetrics const& m) {
               return std::to_string(m.open_connections.load(std::memory_order_relaxed));
           });
    family(out, listeners_, "listener", "hilum_connections_waiting", "gauge",
           "Connections that are not read from because the store has no room.", [](ListenerMetrics const& m) {
               return std::to_string(m.waiting_connections.load(std::memory_order_relaxed));
           });
    histograms(out, listeners_, "listener", "hilum_ack_seconds",
               "From the message complete to its answer written.", &ListenerMetrics::ack_seconds);
    counters(out, routes_, "route", route_counters);
    counters(out, destinations_, "destination", destination_counters);
    if (!destinations_.empty()) {
        head(out, "hilum_attempt_failures_total", "counter", "Attempts that failed, by class.");
        for (auto const& [name, m] : destinations_) {
            for (auto const& [kind, counter] : m->failures) {
                line(out, "hilum_attempt_failures_total",
                     label("destination", name) + ',' + label("class", kind), std::to_string(load(counter)));
            }
        }
    }
    family(out, destinations_, "destination", "hilum_queue_depth", "gauge", "Deliveries waiting in the lane.",
           [](DestinationMetrics const& m) { return std::to_string(load(m.depth)); });
    family(out, destinations_, "destination", "hilum_queue_blocked", "gauge",
           "order_by values whose first message waits for another attempt.",
           [](DestinationMetrics const& m) { return std::to_string(load(m.blocked)); });
    family(out, destinations_, "destination", "hilum_queue_stopped", "gauge",
           "order_by values that wait for a person.",
           [](DestinationMetrics const& m) { return std::to_string(load(m.stopped)); });
    family(out, destinations_, "destination", "hilum_queue_oldest_age_seconds", "gauge",
           "Age of the oldest message waiting in the lane; 0 when none waits.",
           [now_us](DestinationMetrics const& m) {
               std::int64_t const oldest_us = m.oldest_us.load(std::memory_order_relaxed);
               return seconds(
                   oldest_us == 0 || oldest_us > now_us ? 0 : static_cast<std::uint64_t>(now_us - oldest_us));
           });
    histograms(out, destinations_, "destination", "hilum_delivery_seconds", "From received to delivered.",
               &DestinationMetrics::delivery_seconds);
    histograms(out, destinations_, "destination", "hilum_attempt_seconds", "Length of one attempt.",
               &DestinationMetrics::attempt_seconds);
    if (!edges_.empty()) {
        head(out, "hilum_edge_messages_total", "counter",
             "Messages that went from a listener to a route, and from a route to another or a destination.");
        for (auto const& [key, counter] : edges_) {
            auto const& [kind, from, to] = key;
            line(out, "hilum_edge_messages_total",
                 label("kind", name(kind)) + ',' + label("from", from) + ',' + label("to", to),
                 std::to_string(load(counter)));
        }
    }
    for (auto const& source : sources_) source(out);
    return out;
}

}  // namespace hilum::ops
