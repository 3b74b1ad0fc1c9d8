// Small files with a number for a name, in a folder of the store: what has to outlive a restart and is no
// message.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/store/file_system.h"

namespace hilum::store {

// Blocking. Not thread-safe.
class NumberedFiles {
  public:
    static constexpr std::uint64_t bytes_max = 1u << 20;  // of one

    NumberedFiles(std::shared_ptr<FileSystem> files, std::string const& dir, std::string_view folder)
        : files_(std::move(files)), dir_(dir), folder_(dir + "/" + std::string(folder)) {}

    // All of them, by number; called first, as it makes the folder. What a crash has left half written is
    // removed.
    Result<std::vector<std::pair<std::uint64_t, std::string>>> load();
    // On stable storage when it returns; a crash before leaves the old one.
    Result<void> write(std::uint64_t number, std::string_view text);
    Result<void> remove(std::uint64_t number);

  private:
    std::string path(std::uint64_t number) const;

    std::shared_ptr<FileSystem> files_;
    std::string dir_, folder_;
};

}  // namespace hilum::store
