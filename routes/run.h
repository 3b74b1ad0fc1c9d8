// One message on its way through compiled routes. For pipeline.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "routes/expression/expression.h"
#include "routes/pipeline.h"
#include "routes/steps/step_list.h"

namespace hilum::routes {

struct Target {
    bool route = false;
    std::uint32_t index = 0;
};

struct CompiledRoute {
    expression::Expression when;  // not valid: always
    config::Location when_where;
    StepList steps;
    std::vector<Target> to;
    std::uint32_t lane = Pipeline::none;  // of a route that waits: where its messages do
    config::OnError on_error = config::OnError::hold;

    bool delivers() const {
        return std::any_of(to.begin(), to.end(), [](Target const& target) { return !target.route; });
    }
};

// The order_by and priority of a destination.
struct CompiledOrder {
    expression::Expression by, urgent;
    std::uint32_t rule = 0;

    // What can't be evaluated (several values, say) counts as no value: such messages keep their order, and
    // the result says so.
    DeliveryOrder of(hl7::Message const& message, std::int64_t now_us, hl7::StructureCache* structures) const;
};

// What a run needs of the pipeline, which outlives it.
struct RunContext {
    std::vector<CompiledRoute> const& routes;
    std::vector<std::string> const& names;  // parallel to routes
    hl7::Dictionary const& dictionary;
    std::vector<CompiledOrder> const& orders;  // of the destinations
    std::int64_t now_us = 0;
    Observer* observer = nullptr;
    Outside* outside = nullptr;  // null: routes that wait do so
};

// Each of `routes` with the message as it was received. Adds to `out`.
void run_routes(RunContext const& context, std::vector<std::uint32_t> const& routes,
                hl7::Message const& message, std::string_view received, Processed& out);
// A route that has waited, from its first step on; those behind it that wait wait again.
void resume_route(RunContext const& context, std::uint32_t route, hl7::Message const& message,
                  std::string_view received, Processed& out);

}  // namespace hilum::routes
