// The views of Control as JSON. openapi.yaml is their schema.
#pragma once

#include <string>
#include <vector>

#include "engine/ops/control.h"
#include "engine/ops/json.h"

namespace hilum::ops {

std::string status_json(StatusView const& status);
std::string listeners_json(std::vector<ListenerView> const& listeners);
std::string conformance_json(std::vector<ConformanceView> const& all);
std::string queues_json(std::vector<QueueView> const& queues, StatusView const& status);
std::string queue_json(QueueView const& queue);
// `next_before` is the value of `before` for the next page; 0: this is the last.
std::string messages_json(std::vector<store::MessageRow> const& rows, store::Sequence next_before);
// Content over 1 MiB, or past 4 MiB in all, is left out: its href says where the raw bytes are.
std::string message_json(MessageView const& message);
std::string resent_json(Control::Resent const& resent);
std::string move_json(MoveView const& view);
std::string replay_json(ReplayView const& view);
std::string replays_json(std::vector<ReplayView> const& views);
std::string reload_json(ReloadView const& view);  // of one that was not refused
// A list of findings, as `hilum check --json` and a reload tell them.
void write_diagnostics(json::Writer& writer, config::Diagnostics const& diagnostics);

std::string_view outcome_name(store::DeliveryOutcome outcome);

}  // namespace hilum::ops
