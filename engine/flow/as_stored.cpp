#include "engine/flow/as_stored.h"

#include "engine/flow/acknowledgement.h"

namespace hilum::flow {

testing::Stored as_stored(store::MessageRecord const& record,
                          std::function<std::string_view(store::NameId)> const& name) {
    testing::Stored stored;
    stored.number = record.sequence;
    stored.refused = record.state == store::MessageState::rejected;
    stored.received = record.received;
    stored.answer_code = record.answer_code;
    for (auto const& v : record.verdicts) {
        auto const outcome = static_cast<routes::RouteOutcome>(v.outcome);
        if (outcome < routes::RouteOutcome::noted)
            stored.verdicts.push_back({name(v.route), outcome, v.reason});
    }
    for (auto const& d : record.deliveries) {
        auto const route = name(d.route);
        if (route == acknowledgement_route) continue;
        bool const as_received = d.body == 0 || d.body > record.bodies.size();
        stored.deliveries.push_back(
            {name(d.destination), route, as_received ? record.received : record.bodies[d.body - 1]});
    }
    return stored;
}

}  // namespace hilum::flow
