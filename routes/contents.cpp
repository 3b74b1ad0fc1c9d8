#include "routes/contents.h"

#include <algorithm>
#include <string>

#include "routes/index_of.h"
#include "routes/steps/step.h"

namespace hilum::routes {

using config::Content;

namespace {

// What leaves a route to which that comes: a map turns it into the other.
Content behind(config::Route const& route, Content content) {
    for (auto const& step : route.steps) {
        auto const& kinds = step_catalogue();
        auto const kind =
            std::find_if(kinds.begin(), kinds.end(), [&](StepKind const& k) { return k.name == step.kind; });
        if (kind != kinds.end() && kind->turns) content = config::other(content);
    }
    return content;
}

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
            for (auto const content : come[i]) come[next].insert(behind(routes[i], content));
            if (come[next].size() != before) waiting.push_back(next);
        }
    }
    for (std::size_t i = 0; i < routes.size(); ++i) {
        if (come[i].size() > 1) report(routes[i], diagnostics);
        auto const content = come[i].empty() ? Content::hl7 : *come[i].begin();
        out.of_route.push_back(content);
        auto const leaves = behind(routes[i], content);
        for (auto const& ref : routes[i].to) {
            auto const to = index_of(config.destinations, ref.name);
            if (to == config.destinations.size() || come[i].empty()) continue;
            out.of_destination[to].insert(leaves);
            auto const& destination = config.destinations[to];
            if (!destination.content || *destination.content == leaves) continue;
            diagnostics.error(ref.where,
                              "destination " + config::in_quotes(ref.name) + " (" + destination.kind +
                                  ") takes " + std::string(name(*destination.content)) + ", and the route " +
                                  config::in_quotes(routes[i].name) + " sends " + std::string(name(leaves)),
                              leaves == Content::fhir
                                  ? "send it to a destination of kind fhir, http or file"
                                  : "send it to a destination of kind mllp, http or file");
        }
    }
    return out;
}

}  // namespace hilum::routes
