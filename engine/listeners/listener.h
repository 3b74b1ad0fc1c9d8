// A listener takes messages in. One file per kind; catalogue.cpp lists them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/flow/intake.h"
#include "engine/net/runtime.h"
#include "engine/ops/log.h"
#include "engine/ops/metrics.h"
#include "routes/config/config.h"

namespace hilum::subscriptions {
class Feeds;
}

namespace hilum::listeners {

struct ListenerContext {
    net::Runtime& runtime;
    flow::Intake& intake;
    ops::ListenerMetrics& metrics;
    ops::Log& log;
    subscriptions::Feeds const* feeds = nullptr;  // of an engine never null
};

class Listener {
  public:
    virtual ~Listener() = default;
    // Binds (or opens) and begins; when it returns, peers can connect. Called before the threads run or on
    // any thread.
    virtual Result<void> start() = 0;
    // Takes nothing new in; what is inside Intake::accept() is answered first, idle connections are closed.
    // Returns when all of its coroutines have ended; at most a few seconds. Runs on any of the runtime's
    // contexts.
    virtual net::Task<void> stop() = 0;
    // What `hilum run` and the ops API show: "mllp 0.0.0.0:2575". With port 0 configured, the real port.
    virtual std::string where() const = 0;
};

struct ListenerKind {
    std::string_view name;
    std::string_view summary;
    void (*check)(config::Component const& component, config::Diagnostics& diagnostics);
    std::string (*schema)();
    // `component` has passed check.
    std::unique_ptr<Listener> (*make)(config::Component const& component, ListenerContext context);
    config::Content content = config::Content::hl7;  // what it gives the intake
};

std::vector<ListenerKind> const& listener_catalogue();

// The kinds' declarations, one per file beside this one.
ListenerKind mllp_listener();
ListenerKind http_listener();
ListenerKind file_listener();
ListenerKind fhir_listener();

}  // namespace hilum::listeners
