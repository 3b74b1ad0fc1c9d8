// What the engine reads off for one overview: names, states, and where the counters are.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/ops/control.h"
#include "engine/ops/metrics.h"

namespace hilum::ops {

struct Readings {
    struct Listener {
        std::string name, kind, where;
        ListenerMetrics const* metrics = nullptr;
    };
    struct Route {
        std::string name;
        RouteMetrics const* metrics = nullptr;
        std::vector<Counter const*> seen;  // messages that came to it, by where from
    };
    struct Queue {
        QueueView view;
        std::string kind;
        DestinationMetrics const* metrics = nullptr;
    };
    struct Edge {
        EdgeKind kind = EdgeKind::listener_route;
        std::string from, to;
        Counter const* count = nullptr;
    };
    std::int64_t now_us = 0;
    std::chrono::microseconds steady{0};  // of a clock that is never set
    StatusView status;
    std::uint64_t held_messages = 0;  // by routes; what is held in queues is in their views
    std::vector<Listener> listeners;
    std::vector<Route> routes;
    std::vector<Queue> queues;
    std::vector<Edge> edges;
};

}  // namespace hilum::ops
