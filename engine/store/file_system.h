// The disk as the store sees it; tests pass one that fails, tears and forgets (RELIABILITY R2–R6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/result.h"

namespace hilum::store {

// One open file. Positional, so that readers and the writer may use it at once from several threads.
class File {
  public:
    virtual ~File() = default;
    virtual Result<void> write_at(std::uint64_t offset,
                                  std::string_view bytes) = 0;  // all of it, or an error
    virtual Result<std::size_t> read_at(std::uint64_t offset,
                                        std::span<char> into) = 0;  // short only at the end of the file
    virtual Result<void> sync() = 0;                                // fdatasync
    virtual Result<void> allocate(std::uint64_t size) = 0;  // reserve; "disk_full" when there is no room
    virtual Result<void> truncate(std::uint64_t size) = 0;
    virtual Result<std::uint64_t> size() = 0;
};

class FileSystem {
  public:
    virtual ~FileSystem() = default;
    enum class Open { read, create_or_write };
    virtual Result<std::unique_ptr<File>> open(std::string const& path, Open how) = 0;
    virtual Result<std::vector<std::string>> list(std::string const& dir) = 0;  // names, sorted
    virtual Result<void> make_dirs(std::string const& dir) = 0;
    virtual Result<void> remove(std::string const& path) = 0;
    virtual Result<void> rename(std::string const& from, std::string const& to) = 0;
    virtual Result<void> sync_dir(std::string const& dir) = 0;
    // An exclusive lock held while the returned object lives; error "store_locked" when somebody else holds
    // it.
    virtual Result<std::shared_ptr<void>> lock(std::string const& path) = 0;
    virtual Result<std::uint64_t> free_bytes(std::string const& dir) = 0;
};

// The real one.
std::shared_ptr<FileSystem> posix_file_system();

}  // namespace hilum::store
