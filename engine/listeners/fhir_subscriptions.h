// What a FHIR endpoint tells of the subscriptions that stand at it: reads, $status and $events
// (http://hl7.org/fhir/uv/subscriptions-backport/STU1.1). They are made in the configuration, not by clients.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/listeners/fhir_request.h"
#include "engine/subscriptions/feed.h"

namespace hilum::listeners {

// Of a request whose deed is FhirDeed::subscription. `names` are those of their destinations. Blocks: for the
// store.
HttpReply subscription_reply(subscriptions::Feeds const& feeds, std::vector<std::string> const& names,
                             FhirRequest const& asked, std::string_view url);

// Their topics, for metadata.
std::vector<std::string> topics_of(subscriptions::Feeds const& feeds, std::vector<std::string> const& names);

}  // namespace hilum::listeners
