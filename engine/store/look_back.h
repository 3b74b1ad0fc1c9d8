// The messages of the journal from its newest segment backwards: for what has to know what came lately.
#pragma once

#include "engine/store/cursor.h"
#include "engine/store/store.h"

namespace hilum::store {

Result<void> look_back(Catalogue& catalogue, Checksum const& checksum, Position limit, LookBack& look);

}  // namespace hilum::store
