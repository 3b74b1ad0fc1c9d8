// One configuration in force, and what its routes made of a message as the store wants it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/flow/validation.h"
#include "engine/ops/log.h"
#include "engine/ops/metrics.h"
#include "engine/store/store.h"
#include "routes/config/config.h"
#include "routes/pipeline.h"
#include "routes/subject.h"

namespace hilum::flow {

// With its names as the store knows them. Never changed; a reload makes another.
struct Generation {
    config::Config config;
    std::shared_ptr<routes::Pipeline const> pipeline;
    std::vector<store::NameId> routes;        // parallel to pipeline->route_names()
    std::vector<store::NameId> destinations;  // parallel to pipeline->destination_names()
    std::vector<ops::RouteMetrics*> route_metrics;
    std::vector<ops::DestinationMetrics*> destination_metrics;
    // Of a route the listeners and routes it gets messages from, and the destinations it sends them to.
    struct Edges {
        using To = std::pair<std::uint32_t, ops::Counter*>;
        std::vector<To> listeners, routes, destinations;
    };
    std::vector<Edges> edges;                           // parallel to pipeline->route_names()
    std::vector<std::optional<hl7::Charset>> charsets;  // given to listeners; parallel to config.listeners

    std::vector<std::shared_ptr<Validator const>> validators;  // parallel to config.listeners; nullptr: off
    store::NameId validation_name = 0;                         // under which the trace has what was found

    Validator const* validator(std::uint32_t listener) const {
        return listener < validators.size() ? validators[listener].get() : nullptr;
    }
    std::optional<hl7::Charset> charset(std::uint32_t listener) const {
        return listener < charsets.size() ? charsets[listener] : std::nullopt;
    }
};
std::shared_ptr<Generation const> make_generation(config::Config config,
                                                  std::shared_ptr<routes::Pipeline const> pipeline,
                                                  store::Store& store, ops::Metrics& metrics);

// A message that came in at that listener, ready for the routes; `bytes` outlive it. Errors: the reader's.
Result<void> read(Generation const& generation, std::uint32_t listener, std::string_view bytes,
                  routes::Workpiece& piece);

// Leaves of what the routes made only the part of those that held the message before.
void keep_only(routes::Processed& processed, routes::Pipeline const& pipeline,
               std::vector<std::string> const& routes);
// Whether the message goes to that destination, or to a route that waits and may send it there.
bool may_reach(routes::Processed const& processed, Generation const& generation, store::NameId destination);

// State, verdicts, bodies and deliveries: views of `processed`.
void take_over(routes::Processed const& processed, Generation const& generation,
               store::MessageRecord& record);
std::vector<store::VerdictEntry> verdicts_of(Generation const& generation,
                                             routes::Processed const& processed);
// Where a body stands in a destination's queue as it is configured now; none when it is not.
store::Order order_of(Generation const& generation, std::string_view destination, std::string_view body,
                      std::int64_t now_us);

// In the metrics of the routes and destinations; what people should look into goes to the log, once.
// `listener`: none of what goes on from a route that has waited.
void count_processed(Generation const& generation, std::uint32_t listener, routes::Processed const& processed,
                     ops::Log& log);

}  // namespace hilum::flow
