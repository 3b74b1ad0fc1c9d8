#include "routes/contents.h"

#include <string>

#include "routes/index_of.h"

namespace hilum::routes {

using config::Content;

namespace {

void report(config::Route const& route, config::Diagnostics& diagnostics) {
    diagnostics.error(
        route.where,
        "both HL7 v2 messages and FHIR resources come to the route " + config::in_quotes(route.name),
        "make a route for each: what a step or an expression means depends on it");
}

}  // namespace

Contents contents_of(config::Config const& config, config::Diagnostics& diagnostics) {
    auto const& routes = config.routes;
    std::vector<std::set<Content>> come(routes.size());
    std::vector<std::size_t> waiting;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        for (auto const& from : routes[i].from) {
            auto const listener = index_of(config.listeners, from.name);
            if (listener == config.listeners.size()) continue;
            come[i].insert(config.listeners[listener].content.value_or(Content::hl7));
        }
        if (!come[i].empty()) waiting.push_back(i);
    }
    Contents out;
    out.of_destination.resize(config.destinations.size());
    // Each round adds to a set, so that it ends whatever leads where.
    while (!waiting.empty()) {
        auto const i = waiting.back();
        waiting.pop_back();
        for (auto const& ref : routes[i].to) {
            auto const next = index_of(routes, ref.name);
            if (next == routes.size()) continue;
            auto const before = come[next].size();
            come[next].insert(come[i].begin(), come[i].end());
            if (come[next].size() != before) waiting.push_back(next);
        }
    }
    for (std::size_t i = 0; i < routes.size(); ++i) {
        if (come[i].size() > 1) report(routes[i], diagnostics);
        auto const content = come[i].empty() ? Content::hl7 : *come[i].begin();
        out.of_route.push_back(content);
        for (auto const& ref : routes[i].to) {
            auto const to = index_of(config.destinations, ref.name);
            if (to == config.destinations.size() || come[i].empty()) continue;
            out.of_destination[to].insert(content);
            auto const& destination = config.destinations[to];
            if (!destination.content || *destination.content == content) continue;
            diagnostics.error(ref.where,
                              "destination " + config::in_quotes(ref.name) + " (" + destination.kind +
                                  ") takes " + std::string(name(*destination.content)) + ", and the route " +
                                  config::in_quotes(routes[i].name) + " sends " + std::string(name(content)),
                              content == Content::fhir
                                  ? "send it to a destination of kind fhir, http or file"
                                  : "send it to a destination of kind mllp, http or file");
        }
    }
    return out;
}

}  // namespace hilum::routes
