// How much waits in a queue.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/store/store.h"

namespace hilum::flow {

struct WaitingBytes {
    std::uint64_t bytes = 0;
    bool estimated = false;
};

// Of the `queued` messages from `first` on. Where there are many, the mean of some from all over the queue
// stands for all. Blocking, for a fraction of a second; nothing when no message could be read in that.
std::optional<WaitingBytes> waiting_bytes(store::Store& store, store::NameId destination,
                                          store::LaneKey const& first, std::uint64_t queued);

}  // namespace hilum::flow
