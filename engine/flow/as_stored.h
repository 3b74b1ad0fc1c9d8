// A stored message as a rehearsal compares it.
#pragma once

#include <functional>
#include <string_view>

#include "engine/store/record.h"
#include "routes/testing/rehearsal.h"

namespace hilum::flow {

// By name; views live as long as the record and the names do. Acknowledgements are left out: no route made
// them.
testing::Stored as_stored(store::MessageRecord const& record,
                          std::function<std::string_view(store::NameId)> const& name);

}  // namespace hilum::flow
