// Messages and their traces as JSON; see api_json.h.
#include "engine/ops/api_json.h"
#include "engine/ops/utf8.h"
#include "parsers/base64.h"
#include "routes/pipeline.h"

namespace hilum::ops {
namespace {

using json::Writer;

// The members of a delivery as the index knows it.
void delivery_fields(Writer& w, store::DeliveryRow const& d, bool masked) {
    w.field("ordinal", d.ordinal);
    w.field("destination", d.destination);
    w.field("route", d.route);
    w.field("state", d.state);
    w.field("attempts", d.attempts);
    time_field(w, "time", d.time_us);
    w.field_if("code", d.code);
    if (!masked) w.field_if("text", d.text);
}

// "****4417" of a long identifier; of a short one, less than would tell who it is.
std::string masked_text(std::string_view identifier) {
    if (identifier.empty()) return {};
    auto const shown = identifier.size() >= 8 ? std::size_t{4} : identifier.size() >= 5 ? std::size_t{2} : 0;
    return "****" + std::string(identifier.substr(identifier.size() - shown));
}

void row_fields(Writer& w, store::MessageRow const& row, bool masked) {
    w.field("message", row.sequence);
    time_field(w, "received_at", row.received_us);
    w.field("listener", row.listener);
    w.field("source", row.source);
    w.field("type", row.type);
    w.field("control_id", row.control_id);
    w.field("sender", row.sender);
    w.field("patient_id", masked ? masked_text(row.patient_id) : row.patient_id);
    w.field("visit", masked ? masked_text(row.visit) : row.visit);
    w.field("state", row.state);
    w.field("answer_code", row.answer_code);
    w.field("bytes", row.bytes);
}

// Message content in a reply, as long as there is room for it.
class Contents {
  public:
    Contents(Writer& w, bool masked) : left_(masked ? 0 : all_bytes_max), w_(w) {}
    void write(std::string_view name, std::string_view bytes, std::string const& href) {
        w_.key(name);
        w_.object([&] {
            w_.field("bytes", bytes.size());
            w_.field("href", href);
            if (bytes.size() > one_bytes_max || bytes.size() > left_ || left_ == 0) return;
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
    static constexpr std::size_t all_bytes_max = 4u << 20;
    std::size_t left_;
    Writer& w_;
};

void write_attempt(Writer& w, store::StoredResult const& attempt, std::string const& destination,
                   bool masked) {
    w.object([&] {
        w.field("destination", destination);
        w.field("attempt", attempt.record.attempt);
        w.field("outcome", outcome_name(attempt.record.outcome));
        time_field(w, "time", attempt.record.time_us);
        w.field("duration_us", attempt.record.duration_us);
        if (attempt.record.possible_duplicate) w.field("possible_duplicate", true);
        w.field_if("code", attempt.code);
        if (masked) return;
        w.field_if("text", attempt.text);
        w.field_if("answer", attempt.answer);
    });
}

}  // namespace

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

std::string messages_json(MessagePage const& page, bool masked) {
    return object([&](Writer& w) {
        write_list(w, "messages", page.rows, [&](store::MessageRow const& row) {
            w.object([&] {
                row_fields(w, row, masked);
                write_list(w, "deliveries", row.deliveries, [&](store::DeliveryRow const& d) {
                    w.object([&] { delivery_fields(w, d, masked); });
                });
            });
        });
        if (page.next_before != 0) w.field("next_before", page.next_before);
        if (!page.count) return;
        w.key("count");
        w.object([&] {
            w.field("messages", page.count->messages);
            w.field("at_least", page.count->at_least);
            w.field("took_ms", page.count_took.count());
        });
    });
}

std::string message_json(MessageView const& view, bool masked) {
    auto const& record = view.stored.record;
    std::string const href = "/api/v1/messages/" + std::to_string(view.row.sequence);
    return object([&](Writer& w) {
        Contents contents(w, masked);
        row_fields(w, view.row, masked);
        if (record.origin != 0) w.field("origin", record.origin);
        w.field("config_hash", record.config_hash);
        contents.write("received", record.received, href + "/received");
        if (!masked) w.field_if("answer", record.answer);
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
                delivery_fields(w, d, masked);
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
            write_attempt(w, attempt,
                          i < view.attempt_destinations.size() ? view.attempt_destinations[i] : std::string{},
                          masked);
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

}  // namespace hilum::ops
