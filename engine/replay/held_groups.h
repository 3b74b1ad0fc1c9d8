// What is held, gathered by cause.
#pragma once

#include "engine/ops/control.h"
#include "engine/store/store.h"

namespace hilum::replay {

// Blocking: looks at the newest 5,000 messages of which something is held, as far as the index is.
Result<ops::HeldView> held_groups(store::Store& store);

}  // namespace hilum::replay
