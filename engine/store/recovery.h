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
#include "engine/store/store.h"

namespace hilum::store {

// The journal, ready to be written on at `end`.
struct Recovered {
    std::uint64_t store_id = 0;
    std::unique_ptr<Catalogue> catalogue;
    Ledger ledger;
    Position end;
    std::shared_ptr<File> active;
    std::uint64_t allocated = 0;  // the active file's size
    RecoveryReport report;
};

enum class RecoveryMode {
    repair,  // cut the torn tail, make the rest durable
    look,    // change nothing (verify)
};

// The caller holds the store's lock. Errors: "store_too_new", "journal_unreadable", and those of the file system.
Result<Recovered> recover(std::string const& dir, std::shared_ptr<FileSystem> files, std::uint64_t segment_size,
                          std::int64_t now_us, RecoveryMode mode);

// Makes segment `number`, with its checkpoint, so that it is there whole or not at all. Returns the file and where its checkpoint ends.
struct NewSegment {
    std::shared_ptr<File> file;
    std::uint64_t end = 0;
    std::uint64_t allocated = 0;
};
struct NewSegmentPlan {
    std::uint32_t number = 1;
    std::uint64_t store_id = 0;
    std::int64_t created_us = 0;
    std::uint64_t size = 0;
    std::uint64_t room = 0;  // at least so many bytes after the checkpoint
};
Result<std::shared_ptr<File>> start_segment(std::string const& dir, FileSystem& files, NewSegmentPlan const& plan, Ledger const& ledger,
                                            std::string& head, std::uint64_t& allocated);
Result<void> finish_segment(std::string const& dir, FileSystem& files, std::uint32_t number, File& file, std::string_view head);
Result<NewSegment> make_segment(std::string const& dir, FileSystem& files, NewSegmentPlan const& plan, Ledger const& ledger);

std::string damaged_body(Position position, Sequence sequence);  // for a report; 0: not a message's

// Applies a record to the ledger. False when a front with a good checksum makes no sense.
bool apply(Ledger& ledger, Position position, RecordHeader const& header, std::string_view front);

}  // namespace hilum::store
