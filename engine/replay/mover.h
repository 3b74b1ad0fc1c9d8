// Stands in front of a queue whose destination is gone, and sends what waits there to another one's queue.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "engine/destinations/destination.h"
#include "engine/flow/commit_hub.h"
#include "engine/flow/flow.h"

namespace hilum::replay {

struct MoverContext {
    net::Runtime& runtime;
    store::Store& store;
    flow::CommitHub& hub;
    flow::Flow& flow;
    std::string lane;  // whose entries are moved
    std::function<std::int64_t()> now_us;
};

// One after the other, so that the order is kept. The order to deliver to the one queue and the result that
// settles the entry in the other are one commit: a crash leaves the entry in one of them, and torn between
// the two in both.
std::unique_ptr<destinations::Destination> make_mover(std::string to, std::string by, MoverContext context);

}  // namespace hilum::replay
