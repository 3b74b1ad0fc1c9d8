// The handlers about messages; see openapi.yaml.
#pragma once

#include "engine/ops/api.h"

namespace hilum::ops {

net::Task<Reply> messages(Call const& call);
net::Task<Reply> search(Call const& call);
net::Task<Reply> message(Call const& call);
net::Task<Reply> steps(Call const& call);
net::Task<Reply> received(Call const& call);
net::Task<Reply> delivery_body(Call const& call);
net::Task<Reply> resend(Call const& call);

}  // namespace hilum::ops
