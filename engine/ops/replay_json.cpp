// Replay jobs as JSON. openapi.yaml is the schema.
#include "engine/ops/api_json.h"
#include "engine/ops/json.h"
#include "parsers/time_text.h"

namespace hilum::ops {
namespace {

using json::Writer;

void time_field(Writer& w, std::string_view name, std::int64_t us) {
    if (us != 0) w.field(name, rfc3339(us));
}

void write_preview(Writer& w, ReplayRequest const& request, ReplayPreview const& p) {
    w.object([&] {
        w.field("messages", p.messages);
        w.key("destinations");
        w.array([&] {
            for (auto const& [name, target] : p.targets) {
                w.object([&] {
                    w.field("destination", name);
                    w.field("deliveries", target.deliveries);
                    w.field("bytes", target.bytes);
                });
            }
        });
        w.key("left_out");
        w.array([&] {
            for (auto const& [reason, messages] : p.left_out) {
                w.object([&] {
                    w.field("reason", reason);
                    w.field("messages", messages);
                });
            }
        });
        if (request.mode == ReplayMode::as_sent) return;
        w.field("filtered", p.filtered);
        w.field("held", p.held);
        w.field("rejected", p.rejected);
        if (request.mode == ReplayMode::held) return;
        w.field("alike", p.alike);
        w.field("different", p.messages - std::min(p.messages, p.alike));
        w.key("clusters");
        w.array([&] {
            for (auto const& c : p.clusters) {
                w.object([&] {
                    w.field("messages", c.messages);
                    w.field("subject", c.subject);
                    w.field_if("path", c.path);
                    w.field("kind", c.kind);
                    w.field_if("reason", c.reason);
                    w.field("example", c.example);
                });
            }
        });
        w.field("unclustered", p.unclustered);
    });
}

void write_replay(Writer& w, ReplayView const& v) {
    auto const& r = v.request;
    w.object([&] {
        w.field("job", v.job);
        w.field("mode", name(r.mode));
        w.field("state", v.state);
        time_field(w, "from", r.from_us);
        time_field(w, "to", r.to_us);
        w.field_if("listener", r.listener);
        w.field_if("route", r.route);
        w.field_if("destination", r.destination);
        w.field_if("code", r.code);
        w.field_if("cause", r.cause);
        w.field_if("where", r.where);
        w.field_if("to_destination", r.to_destination);
        w.field("rate", r.rate);
        w.field("by", r.by);
        time_field(w, "asked", v.asked_us);
        time_field(w, "started", v.started_us);
        time_field(w, "ended", v.ended_us);
        w.field("messages", v.messages);
        w.field("deliveries", v.deliveries);
        if (v.last_message != 0) w.field("last_message", v.last_message);
        w.field_if("waits_for", v.waits_for);
        w.field_if("why", v.why);
        w.key("preview");
        write_preview(w, r, v.preview);
    });
}

}  // namespace

std::string move_json(MoveView const& view) {
    Writer w;
    w.object([&] {
        w.field("messages", view.messages);
        w.field("bytes", view.bytes);
        if (view.at_least) w.field("at_least", true);
        w.field("moving", view.moving);
    });
    return w.text();
}

std::string replay_json(ReplayView const& view) {
    Writer w;
    write_replay(w, view);
    return w.text();
}

std::string replays_json(std::vector<ReplayView> const& views) {
    Writer w;
    w.object([&] {
        w.key("replays");
        w.array([&] {
            for (auto const& view : views) write_replay(w, view);
        });
    });
    return w.text();
}

}  // namespace hilum::ops
