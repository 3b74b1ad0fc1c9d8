// Which queues a person has paused, so that a restart does not start them again: the file `paused` in the
// store's folder (docs/journal.md). Small and rarely written, so it is written whole each time.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "engine/store/file_system.h"

namespace hilum::store {

class PausedQueues {
  public:
    PausedQueues(std::shared_ptr<FileSystem> files, std::string dir);

    // Reads the file; without one nothing is paused.
    Result<void> load();
    bool has(std::string_view destination) const;
    // On stable storage when it returns. On an error it holds until the next restart all the same. Blocking;
    // thread-safe.
    Result<void> set(std::string const& destination, bool paused);

  private:
    Result<void> write(std::string const& text);

    std::shared_ptr<FileSystem> files_;
    std::string dir_;
    mutable std::mutex mutex_;
    std::set<std::string, std::less<>> names_;
};

}  // namespace hilum::store
