// The handlers behind the console's pages; see openapi.yaml.
#pragma once

#include "engine/ops/api.h"

namespace hilum::ops {

net::Task<Reply> console_page(Call const& call);
net::Task<Reply> overview(Call const& call);
net::Task<Reply> live(Call const& call);
net::Task<Reply> queue_history(Call const& call);
net::Task<Reply> listener_history(Call const& call);
net::Task<Reply> held_groups(Call const& call);
net::Task<Reply> dictionary(Call const& call);

}  // namespace hilum::ops
