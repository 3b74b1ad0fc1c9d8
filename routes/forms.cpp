#include "routes/forms.h"

#include <algorithm>
#include <vector>

#include "routes/index_of.h"

namespace hilum::routes {
namespace {

// For each route the forms in which messages come to it. Routes go in no circle, so this ends.
std::vector<Forms> arriving(config::Config const& config, FormsThrough const& through) {
    auto const& routes = config.routes;
    std::vector<Forms> forms(routes.size());
    std::vector<std::size_t> waiting;
    for (std::size_t i = 0; i < routes.size(); ++i) {
        if (routes[i].from.empty()) continue;
        forms[i].insert(hl7::Form::er7);
        waiting.push_back(i);
    }
    while (!waiting.empty()) {
        auto const i = waiting.back();
        waiting.pop_back();
        for (auto const& ref : routes[i].to) {
            auto const next = index_of(routes, ref.name);
            if (next == routes.size()) continue;
            auto const before = forms[next].size();
            forms[next].merge(through(i, forms[i]));
            if (forms[next].size() != before) waiting.push_back(next);
        }
    }
    return forms;
}

}  // namespace

void warn_of_forms(config::Config const& config, FormsThrough const& through,
                   config::Diagnostics& diagnostics) {
    bool any = false;
    for (std::size_t i = 0; i < config.routes.size() && !any; ++i)
        any = through(i, {hl7::Form::er7}) != Forms{hl7::Form::er7};
    if (!any) return;
    auto const come = arriving(config, through);
    for (std::size_t i = 0; i < config.routes.size(); ++i) {
        if (come[i].empty()) continue;  // no message reaches it
        auto const forms = through(i, come[i]);
        auto const other =
            std::find_if(forms.begin(), forms.end(), [](auto form) { return form != hl7::Form::er7; });
        if (other == forms.end()) continue;
        for (auto const& ref : config.routes[i].to) {
            auto const to = index_of(config.destinations, ref.name);
            if (to == config.destinations.size() || config.destinations[to].kind != "mllp") continue;
            diagnostics.warning(
                ref.where,
                "messages may leave for \"" + ref.name + "\" as " + std::string(name(*other)) +
                    ", which receivers of MLLP do not expect",
                "send them to a file or over HTTP, or end the steps with convert: { to: er7 }");
        }
    }
}

}  // namespace hilum::routes
