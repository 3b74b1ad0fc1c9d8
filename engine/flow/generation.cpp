#include "engine/flow/generation.h"

#include <algorithm>

#include "engine/listeners/text_options.h"
#include "parsers/hl7/message_form.h"

namespace hilum::flow {

using routes::RouteOutcome;
using store::MessageState;

namespace {

// Route names are parallel to config.routes, the first destination names to config.destinations.
std::vector<Generation::Edges> edges_of(config::Config const& config, routes::Pipeline const& pipeline,
                                        ops::Metrics& metrics) {
    using enum ops::EdgeKind;
    std::vector<Generation::Edges> edges(config.routes.size());
    for (std::uint32_t i = 0; i < config.routes.size(); ++i) {
        auto const& route = config.routes[i];
        for (auto const& from : route.from)
            edges[i].listeners.emplace_back(pipeline.listener(from.name),
                                            &metrics.edge(listener_route, from.name, route.name));
        for (auto const& to : route.to) {
            auto const& names = pipeline.destination_names();
            auto const at = std::find(names.begin(), names.end(), to.name);
            if (at != names.end())
                edges[i].destinations.emplace_back(static_cast<std::uint32_t>(at - names.begin()),
                                                   &metrics.edge(route_destination, route.name, to.name));
            else
                edges[pipeline.route(to.name)].routes.emplace_back(
                    i, &metrics.edge(route_route, route.name, to.name));
        }
    }
    return edges;
}

void count_one(std::vector<Generation::Edges::To> const& edges, std::uint32_t other) {
    for (auto const& [index, counter] : edges)
        if (index == other) counter->fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

std::shared_ptr<Generation const> make_generation(config::Config config,
                                                  std::shared_ptr<routes::Pipeline const> pipeline,
                                                  store::Store& store, ops::Metrics& metrics) {
    auto generation = std::make_shared<Generation>();
    generation->config = std::move(config);
    for (auto const& listener : generation->config.listeners)
        generation->charsets.push_back(listeners::charset_of(listener));
    for (auto const& route : pipeline->route_names()) {
        generation->routes.push_back(store.name_id(route));
        generation->route_metrics.push_back(&metrics.route(route));
    }
    for (auto const& destination : pipeline->destination_names()) {
        generation->destinations.push_back(store.name_id(destination));
        generation->destination_metrics.push_back(&metrics.destination(destination));
    }
    generation->edges = edges_of(generation->config, *pipeline, metrics);
    generation->pipeline = std::move(pipeline);
    generation->validators = make_validators(generation->config);
    generation->validation_name = store.name_id("(validation)");
    return generation;
}

Result<void> read(Generation const& generation, std::uint32_t listener, std::string_view bytes,
                  routes::Workpiece& piece) {
    // Not what the listener takes: a route behind a map waits with what the map has made.
    auto const content = fhir::looks_like_interaction(bytes) ? routes::Content::fhir : routes::Content::hl7;
    return piece.read(content, bytes, generation.charset(listener), generation.pipeline->dictionary());
}

void keep_only(routes::Processed& processed, routes::Pipeline const& pipeline,
               std::vector<std::string> const& routes) {
    auto const other = [&](std::uint32_t route) {
        return std::find(routes.begin(), routes.end(), pipeline.route_names()[route]) == routes.end();
    };
    std::erase_if(processed.verdicts, [&](auto const& v) { return other(v.route); });
    std::erase_if(processed.deliveries, [&](auto const& d) { return other(d.route); });
    processed.rejected = std::any_of(processed.verdicts.begin(), processed.verdicts.end(),
                                     [](auto const& v) { return v.outcome == RouteOutcome::rejected; });
}

bool may_reach(routes::Processed const& processed, Generation const& generation, store::NameId destination) {
    if (destination == 0) return false;
    auto const configured = generation.config.destinations.size();
    return std::any_of(processed.deliveries.begin(), processed.deliveries.end(), [&](auto const& d) {
        return d.destination >= configured || generation.destinations[d.destination] == destination;
    });
}

std::vector<store::VerdictEntry> verdicts_of(Generation const& generation,
                                             routes::Processed const& processed) {
    std::vector<store::VerdictEntry> verdicts;
    verdicts.reserve(processed.verdicts.size());
    for (auto const& v : processed.verdicts) {
        verdicts.push_back({generation.routes[v.route], static_cast<std::uint8_t>(v.outcome), v.reason});
    }
    return verdicts;
}

void take_over(routes::Processed const& processed, Generation const& generation,
               store::MessageRecord& record) {
    record.state = processed.held()               ? MessageState::held
                   : processed.deliveries.empty() ? MessageState::filtered
                                                  : MessageState::accepted;
    record.verdicts = verdicts_of(generation, processed);
    record.bodies.assign(processed.bodies.begin(), processed.bodies.end());
    record.deliveries.reserve(processed.deliveries.size() + 1);
    for (auto const& d : processed.deliveries)
        record.deliveries.push_back({generation.destinations[d.destination], generation.routes[d.route],
                                     d.body, store::Order{d.order.rule, d.order.key, d.order.urgent}});
}

store::Order order_of(Generation const& generation, std::string_view destination, std::string_view body,
                      std::int64_t now_us) {
    auto const& pipeline = *generation.pipeline;
    routes::DeliveryOrder order;
    if (pipeline.content_of_order(destination) == routes::Content::fhir) {
        auto const interaction = fhir::Interaction::read(body);
        if (!interaction) return {};
        order = pipeline.order_of(destination, {nullptr, nullptr, &*interaction}, now_us);
    } else {
        auto const message = hl7::read_body(body);
        if (!message) return {};
        hl7::StructureCache structures(*message, pipeline.dictionary());
        order = pipeline.order_of(destination, {&*message, &structures, nullptr}, now_us);
    }
    return {order.rule, order.key, order.urgent};
}

void count_processed(Generation const& generation, std::uint32_t listener, routes::Processed const& processed,
                     ops::Log& log) {
    for (auto const& d : processed.deliveries) {
        count_one(generation.edges[d.route].destinations, d.destination);
        if (!d.order.failed) continue;
        auto& count = generation.destination_metrics[d.destination]->order_failed;
        if (count.fetch_add(1, std::memory_order_relaxed) == 0)
            log.warn(
                "order_by_failed",
                {{"destination", generation.pipeline->destination_names()[d.destination]},
                 {"error", "order_by does not give one value: the message counts as one without a value"},
                 {"next", "choose one, as PID-3[1].1 does; hilum_order_failed_total counts them"}});
    }
    for (auto const& v : processed.verdicts) {
        auto& route = *generation.route_metrics[v.route];
        if (v.outcome == RouteOutcome::noted) {
            route.lost.fetch_add(v.lost, std::memory_order_relaxed);
            continue;
        }
        auto const& edges = generation.edges[v.route];
        bool const first = v.from == routes::RouteVerdict::no_route;
        count_one(first ? edges.listeners : edges.routes, first ? listener : v.from);
        auto& counter = v.outcome == RouteOutcome::sent       ? route.sent
                        : v.outcome == RouteOutcome::filtered ? route.filtered
                        : v.outcome == RouteOutcome::held     ? route.held
                                                              : route.rejected;
        counter.fetch_add(1, std::memory_order_relaxed);
    }
}

}  // namespace hilum::flow
