// The handlers of the ops API that send again.
#pragma once

#include "engine/ops/api.h"

namespace hilum::ops {

net::Task<Reply> cancel_message(Call const& call);
net::Task<Reply> move_queue(Call const& call);
net::Task<Reply> plan_replay(Call const& call);
net::Task<Reply> replays(Call const& call);
net::Task<Reply> replay(Call const& call);
net::Task<Reply> start_replay(Call const& call);
net::Task<Reply> cancel_replay(Call const& call);

}  // namespace hilum::ops
