// A new segment comes into being whole or not at all (docs/journal.md, "Segments").
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/store/file_system.h"
#include "engine/store/ledger.h"

namespace hilum::store {

struct NewSegment {
    std::shared_ptr<File> file;
    std::uint64_t end = 0;        // where its checkpoint ends
    std::uint64_t allocated = 0;  // the file's size
};
struct NewSegmentPlan {
    std::uint32_t number = 1;
    std::uint64_t store_id = 0;
    std::int64_t created_us = 0;
    std::uint64_t size = 0;
    std::uint64_t room = 0;  // at least so many bytes after the checkpoint
};

// First half: room for it, under a name that recovery ignores. `head` is what finish_segment() is to write.
// "disk_full" leaves nothing behind.
Result<std::shared_ptr<File>> start_segment(std::string const& dir, FileSystem& files,
                                            NewSegmentPlan const& plan, Ledger const& ledger,
                                            std::string& head, std::uint64_t& allocated);
// Second half: header and checkpoint written and synced, then its name, then the folder synced.
Result<void> finish_segment(std::string const& dir, FileSystem& files, std::uint32_t number, File& file,
                            std::string_view head);
// Both.
Result<NewSegment> make_segment(std::string const& dir, FileSystem& files, NewSegmentPlan const& plan,
                                Ledger const& ledger);

}  // namespace hilum::store
