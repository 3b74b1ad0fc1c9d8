#include "engine/ops/watch.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/ops/api_json.h"
#include "engine/ops/json.h"
#include "engine/ops/plain_words.h"
#include "engine/ops/zone.h"
#include "parsers/time_text.h"

namespace hilum::ops {
namespace {

using json::Writer;
using namespace std::chrono_literals;

constexpr std::chrono::microseconds step = std::chrono::microseconds(History::step_us);
constexpr auto trend_over = 60min;
constexpr auto trend_needs = 5min;

std::uint64_t load(Counter const& counter) {
    return counter.load(std::memory_order_relaxed);
}

// As exact as a reader needs it, so that noise is no change.
double rounded(double value) {
    double const unit = value < 10 ? 100 : value < 100 ? 10 : 1;
    return std::round(value * unit) / unit;
}

std::uint32_t in_step(std::uint64_t count) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

std::optional<History> history_of(auto const& memories, std::string_view name, bool queue,
                                  std::int64_t last_step_us, std::int64_t now_us) {
    auto const found = memories.find(name);
    if (found == memories.end()) return std::nullopt;
    auto const& steps = found->second.steps;
    History history;
    history.queue = queue;
    history.steps.assign(steps.begin(), steps.end());
    auto const before_last = static_cast<std::int64_t>(steps.size()) - 1;
    history.first_us = steps.empty() ? now_us : last_step_us - before_last * History::step_us;
    return history;
}

}  // namespace

// The lists of an overview: all entries, and those that are not as they were told last.
struct Watch::Texts {
    struct List {
        Writer all, changed;
        bool has_changed = false;
        // `told` is kept for the next time.
        void add(std::string text, std::string& told) {
            all.raw(text);
            if (text == told) return;
            changed.raw(text);
            has_changed = true;
            told = std::move(text);
        }
    };
    List listeners, routes, destinations, edges;
};

std::shared_ptr<Overview const> Watch::look(Readings const& readings) {
    ++id_;
    minute_.look(readings.steady);
    five_minutes_.look(readings.steady);
    Texts texts;
    Totals totals;
    totals.held = readings.held_messages;
    struct {
        std::string_view name;
        Texts::List& list;
        std::function<void()> fill;
    } const lists[] = {
        {"listeners", texts.listeners,
         [&] {
             for (auto const& one : readings.listeners) listener(readings, one, totals, texts);
         }},
        {"routes", texts.routes,
         [&] {
             for (auto const& one : readings.routes) route(readings, one, texts);
         }},
        {"destinations", texts.destinations,
         [&] {
             for (auto const& one : readings.queues) queue(readings, one, totals, texts);
         }},
        {"edges", texts.edges,
         [&] {
             for (auto const& one : readings.edges) edge(one, texts);
         }},
    };
    {
        std::lock_guard const lock(mutex_);
        for (auto const& one : lists) one.list.all.array([&] { one.list.changed.array(one.fill); });
        end_step(readings);
        forget_unseen();
    }
    auto const engine = object([&](Writer& w) {
        auto const& s = readings.status;
        w.field("version", s.version);
        w.field("ready", s.ready);
        w.field("started", rfc3339(s.started_us));
        w.field("config_source", s.config_source);
        w.field("config_hash", s.config_hash);
        w.field("zone", local_zone());
        w.field("utc_offset_minutes", utc_offset_minutes(readings.now_us));
    });
    auto const store = object([&](Writer& w) {
        auto const& s = readings.status;
        w.field("health", s.store_health);
        w.field("level", s.space_level);
        w.field("used_percent", s.space.percent);
        w.field("used_bytes", s.space.used);
        w.field("limit_bytes", s.space.limit);
        w.field("index_lag", s.index_lag);
        if (auto const days = days_left(readings)) w.field("days_left", rounded(*days));
    });
    auto const totals_text = object([&](Writer& w) {
        w.field("in_per_second", rounded(totals.in));
        w.field("out_per_second", rounded(totals.out));
        w.field("waiting", totals.waiting);
        w.field("held", totals.held);
        if (totals.oldest_us != 0) w.field("oldest", rfc3339(totals.oldest_us));
    });
    auto const news = changes_.newest_first();
    auto const write = [&](bool whole) {
        return object([&](Writer& w) {
            w.field("id", id_);
            w.field("time", rfc3339(readings.now_us));
            auto const part = [&](std::string_view name, std::string const& text, std::string const& told) {
                if (!whole && text == told) return;
                w.key(name);
                w.raw(text);
            };
            part("engine", engine, told_engine_);
            part("store", store, told_store_);
            part("totals", totals_text, {});
            for (auto const& one : lists) {
                if (!whole && !one.list.has_changed) continue;
                w.key(one.name);
                w.raw((whole ? one.list.all : one.list.changed).text());
            }
            w.key("changes");
            w.array([&] {
                for (auto const& change : news)
                    if (whole || change.number > told_change_) write_change(w, change);
            });
        });
    };
    auto overview = std::make_shared<Overview>();
    overview->id = id_;
    overview->whole = write(true);
    if (told_config_ == readings.status.config_hash) overview->changes = write(false);
    told_config_ = readings.status.config_hash;
    told_engine_ = engine;
    told_store_ = store;
    if (!news.empty()) told_change_ = news.front().number;
    return overview;
}

Watch::Memory& Watch::memory(Memories& of, std::string const& name, std::uint64_t in, std::uint64_t out,
                             std::int64_t now_us) {
    auto& m = of[name];
    m.seen = id_;
    if (!m.begun) {
        m.step_in = in;
        m.step_out = out;
    } else if (in != m.in) {
        m.last_in_us = now_us;
    }
    m.begun = true;
    m.in = in;
    m.out = out;
    return m;
}

void Watch::set_state(Memory& of, std::string const& name, std::string_view state, std::int64_t since_us,
                      std::string const& why, std::int64_t now_us) {
    auto const before = of.state;
    auto const lasted = now_us - of.since_us;
    if (before != state) of.since_us = now_us;
    if (since_us != 0) of.since_us = since_us;
    of.state = state;
    bool const stuck = state == "stuck", was_stuck = before == "stuck";
    if (before == state || before.empty() || !(stuck || was_stuck)) return;
    auto const text = stuck ? why : std::string(state) + " after " + duration_words(lasted);
    changes_.add({now_us, "state", name, text, before, of.state});
}

void Watch::listener(Readings const& all, Readings::Listener const& one, Totals& totals, Texts& texts) {
    auto const received = load(one.metrics->received);
    auto& m = memory(listeners_, one.name, received, 0, all.now_us);
    auto const rate = m.in_rate.look(minute_, received);
    totals.in += rate;
    std::string why;
    bool const stands = one.metrics->waiting_connections.load(std::memory_order_relaxed) > 0;
    if (stands) why = "the store has no room: connections wait until there is some";
    set_state(m, one.name, stands ? "stuck" : rate > 0 ? "flowing" : "idle", 0, why, all.now_us);
    texts.listeners.add(object([&](Writer& w) {
                            w.field("name", one.name);
                            w.field("kind", one.kind);
                            w.field("where", one.where);
                            w.field("state", m.state);
                            w.field("since", rfc3339(m.since_us));
                            w.field_if("why", why);
                            w.field("in_per_second", rounded(rate));
                            w.field("received", received);
                            w.field("rejected", load(one.metrics->rejected));
                            time_field(w, "last_in", m.last_in_us);
                            w.field("open_connections",
                                    one.metrics->open_connections.load(std::memory_order_relaxed));
                        }),
                        m.told);
}

void Watch::route(Readings const& all, Readings::Route const& one, Texts& texts) {
    std::uint64_t seen = 0;
    for (auto const* counter : one.seen) seen += load(*counter);
    auto const sent = load(one.metrics->sent);
    auto& m = memory(routes_, one.name, seen, sent, all.now_us);
    auto const in = m.in_rate.look(minute_, seen), out = m.out_rate.look(minute_, sent);
    set_state(m, one.name, in > 0 || out > 0 ? "flowing" : "idle", 0, {}, all.now_us);
    texts.routes.add(object([&](Writer& w) {
                         w.field("name", one.name);
                         w.field("state", m.state);
                         w.field("since", rfc3339(m.since_us));
                         w.field("in_per_second", rounded(in));
                         w.field("out_per_second", rounded(out));
                         w.field("sent", sent);
                         w.field("filtered", load(one.metrics->filtered));
                         w.field("held", load(one.metrics->held));
                         w.field("rejected", load(one.metrics->rejected));
                         time_field(w, "last_in", m.last_in_us);
                     }),
                     m.told);
}

void Watch::queue(Readings const& all, Readings::Queue const& one, Totals& totals, Texts& texts) {
    auto const& q = one.view;
    auto const arrived = load(one.metrics->arrived), left = load(one.metrics->left);
    auto& m = memory(queues_, q.destination, arrived, left, all.now_us);
    auto const in = m.in_rate.look(minute_, arrived), out = m.out_rate.look(minute_, left);
    m.took.look(five_minutes_, one.metrics->delivery_seconds);
    auto const judgement = judge(q, out > 0, all.status.started_us, all.now_us);
    auto const error_text = in_plain_words(q.last_error, q.where);
    auto const why = q.state == "removed"   ? "no longer configured, and messages wait"
                     : !error_text.empty()  ? error_text
                     : q.stopped > 0        ? "a message waits for a person"
                     : q.state == "stopped" ? "the store takes no results"
                                            : "nothing goes";
    set_state(m, q.destination, name(judgement.mood), judgement.since_us, why, all.now_us);
    totals.out += out;
    totals.waiting += q.queued;
    totals.held += q.held;
    if (q.oldest_us != 0 && (totals.oldest_us == 0 || q.oldest_us < totals.oldest_us))
        totals.oldest_us = q.oldest_us;
    texts.destinations.add(object([&](Writer& w) {
                               w.field("name", q.destination);
                               w.field("kind", one.kind);
                               w.field("where", q.where);
                               w.field("state", m.state);
                               w.field("since", rfc3339(m.since_us));
                               w.field("queue_state", q.state);
                               w.field("waiting", q.queued);
                               w.field("held", q.held);
                               time_field(w, "oldest", q.oldest_us);
                               if (q.head_message != 0) {
                                   w.field("head_message", q.head_message);
                                   w.field("attempts", q.head_attempts);
                               }
                               time_field(w, "next_attempt", q.next_attempt_us);
                               w.field("in_per_second", rounded(in));
                               w.field("out_per_second", rounded(out));
                               if (auto const p50 = m.took.ms(0.5); p50 > 0) {
                                   w.field("p50_ms", rounded(p50));
                                   w.field("p99_ms", rounded(m.took.ms(0.99)));
                               }
                               if (auto const seconds = seconds_left(q)) w.field("seconds_left", *seconds);
                               time_field(w, "last_in", m.last_in_us);
                               time_field(w, "last_delivered", q.last_delivered_us);
                               w.field_if("last_error", q.last_error);
                               w.field_if("last_error_text", error_text);
                               time_field(w, "last_error_at", q.last_error_us);
                               if (q.pause) {
                                   w.field_if("pause_reason", q.pause->reason);
                                   time_field(w, "paused_until", q.pause->until_us);
                               }
                               w.field("in_flight", q.in_flight);
                               w.field("blocked", q.blocked);
                               w.field("stopped", q.stopped);
                           }),
                           m.told);
}

void Watch::edge(Readings::Edge const& one, Texts& texts) {
    auto& line = edges_[{one.kind, one.from, one.to}];
    line.seen = id_;
    auto const rate = line.rate.look(minute_, load(*one.count));
    texts.edges.add(object([&](Writer& w) {
                        w.field("from", one.from);
                        w.field("to", one.to);
                        w.field("kind", name(one.kind));
                        w.field("per_second", rounded(rate));
                    }),
                    line.told);
}

void Watch::end_step(Readings const& readings) {
    if (step_ends_ == 0us) step_ends_ = readings.steady + step;
    if (readings.steady < step_ends_) return;
    // After a standstill of the machine there are no steps for it.
    step_ends_ = std::max(step_ends_ + step, readings.steady + step / 2);
    last_step_us_ = readings.now_us;
    std::map<std::string_view, std::uint64_t> waiting;
    for (auto const& one : readings.queues) waiting[one.view.destination] = one.view.queued;
    for (auto* const memories : {&listeners_, &queues_}) {
        for (auto& [name, m] : *memories) {
            auto const waits = memories == &queues_ ? waiting[name] : 0;
            m.steps.push_back({in_step(waits), in_step(m.in - m.step_in), in_step(m.out - m.step_out)});
            if (m.steps.size() > History::steps_max) m.steps.pop_front();
            m.step_in = m.in;
            m.step_out = m.out;
        }
    }
}

void Watch::forget_unseen() {
    auto const unseen = [this](auto const& entry) { return entry.second.seen != id_; };
    std::erase_if(listeners_, unseen);
    std::erase_if(routes_, unseen);
    std::erase_if(queues_, unseen);
    std::erase_if(edges_, unseen);
}

std::optional<double> Watch::days_left(Readings const& readings) {
    auto const& space = readings.status.space;
    if (space.limit == 0) return std::nullopt;
    if (filled_.empty() || readings.steady - filled_.back().at >= step)
        filled_.push_back({readings.steady, space.used});
    while (readings.steady - filled_.front().at > trend_over) filled_.pop_front();
    auto const& first = filled_.front();
    auto const over = readings.steady - first.at;
    if (over < trend_needs || space.used <= first.bytes || space.limit < space.used) return std::nullopt;
    double const per_day =
        static_cast<double>(space.used - first.bytes) / std::chrono::duration<double>(over).count() * 86'400;
    return static_cast<double>(space.limit - space.used) / per_day;
}

std::optional<History> Watch::queue_history(std::string_view name, std::int64_t now_us) const {
    std::lock_guard const lock(mutex_);
    return history_of(queues_, name, true, last_step_us_, now_us);
}

std::optional<History> Watch::listener_history(std::string_view name, std::int64_t now_us) const {
    std::lock_guard const lock(mutex_);
    return history_of(listeners_, name, false, last_step_us_, now_us);
}

}  // namespace hilum::ops
