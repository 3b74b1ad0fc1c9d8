// Warnings of `hilum check` about an order that somebody relies on and that is not kept.
#pragma once

#include "routes/config/config.h"
#include "routes/pipeline.h"

namespace hilum::routes {

// Of a configuration without errors and the pipeline made of it: each `order_by` against what the routes do
// with the messages on their way to it. Only what is certain from the text is told.
void advise_on_order(config::Config const& config, Pipeline const& pipeline,
                     config::Diagnostics& diagnostics);

}  // namespace hilum::routes
