// The few POSIX calls that the file listener and destination share: descriptors that close themselves, names
// taken relative to an open folder, and symbolic links never followed below it. All of them block.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "parsers/result.h"

namespace hilum::net {

class Descriptor {
  public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
    Descriptor& operator=(Descriptor&& other) noexcept;
    ~Descriptor();
    int get() const { return fd_; }
    bool valid() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

// An errno as an error: codes "disk_full", "no_such_folder", "permission", "link_refused", "exists", "io".
// `what` says what was tried.
Error file_error(int number, std::string what);

// A configured folder (links in its path are the administrator's own), made if it is missing and its parent
// is there.
Result<Descriptor> open_folder(std::string const& path);
// A folder in an open one, made if missing; what is there must be a folder and no link.
Result<Descriptor> open_folder_in(int folder, std::string const& name);
// An existing regular file, for reading. `about` gets its stat.
Result<Descriptor> open_file_in(int folder, std::string const& name, struct stat& about);

Result<void> write_all(int fd, std::string_view bytes);
Result<void> sync(int fd);  // fsync; of a folder: the names in it

// Never replaces: error "exists" when `to` is there.
Result<void> move(int from_folder, std::string const& from, int to_folder, std::string const& to);

}  // namespace hilum::net
