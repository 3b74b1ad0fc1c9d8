// Which queues a person has paused, so that a restart does not start them again: the file `paused` in the
// store's folder (docs/journal.md). Small and rarely written, so it is written whole each time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "engine/store/file_system.h"

namespace hilum::store {

// Why, and until when.
struct Pause {
    std::int64_t until_us = 0;  // Unix time; 0: until a person says so
    std::string reason;         // at most 1,000 bytes
};

class PausedQueues {
  public:
    PausedQueues(std::shared_ptr<FileSystem> files, std::string dir);

    // Reads the file; without one nothing is paused.
    Result<void> load();
    std::optional<Pause> find(std::string_view destination) const;
    // On stable storage when it returns. On an error it holds until the next restart all the same. Blocking;
    // thread-safe.
    Result<void> set(std::string const& destination, std::optional<Pause> pause);

  private:
    Result<void> write(std::string const& text);

    std::shared_ptr<FileSystem> files_;
    std::string dir_;
    mutable std::mutex mutex_;
    std::map<std::string, Pause, std::less<>> queues_;
};

}  // namespace hilum::store
