// The messages of a store, read by somebody who doesn't own it: without the lock, without a change, also
// while an engine writes it.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/store/cursor.h"

namespace hilum::store {

// Not thread-safe. What the engine appends after open() is not seen; what retention removes meanwhile ends
// the reading with an error.
class Snapshot {
  public:
    // Error "no_journal" when there is none, "store_too_new", and those of the file system.
    static Result<std::unique_ptr<Snapshot>> open(std::string const& dir, std::shared_ptr<FileSystem> files,
                                                  std::int64_t since_us);

    // The next message received at or after `since_us`; false at the end. Views are valid until the next
    // call.
    Result<bool> next(MessageRecord& record);
    // "" for what has no name.
    std::string_view name(NameId id) const;
    // Places and messages that could not be read.
    std::uint64_t unreadable() const { return unreadable_; }

  private:
    Snapshot(std::string const& dir, std::shared_ptr<FileSystem> files) : catalogue_(dir, std::move(files)) {}
    Result<void> find_segments(std::string const& dir, FileSystem& files, std::int64_t since_us);
    void learn_names(JournalCursor::Record const& record);

    Catalogue catalogue_;
    std::int64_t since_us_ = 0;
    std::optional<Checksum> checksum_;
    std::optional<JournalCursor> cursor_;
    std::map<NameId, std::string> names_;
    std::string front_;
    std::uint64_t unreadable_ = 0;
};

}  // namespace hilum::store
