// What open_store() finds on disk and makes of it: docs/journal.md, "Recovery".
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/store/catalogue.h"
#include "engine/store/codec.h"
#include "engine/store/ledger.h"
#include "engine/store/new_segment.h"
#include "engine/store/store.h"

namespace hilum::store {

// The journal, ready to be written on at `end`.
struct Recovered {
    std::uint64_t store_id = 0;
    std::unique_ptr<Catalogue> catalogue;
    Ledger ledger;
    bool older_format = false;  // of the newest segment: nothing is added to it
    Position end;
    std::shared_ptr<File> active;
    std::uint64_t allocated = 0;  // the active file's size
    RecoveryReport report;
};

enum class RecoveryMode {
    repair,  // cut the torn tail, make the rest durable
    look,    // change nothing (verify)
};

// Held as long as what is returned. Errors: "store_locked" when an engine has the store open, and those of
// the file system.
Result<std::shared_ptr<void>> lock_store(std::string const& dir, FileSystem& files);

// The caller holds the store's lock. Errors: "store_too_new", "journal_unreadable", and those of the file
// system.
Result<Recovered> recover(std::string const& dir, std::shared_ptr<FileSystem> files,
                          std::uint64_t segment_size, std::int64_t now_us, RecoveryMode mode);

std::string damaged_body(Position position, Sequence sequence);  // for a report; 0: not a message's

// Applies a record to the ledger. False when a front with a good checksum makes no sense.
bool apply(Ledger& ledger, Position position, RecordHeader const& header, std::string_view front);

}  // namespace hilum::store
