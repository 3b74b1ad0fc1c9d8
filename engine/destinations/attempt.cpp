#include "engine/destinations/destination.h"

namespace hilum::destinations {

std::string_view name(AttemptClass value) {
    switch (value) {
        case AttemptClass::delivered:
            return "delivered";
        case AttemptClass::connect:
            return "connect";
        case AttemptClass::timeout:
            return "timeout";
        case AttemptClass::cut:
            return "cut";
        case AttemptClass::busy:
            return "busy";
        case AttemptClass::ae:
            return "ae";
        case AttemptClass::ar:
            return "ar";
        case AttemptClass::login:
            return "login";
        case AttemptClass::bad_answer:
            return "bad_answer";
        case AttemptClass::local:
            return "local";
        case AttemptClass::held:
            return "held";
        case AttemptClass::relayed:
            return "relayed";
        case AttemptClass::unconfirmed:
            return "unconfirmed";
    }
    return "unknown";
}

Attempt not_departed() {
    return {AttemptClass::local, "not_marked", "that it is being sent could not be written down", {}, {}};
}

net::Task<bool> departs(Outgoing const& outgoing) {
    if (!outgoing.departure) co_return true;
    co_return co_await outgoing.departure->begin();
}

}  // namespace hilum::destinations
