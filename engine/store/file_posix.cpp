#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "engine/store/file_system.h"

namespace hilum::store {
namespace {

Error io_error(std::string const& path, char const* what, int number) {
    bool const full = number == ENOSPC || number == EDQUOT;
    return error(full ? "disk_full" : "io_error", path,
                 std::string(what) + ": " + std::system_category().message(number),
                 full ? "free some space; the store goes on by itself" : "check the disk, then restart");
}

class Descriptor {
  public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) ::close(fd_);
    }
    Descriptor(Descriptor const&) = delete;
    Descriptor& operator=(Descriptor const&) = delete;
    int get() const { return fd_; }

  private:
    int fd_;
};

int open_retrying(std::string const& path, int flags) {
    for (;;) {
        int const fd = ::open(path.c_str(), flags | O_CLOEXEC, 0640);
        if (fd >= 0 || errno != EINTR) return fd;
    }
}

class PosixFile final : public File {
  public:
    PosixFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}

    Result<void> write_at(std::uint64_t offset, std::string_view bytes) override {
        while (!bytes.empty()) {
            ssize_t const n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
            if (n < 0) {
                if (errno == EINTR) continue;
                return io_error(path_, "write", errno);
            }
            offset += static_cast<std::uint64_t>(n);
            bytes.remove_prefix(static_cast<std::size_t>(n));
        }
        return {};
    }

    Result<std::size_t> read_at(std::uint64_t offset, std::span<char> into) override {
        std::size_t done = 0;
        while (done < into.size()) {
            ssize_t const n =
                ::pread(fd_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
            if (n < 0) {
                if (errno == EINTR) continue;
                return io_error(path_, "read", errno);
            }
            if (n == 0) break;
            done += static_cast<std::size_t>(n);
        }
        return done;
    }

    Result<void> sync() override {
        // Not repeated on an error, whatever it is: the kernel may have dropped the pages.
        if (::fdatasync(fd_.get()) != 0) return io_error(path_, "fdatasync", errno);
        return {};
    }

    Result<void> allocate(std::uint64_t size) override {
        for (;;) {
            if (::fallocate(fd_.get(), 0, 0, static_cast<off_t>(size)) == 0) return {};
            if (errno == EINTR) continue;
            if (errno != EOPNOTSUPP && errno != ENOSYS) return io_error(path_, "fallocate", errno);
            break;
        }
        // A file system without it: the size is set, room is found (or not) at each write.
        struct stat s {};
        if (::fstat(fd_.get(), &s) != 0) return io_error(path_, "stat", errno);
        if (static_cast<std::uint64_t>(s.st_size) < size) return truncate(size);
        return {};
    }

    Result<void> truncate(std::uint64_t size) override {
        while (::ftruncate(fd_.get(), static_cast<off_t>(size)) != 0) {
            if (errno != EINTR) return io_error(path_, "truncate", errno);
        }
        return {};
    }

    Result<std::uint64_t> size() override {
        struct stat s {};
        if (::fstat(fd_.get(), &s) != 0) return io_error(path_, "stat", errno);
        return static_cast<std::uint64_t>(s.st_size);
    }

  private:
    Descriptor fd_;
    std::string path_;
};

class PosixFileSystem final : public FileSystem {
  public:
    Result<std::unique_ptr<File>> open(std::string const& path, Open how) override {
        int const fd = open_retrying(path, how == Open::read ? O_RDONLY : O_RDWR | O_CREAT);
        if (fd < 0) return io_error(path, "open", errno);
        return std::unique_ptr<File>(std::make_unique<PosixFile>(fd, path));
    }

    Result<std::vector<std::string>> list(std::string const& dir) override {
        std::error_code e;
        std::vector<std::string> names;
        for (std::filesystem::directory_iterator i(dir, e), end; !e && i != end; i.increment(e)) {
            names.push_back(i->path().filename().string());
        }
        if (e) return io_error(dir, "list", e.value());
        std::sort(names.begin(), names.end());
        return names;
    }

    Result<void> make_dirs(std::string const& dir) override {
        std::error_code e;
        std::filesystem::create_directories(dir, e);
        if (e) return io_error(dir, "make folder", e.value());
        return {};
    }

    Result<void> remove(std::string const& path) override {
        if (::unlink(path.c_str()) != 0 && errno != ENOENT) return io_error(path, "remove", errno);
        return {};
    }

    Result<void> rename(std::string const& from, std::string const& to) override {
        if (::rename(from.c_str(), to.c_str()) != 0) return io_error(from, "rename", errno);
        return {};
    }

    Result<void> sync_dir(std::string const& dir) override {
        int const fd = open_retrying(dir, O_RDONLY | O_DIRECTORY);
        if (fd < 0) return io_error(dir, "open", errno);
        Descriptor const closing(fd);
        if (::fsync(fd) != 0) return io_error(dir, "fsync", errno);
        return {};
    }

    Result<std::shared_ptr<void>> lock(std::string const& path) override {
        int const fd = open_retrying(path, O_RDWR | O_CREAT);
        if (fd < 0) return io_error(path, "open", errno);
        auto held = std::make_shared<Descriptor>(fd);
        if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK) return io_error(path, "lock", errno);
            return error("store_locked", path, "another process has this store open",
                         "stop it first, or use another folder");
        }
        return std::shared_ptr<void>(std::move(held));
    }

    Result<std::uint64_t> free_bytes(std::string const& dir) override {
        struct statvfs s {};
        if (::statvfs(dir.c_str(), &s) != 0) return io_error(dir, "statvfs", errno);
        return static_cast<std::uint64_t>(s.f_bavail) * s.f_frsize;
    }
};

}  // namespace

std::shared_ptr<FileSystem> posix_file_system() {
    return std::make_shared<PosixFileSystem>();
}

}  // namespace hilum::store
