// A copy of a store's journal that is a store itself, made while an engine writes it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "engine/store/file_system.h"

namespace hilum::store {

struct BackupReport {
    std::uint64_t segments = 0, bytes = 0;
};

// Copies the journal as it is now, what is remembered for `deduplicate` steps, and which queues are paused;
// the index is rebuilt from the journal. Takes no lock. Until it is complete, `to` holds no journal. Errors:
// "no_journal", "not_empty" (there is something in `to`), and those of the file system.
Result<BackupReport> back_up(std::string const& from, std::string const& to,
                             std::shared_ptr<FileSystem> files);

}  // namespace hilum::store
