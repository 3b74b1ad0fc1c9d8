// What of a message is held for a person, and under which keys.
#pragma once

#include <string>
#include <vector>

#include "engine/store/store.h"

namespace hilum::replay {

struct HeldEntry {
    store::LaneKey key;  // of the lane's entry: the message's own, or that of an order to deliver it again
    std::uint32_t ordinal = 0;  // which delivery of the message
    store::NameId destination = 0;
    std::string code, text;
};

// By key. Blocking; as far as the index is.
Result<std::vector<HeldEntry>> held_entries(store::Store& store, store::Sequence message);

// The result that ends the holding: outcome `released`, or `cancelled` for good.
store::ResultRecord end_of_holding(store::Sequence message, HeldEntry const& entry,
                                   store::DeliveryOutcome outcome, std::int64_t now_us);

}  // namespace hilum::replay
