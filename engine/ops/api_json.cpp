#include "engine/ops/api_json.h"

#include <cmath>

#include "engine/ops/json.h"
#include "engine/ops/utf8.h"
#include "parsers/base64.h"
#include "parsers/time_text.h"
#include "routes/pipeline.h"

namespace hilum::ops {
namespace {

using json::Writer;

void time_field(Writer& w, std::string_view name, std::int64_t us) {
    if (us != 0) w.field(name, rfc3339(us));
}

template <class Items, class F>
void write_list(Writer& w, std::string_view name, Items const& items, F each) {
    w.key(name);
    w.array([&] {
        for (auto const& item : items) each(item);
    });
}

// Until a queue is empty if it goes on as it did in the last minute. Nothing when that is not known, it
// stands still or does not get shorter.
std::optional<std::uint64_t> seconds_left(QueueView const& q) {
    bool const moves = q.state == "running" || q.state == "retrying";
    double const shrinks = q.settled_per_second - q.arrived_per_second;
    constexpr double longest = 365.0 * 24 * 3600;  // further off is no forecast
    if (!moves || shrinks <= 0 || static_cast<double>(q.queued) > shrinks * longest) return std::nullopt;
    return static_cast<std::uint64_t>(std::ceil(static_cast<double>(q.queued) / shrinks));
}

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

// The members of a delivery as the index knows it.
void delivery_fields(Writer& w, store::DeliveryRow const& d) {
    w.field("ordinal", d.ordinal);
    w.field("destination", d.destination);
    w.field("route", d.route);
    w.field("state", d.state);
    w.field("attempts", d.attempts);
    time_field(w, "time", d.time_us);
    w.field_if("code", d.code);
    w.field_if("text", d.text);
}

void row_fields(Writer& w, store::MessageRow const& row) {
    w.field("message", row.sequence);
    time_field(w, "received_at", row.received_us);
    w.field("listener", row.listener);
    w.field("source", row.source);
    w.field("type", row.type);
    w.field("control_id", row.control_id);
    w.field("sender", row.sender);
    w.field("patient_id", row.patient_id);
    w.field("visit", row.visit);
    w.field("state", row.state);
    w.field("answer_code", row.answer_code);
    w.field("bytes", row.bytes);
}

// Message content in a reply, as long as there is room for it.
class Contents {
  public:
    explicit Contents(Writer& w) : w_(w) {}
    void write(std::string_view name, std::string_view bytes, std::string const& href) {
        w_.key(name);
        w_.object([&] {
            w_.field("bytes", bytes.size());
            w_.field("href", href);
            if (bytes.size() > one_bytes_max || bytes.size() > left_) return;
            left_ -= bytes.size();
            bool const text = is_utf8(bytes);
            w_.field("encoding", text ? "utf-8" : "base64");
            if (text) {
                w_.field("data", bytes);
            } else {
                w_.field("data", to_base64(bytes));
            }
        });
    }

  private:
    static constexpr std::size_t one_bytes_max = 1u << 20;
    std::size_t left_ = 4u << 20;
    Writer& w_;
};

void write_attempt(Writer& w, store::StoredResult const& attempt, std::string const& destination) {
    w.object([&] {
        w.field("destination", destination);
        w.field("attempt", attempt.record.attempt);
        w.field("outcome", outcome_name(attempt.record.outcome));
        time_field(w, "time", attempt.record.time_us);
        w.field("duration_us", attempt.record.duration_us);
        if (attempt.record.possible_duplicate) w.field("possible_duplicate", true);
        w.field_if("code", attempt.code);
        w.field_if("text", attempt.text);
        w.field_if("answer", attempt.answer);
    });
}

template <class F>
std::string object(F content) {
    Writer w;
    w.object([&] { content(w); });
    return w.text();
}

}  // namespace

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

std::string_view outcome_name(store::DeliveryOutcome outcome) {
    using enum store::DeliveryOutcome;
    switch (outcome) {
        case delivered:
            return "delivered";
        case held:
            return "held";
        case skipped:
            return "skipped";
        case cancelled:
            return "cancelled";
        case failed:
            return "failed";
        case released:
            return "released";
        case in_flight:
            return "in_flight";
        case ambiguous:
            return "ambiguous";
        case answered:
            return "answered";
    }
    return "unknown";
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

std::string messages_json(std::vector<store::MessageRow> const& rows, store::Sequence next_before) {
    return object([&](Writer& w) {
        write_list(w, "messages", rows, [&](store::MessageRow const& row) {
            w.object([&] {
                row_fields(w, row);
                write_list(w, "deliveries", row.deliveries,
                           [&](store::DeliveryRow const& d) { w.object([&] { delivery_fields(w, d); }); });
            });
        });
        if (next_before != 0) w.field("next_before", next_before);
    });
}

std::string message_json(MessageView const& view) {
    auto const& record = view.stored.record;
    std::string const href = "/api/v1/messages/" + std::to_string(view.row.sequence);
    return object([&](Writer& w) {
        Contents contents(w);
        row_fields(w, view.row);
        if (record.origin != 0) w.field("origin", record.origin);
        w.field("config_hash", record.config_hash);
        contents.write("received", record.received, href + "/received");
        if (!record.answer.empty()) w.field("answer", record.answer);
        std::size_t i = 0;
        write_list(w, "verdicts", record.verdicts, [&](store::VerdictEntry const& verdict) {
            w.object([&] {
                w.field("route", i < view.route_names.size() ? std::string_view(view.route_names[i])
                                                             : std::string_view{});
                w.field("outcome", routes::name(static_cast<routes::RouteOutcome>(verdict.outcome)));
                w.field_if("reason", verdict.reason);
            });
            ++i;
        });
        write_list(w, "deliveries", view.row.deliveries, [&](store::DeliveryRow const& d) {
            w.object([&] {
                delivery_fields(w, d);
                if (d.ordinal >= record.deliveries.size()) return;
                std::uint32_t const body = record.deliveries[d.ordinal].body;
                w.field("as_received", body == 0);
                if (body == 0) return;
                contents.write("body", view.stored.body(d.ordinal),
                               href + "/deliveries/" + std::to_string(d.ordinal) + "/body");
            });
        });
        i = 0;
        write_list(w, "attempts", view.attempts, [&](store::StoredResult const& attempt) {
            write_attempt(
                w, attempt,
                i < view.attempt_destinations.size() ? view.attempt_destinations[i] : std::string{});
            ++i;
        });
        i = 0;
        write_list(w, "resends", view.resends, [&](store::StoredResend const& resend) {
            w.object([&] {
                w.field("ordinal", resend.record.ordinal);
                w.field("destination", i < view.resend_destinations.size()
                                           ? std::string_view(view.resend_destinations[i])
                                           : std::string_view{});
                time_field(w, "time", resend.record.time_us);
                w.field("by", resend.by);
            });
            ++i;
        });
    });
}

std::string resent_json(Control::Resent const& resent) {
    return object([&](Writer& w) {
        write_list(w, "destinations", resent.destinations, [&](std::string const& name) { w.value(name); });
        if (resent.reprocessed_as != 0) w.field("reprocessed_as", resent.reprocessed_as);
    });
}

}  // namespace hilum::ops
