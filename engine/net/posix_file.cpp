#include "engine/net/posix_file.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace hilum::net {

namespace {

constexpr mode_t folder_mode = 0770;

Result<void> make_folder(int folder, char const* name) {
    if (::mkdirat(folder, name, folder_mode) == 0) {
        if (folder == AT_FDCWD) return {};
        return sync(folder);
    }
    if (errno == EEXIST) return {};
    return file_error(errno, "the folder can't be made");
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    if (this != &other) {
        if (fd_ >= 0) ::close(fd_);
        fd_ = other.fd_;
        other.fd_ = -1;
    }
    return *this;
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}

Error file_error(int number, std::string what) {
    std::string code = "io";
    std::string next = "look at the system's log for that disk";
    switch (number) {
        case ENOSPC:
        case EDQUOT:
            code = "disk_full";
            next = "make room on that disk";
            break;
        case ENOENT:
            code = "no_such_folder";
            next = "make the folder, or mount its disk";
            break;
        case EACCES:
        case EPERM:
        case EROFS:
            code = "permission";
            next = "let the user that Hilum runs as write there";
            break;
        case ELOOP:
        case ENOTDIR:
            code = "link_refused";
            next = "put a folder there instead of a link or file";
            break;
        case EEXIST:
            code = "exists";
            next.clear();
            break;
        default:
            break;
    }
    return error(std::move(code), "", std::move(what) + ": " + std::generic_category().message(number),
                 std::move(next));
}

Result<Descriptor> open_folder(std::string const& path) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    Descriptor found(::open(path.c_str(), flags));
    if (found.valid()) return found;
    if (errno != ENOENT) return file_error(errno, "the folder can't be opened");
    if (auto made = make_folder(AT_FDCWD, path.c_str()); !made) return made.error();
    Descriptor fresh(::open(path.c_str(), flags));
    if (!fresh.valid()) return file_error(errno, "the folder can't be opened");
    // The folder's own name is durable only when its parent is synced.
    Descriptor const parent(::openat(fresh.get(), "..", flags));
    if (parent.valid()) {
        if (auto synced = sync(parent.get()); !synced) return synced.error();
    }
    return fresh;
}

Result<Descriptor> open_folder_in(int folder, std::string const& name) {
    constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    Descriptor found(::openat(folder, name.c_str(), flags));
    if (found.valid()) return found;
    if (errno != ENOENT) return file_error(errno, "the folder can't be opened");
    if (auto made = make_folder(folder, name.c_str()); !made) return made.error();
    Descriptor fresh(::openat(folder, name.c_str(), flags));
    if (!fresh.valid()) return file_error(errno, "the folder can't be opened");
    return fresh;
}

Result<Descriptor> open_file_in(int folder, std::string const& name, struct stat& about) {
    // O_NONBLOCK: a pipe put there must not stop the thread; it is refused below.
    Descriptor file(::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!file.valid()) return file_error(errno, "the file can't be opened");
    if (::fstat(file.get(), &about) != 0) return file_error(errno, "the file can't be looked at");
    if (!S_ISREG(about.st_mode)) return error("not_a_file", "", "this is no regular file");
    return file;
}

Result<void> write_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
        auto const count = ::write(fd, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return file_error(errno, "the file can't be written");
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> sync(int fd) {
    if (::fsync(fd) != 0) return file_error(errno, "the disk did not confirm what was written");
    return {};
}

Result<void> move(int from_folder, std::string const& from, int to_folder, std::string const& to) {
    if (::renameat2(from_folder, from.c_str(), to_folder, to.c_str(), RENAME_NOREPLACE) == 0) return {};
    // Some network file systems know no RENAME_NOREPLACE: a second name that must be new, then the first one
    // away.
    if (errno == EINVAL || errno == ENOSYS) {
        if (::linkat(from_folder, from.c_str(), to_folder, to.c_str(), 0) == 0) {
            if (::unlinkat(from_folder, from.c_str(), 0) == 0) return {};
        }
    }
    return file_error(errno, "the file can't be renamed");
}

}  // namespace hilum::net
