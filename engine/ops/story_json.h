// The way of one message through the routes as JSON: for `hilum explain` and the API.
#pragma once

#include <vector>

#include "engine/ops/json.h"
#include "parsers/hl7/message_diff.h"
#include "routes/testing/story.h"

namespace hilum::ops {

// `values`: also what stands in the fields.
void write_event(json::Writer& writer, testing::Story::Event const& event, bool values);
void write_differences(json::Writer& writer, std::vector<hl7::Difference> const& all, bool values);

}  // namespace hilum::ops
