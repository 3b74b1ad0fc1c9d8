// A route with a step that waits for other systems stands behind a lane of its own, as if it were a
// destination: it gets messages in order once they are on disk, does its steps on a thread of its own, and
// commits what comes of them as a message that names the first as its origin (DESIGN §2). What it can't do is
// tried again or held, as with any destination, and a slow system keeps up this route alone.
#pragma once

#include <memory>
#include <string>

#include "engine/destinations/destination.h"
#include "engine/flow/flow.h"
#include "engine/outside/world.h"

namespace hilum::flow {

struct WaitingContext {
    Flow& flow;
    store::Store& store;
    CommitHub& hub;
    outside::Shared& outside;
    delivery::Replies& replies;
    ops::Log& log;
    std::function<std::int64_t()> now_us;
};

// All but the references is used on the lane's context; they live longer.
std::unique_ptr<destinations::Destination> make_waiting_route(std::string route, WaitingContext context);

}  // namespace hilum::flow
