#include "engine/ops/api_json.h"

#include <cmath>

#include "engine/ops/json.h"
#include "parsers/time_text.h"

namespace hilum::ops {
namespace {

using json::Writer;

void write_queue(Writer& w, QueueView const& q) {
    w.object([&] {
        w.field("destination", q.destination);
        w.field("where", q.where);
        w.field("state", q.state);
        w.field("queued", q.queued);
        w.field("held", q.held);
        time_field(w, "oldest", q.oldest_us);
        if (q.head_message != 0) {
            w.field("head_message", q.head_message);
            w.field("head_attempts", q.head_attempts);
        }
        time_field(w, "next_attempt", q.next_attempt_us);
        w.field_if("last_error", q.last_error);
        time_field(w, "last_error_at", q.last_error_us);
        time_field(w, "last_delivered", q.last_delivered_us);
        if (q.pause) {
            w.field_if("pause_reason", q.pause->reason);
            time_field(w, "paused_until", q.pause->until_us);
        }
        w.field("connections", q.connections);
        w.field("in_flight", q.in_flight);
        w.field("blocked", q.blocked);
        w.field("stopped", q.stopped);
        if (q.settled_per_second > 0) {
            w.field("settled_per_second", q.settled_per_second);
            w.field("arrived_per_second", q.arrived_per_second);
        }
        if (auto const seconds = seconds_left(q)) w.field("seconds_left", *seconds);
        if (q.bytes) {
            w.field("bytes", *q.bytes);
            w.field("bytes_estimated", q.bytes_estimated);
        }
        if (q.blocked_messages.empty()) return;
        write_list(w, "blocked_messages", q.blocked_messages, [&](QueueView::Blocked const& b) {
            w.object([&] {
                w.field("message", b.message);
                w.field("attempts", b.attempts);
                w.field_if("error", b.error);
                w.field("stopped", b.stopped);
                time_field(w, "next_attempt", b.next_attempt_us);
            });
        });
    });
}

}  // namespace

void time_field(Writer& w, std::string_view name, std::int64_t us) {
    if (us != 0) w.field(name, rfc3339(us));
}

std::optional<std::uint64_t> seconds_left(QueueView const& q) {
    bool const moves = q.state == "running" || q.state == "retrying";
    double const shrinks = q.settled_per_second - q.arrived_per_second;
    constexpr double longest = 365.0 * 24 * 3600;  // further off is no forecast
    if (!moves || shrinks <= 0 || static_cast<double>(q.queued) > shrinks * longest) return std::nullopt;
    return static_cast<std::uint64_t>(std::ceil(static_cast<double>(q.queued) / shrinks));
}

void write_change(Writer& w, Change const& change) {
    w.object([&] {
        w.field("number", change.number);
        time_field(w, "time", change.time_us);
        w.field("kind", change.kind);
        w.field_if("name", change.name);
        w.field_if("from_state", change.from_state);
        w.field_if("state", change.state);
        w.field("text", change.text);
    });
}

std::string history_json(History const& history) {
    return object([&](Writer& w) {
        w.field("step_seconds", History::step_us / 1'000'000);
        time_field(w, "first", history.first_us);
        auto const list = [&](std::string_view name, bool there, std::uint32_t History::Step::*member) {
            w.key(name);
            w.array([&] {
                if (!there) return;
                for (auto const& step : history.steps) w.value(step.*member);
            });
        };
        list("waiting", history.queue, &History::Step::waiting);
        list("in", true, &History::Step::in);
        list("out", history.queue, &History::Step::out);
    });
}

std::string reload_json(ReloadView const& view) {
    return object([&](Writer& w) {
        w.field("hash", view.hash);
        w.field("was", view.was);
        w.key("changes");
        w.array([&] {
            for (auto const& change : view.changes) {
                w.object([&] {
                    w.field("section", change.section);
                    w.field_if("name", change.name);
                    w.field("change", change.kind);
                });
            }
        });
        w.key("diagnostics");
        write_diagnostics(w, view.diagnostics);
    });
}

void write_diagnostics(Writer& w, config::Diagnostics const& diagnostics) {
    w.array([&] {
        for (auto const& d : diagnostics.sorted()) {
            w.object([&] {
                w.field("severity", d.severity == config::Severity::error ? "error" : "warning");
                if (d.where.file) w.field("file", *d.where.file);
                if (d.where.line != 0) w.field("line", d.where.line);
                if (d.where.column != 0) w.field("column", d.where.column);
                w.field("what", d.what);
                w.field_if("remedy", d.remedy);
                if (d.where.used) w.field("used", d.where.used->text());
            });
        }
    });
}

std::string status_json(StatusView const& s) {
    return object([&](Writer& w) {
        w.field("version", s.version);
        w.field("ready", s.ready);
        time_field(w, "started", s.started_us);
        w.key("config");
        w.object([&] {
            w.field("source", s.config_source);
            w.field("hash", s.config_hash);
        });
        w.key("store");
        w.object([&] {
            w.field("health", s.store_health);
            w.field("segments", s.store.segments);
            w.field("bytes", s.store.bytes);
            w.field("messages", s.store.messages);
            w.field("last_message", s.store.last);
            w.field("free_bytes", s.store.free_bytes);
            w.field("level", s.space_level);
            w.field("used_bytes", s.space.used);
            w.field("limit_bytes", s.space.limit);
            w.field("used_percent", s.space.percent);
            w.field("commits", s.store.commits);
            w.field("synced_messages", s.store.synced_messages);
            w.field("index_lag", s.index_lag);
        });
    });
}

std::string listeners_json(std::vector<ListenerView> const& listeners) {
    return object([&](Writer& w) {
        write_list(w, "listeners", listeners, [&](ListenerView const& l) {
            w.object([&] {
                w.field("name", l.name);
                w.field("where", l.where);
                w.field("received", l.received);
                w.field("acknowledged", l.acknowledged);
                w.field("rejected", l.rejected);
                w.field("open_connections", l.open_connections);
            });
        });
    });
}

std::string conformance_json(std::vector<ConformanceView> const& all) {
    json::Writer w;
    w.object([&] {
        w.key("conformance");
        w.array([&] {
            for (auto const& view : all) {
                w.object([&] {
                    w.field("listener", view.listener);
                    w.field_if("sender", view.sender);
                    w.field("messages", view.messages);
                    w.field("conformant", view.conformant);
                    w.key("rules");
                    w.array([&] {
                        for (auto const& rule : view.rules) {
                            w.object([&] {
                                w.field("rule", rule.rule);
                                w.field("messages", rule.messages);
                                w.field("findings", rule.findings);
                            });
                        }
                    });
                });
            }
        });
    });
    return w.text();
}

std::string queues_json(std::vector<QueueView> const& queues, StatusView const& status) {
    return object([&](Writer& w) {
        write_list(w, "queues", queues, [&](QueueView const& q) { write_queue(w, q); });
        w.key("store");
        w.object([&] {
            w.field("level", status.space_level);
            w.field("used_percent", status.space.percent);
        });
    });
}

std::string queue_json(QueueView const& queue) {
    Writer w;
    write_queue(w, queue);
    return w.text();
}

std::string resent_json(Control::Resent const& resent) {
    return object([&](Writer& w) {
        write_list(w, "destinations", resent.destinations, [&](std::string const& name) { w.value(name); });
        if (resent.reprocessed_as != 0) w.field("reprocessed_as", resent.reprocessed_as);
    });
}

}  // namespace hilum::ops
