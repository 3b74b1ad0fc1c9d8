// A batch that came in one frame: each of its messages is a message of its own, the answer is one batch.
#pragma once

#include <atomic>
#include <optional>
#include <string>
#include <string_view>

#include "engine/listeners/listener.h"
#include "engine/net/accept.h"

namespace hilum::listeners {

// Gives every message of the batch to the flow, one after the other, and returns the batch of their answers
// (HL7 v2.8.2 §2.10.3.3). Once the connection is stopping, the rest is answered with AR, to be sent again.
// Findings about the batch itself (a wrong count, a missing trailer) are logged, counted as tolerated, and
// told in BTS-2.
//
// Nothing when `frame` is no batch, has text that belongs to none of its messages, or has more than 10,000 of
// them: then nothing was taken, and the frame is the flow's to refuse.
net::Task<std::optional<std::string>> accept_batch(ListenerContext const& context, std::string_view listener,
                                                   std::string_view frame, net::Connection& connection);

}  // namespace hilum::listeners
