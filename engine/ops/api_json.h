// The views of Control as JSON. openapi.yaml is their schema.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/ops/changes.h"
#include "engine/ops/control.h"
#include "engine/ops/json.h"
#include "engine/ops/overview.h"

namespace hilum::ops {

std::string status_json(StatusView const& status);
std::string listeners_json(std::vector<ListenerView> const& listeners);
std::string conformance_json(std::vector<ConformanceView> const& all);
std::string queues_json(std::vector<QueueView> const& queues, StatusView const& status);
std::string queue_json(QueueView const& queue);
struct MessagePage {
    std::vector<store::MessageRow> rows;
    store::Sequence next_before = 0;  // the value of `before` for the next page; 0: this is the last
    std::optional<store::Store::Count> count;
    std::chrono::milliseconds count_took{0};
};
// Masked, identifiers of people have only their end, and what may hold more of them is left out.
std::string messages_json(MessagePage const& page, bool masked);
// Content over 1 MiB, or past 4 MiB in all, is left out: its href says where the raw bytes are.
std::string message_json(MessageView const& message, bool masked);
std::string resent_json(Control::Resent const& resent);
std::string move_json(MoveView const& view);
std::string replay_json(ReplayView const& view);
std::string replays_json(std::vector<ReplayView> const& views);
std::string reload_json(ReloadView const& view);  // of one that was not refused
// A list of findings, as `hilum check --json` and a reload tell them.
void write_diagnostics(json::Writer& writer, config::Diagnostics const& diagnostics);

void write_change(json::Writer& writer, Change const& change);
std::string history_json(History const& history);
std::string held_json(HeldView const& held);
std::string story_json(StoryView const& story, bool values);
std::string dictionary_json(hl7::Dictionary const& dictionary, hl7::Version version,
                            std::vector<std::string_view> const& segments);
// The field is left out when there is no time.
void time_field(json::Writer& writer, std::string_view name, std::int64_t us);
// Until a queue is empty if it goes on as it did in the last minute. Nothing when that is not known, it
// stands still or does not get shorter.
std::optional<std::uint64_t> seconds_left(QueueView const& queue);

std::string_view outcome_name(store::DeliveryOutcome outcome);

}  // namespace hilum::ops
