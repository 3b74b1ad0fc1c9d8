#include "engine/replay/held.h"

#include <algorithm>

namespace hilum::replay {

using store::DeliveryOutcome;

Result<std::vector<HeldEntry>> held_entries(store::Store& store, store::Sequence message) {
    auto const results = store.results(message);
    if (!results) return results.error();
    auto const resends = store.resends(message);
    if (!resends) return resends.error();
    auto const ordinal_of = [&](store::LaneKey const& key) {
        auto const order = std::find_if(resends->begin(), resends->end(),
                                        [&](auto const& r) { return r.at == key.position; });
        return order == resends->end() ? key.ordinal : order->record.ordinal;
    };
    std::vector<HeldEntry> held;
    for (auto const& result : *results) {
        auto const& r = result.record;
        if (r.destination == 0 || r.outcome == DeliveryOutcome::failed) continue;
        auto const same = [&](HeldEntry const& e) {
            return e.destination == r.destination && e.key == r.key;
        };
        auto found = std::find_if(held.begin(), held.end(), same);
        if (r.outcome == DeliveryOutcome::held) {
            if (found == held.end())
                held.push_back({r.key, ordinal_of(r.key), r.destination, result.code, result.text});
            continue;
        }
        // A release may name the message's own entry where an order to deliver it again is what is held.
        if (found == held.end() && r.outcome == DeliveryOutcome::released)
            found = std::find_if(held.begin(), held.end(), [&](HeldEntry const& e) {
                return e.destination == r.destination && e.ordinal == ordinal_of(r.key);
            });
        if (found != held.end()) held.erase(found);
    }
    std::sort(held.begin(), held.end(), [](auto const& a, auto const& b) { return a.key < b.key; });
    return held;
}

store::ResultRecord end_of_holding(store::Sequence message, HeldEntry const& entry, DeliveryOutcome outcome,
                                   std::int64_t now_us) {
    store::ResultRecord result;
    result.sequence = message;
    result.key = entry.key;  // settled_up_to stays 0: the lane's cursor has nothing to do with it
    result.destination = entry.destination;
    result.outcome = outcome;
    result.time_us = now_us;
    return result;
}

}  // namespace hilum::replay
