// How the runs before this one ended, kept in the store's folder (the file `boot`, docs/journal.md): a
// process that is killed leaves all that it wrote; a machine that loses power or is reset may leave less.
#pragma once

#include <string>

#include "engine/delivery/lane.h"

namespace hilum::flow {

// Compares the kernel's boot id with the one of the last start, and keeps the present one. What can't be
// known counts as the worse. Blocking.
delivery::LastRun last_run(std::string const& dir, bool clean, store::Position durable_end);
// This run ends without having recorded everything: for the next start it was killed.
void note_lost_results(std::string const& dir, store::Position durable_end);

}  // namespace hilum::flow
