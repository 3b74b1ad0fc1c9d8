#include "engine/net/file_writer.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <utility>

#include "engine/net/posix_file.h"
#include "routes/file_name.h"

namespace hilum::net {

namespace {

constexpr unsigned most_numbers = 10'000;

std::string temporary_prefix(std::string_view owner) {
    return ".hilum-" + std::string(owner.substr(0, 100)) + "-";
}

// A temporary file, locked as long as it is being written, so that remove_leftovers() lets it be; removed
// unless it got its name.
class Temporary {
  public:
    Temporary(Temporary&& other) noexcept
        : folder_(other.folder_),
          name_(std::move(other.name_)),
          file_(std::move(other.file_)),
          there_(std::exchange(other.there_, false)) {}
    Temporary& operator=(Temporary&&) = delete;
    ~Temporary() {
        if (there_) ::unlinkat(folder_, name_.c_str(), 0);
    }

    static Result<Temporary> create(int folder, std::string_view owner) {
        auto const prefix = temporary_prefix(owner) + std::to_string(::getpid()) + "-";
        std::string name;
        Descriptor file;
        for (int attempt = 0; attempt < 8 && !file.valid(); ++attempt) {
            name = prefix + std::to_string(std::chrono::steady_clock::now().time_since_epoch().count());
            file = Descriptor(
                ::openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0640));
            if (!file.valid() && errno != EEXIST) break;
        }
        if (!file.valid()) return file_error(errno, "the file can't be made");
        if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
            return file_error(EAGAIN, "the file can't be locked");
        }
        return Temporary(folder, std::move(name), std::move(file));
    }

    int fd() const { return file_.get(); }
    Result<void> rename_to(std::string const& name) {
        auto moved = move(folder_, name_, folder_, name);
        if (moved) there_ = false;
        return moved;
    }

  private:
    Temporary(int folder, std::string name, Descriptor file)
        : folder_(folder), name_(std::move(name)), file_(std::move(file)), there_(true) {}
    int folder_;
    std::string name_;
    Descriptor file_;
    bool there_;
};

// True when the file under that name holds exactly `bytes`; it is then durable as well.
Result<bool> holds(int folder, std::string const& name, std::string_view bytes) {
    struct stat about {};
    auto const file = open_file_in(folder, name, about);
    // What can't be read (a link, a folder, another user's file) is not ours: the next number.
    if (!file || static_cast<std::uint64_t>(about.st_size) != bytes.size()) return false;
    std::array<char, 65'536> chunk;
    for (auto rest = bytes; !rest.empty();) {
        auto const count = ::read(file->get(), chunk.data(), std::min(chunk.size(), rest.size()));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) return false;
        auto const size = static_cast<std::size_t>(count);
        if (rest.substr(0, size) != std::string_view(chunk.data(), size)) return false;
        rest.remove_prefix(size);
    }
    if (auto synced = sync(file->get()); !synced) return synced.error();
    return true;
}

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

void clean(int folder, std::string const& prefix, std::size_t depth, std::size_t& removed) {
    int const copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    std::unique_ptr<DIR, CloseFolder> const list(copy < 0 ? nullptr : ::fdopendir(copy));
    if (!list) {
        if (copy >= 0) ::close(copy);
        return;
    }
    while (dirent const* const entry = ::readdir(list.get())) {
        std::string const name = entry->d_name;
        if (name == "." || name == "..") continue;
        if (name.starts_with(prefix)) {
            Descriptor const file(
                ::openat(folder, name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
            bool const idle = file.valid() && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0;
            if (idle && ::unlinkat(folder, name.c_str(), 0) == 0) ++removed;
        } else if (depth > 0 && (entry->d_type == DT_DIR || entry->d_type == DT_UNKNOWN)) {
            Descriptor const below(
                ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
            if (below.valid()) clean(below.get(), prefix, depth - 1, removed);
        }
    }
}

}  // namespace

Result<Written> write_message(std::string const& root, std::vector<std::string> const& components,
                              std::string_view bytes, std::string_view owner, Taken taken) {
    auto folder = open_folder(root);
    if (!folder) return folder.error();
    std::string path;
    for (std::size_t n = 0; n + 1 < components.size(); ++n) {
        auto below = open_folder_in(folder->get(), components[n]);
        if (!below) return below.error();
        *folder = std::move(*below);
        path += components[n] + "/";
    }
    auto temporary = Temporary::create(folder->get(), owner);
    if (!temporary) return temporary.error();
    if (auto done = write_all(temporary->fd(), bytes); !done) return done.error();
    if (auto done = sync(temporary->fd()); !done) return done.error();
    for (unsigned number = 1; number <= most_numbers; ++number) {
        auto const name = number == 1 ? components.back() : routes::numbered(components.back(), number);
        auto const renamed = temporary->rename_to(name);
        bool same = false;
        if (!renamed) {
            if (renamed.error().code != "exists") return renamed.error();
            auto const compared = holds(folder->get(), name, bytes);
            if (!compared) return compared.error();
            if (!*compared && taken == Taken::refuse)
                return error("exists", "", "another file has that name",
                             "put MSH-10 or another identifier into the name");
            if (!*compared) continue;
            same = true;
        }
        if (auto done = sync(folder->get()); !done) return done.error();
        return Written{path + name, same};
    }
    return error("name_taken", "", "ten thousand files have this name and other contents",
                 "put MSH-10 or another identifier into the destination's name");
}

Result<std::size_t> remove_leftovers(std::string const& root, std::string_view owner, std::size_t depth) {
    auto const folder = open_folder(root);
    if (!folder) return folder.error();
    std::size_t removed = 0;
    clean(folder->get(), temporary_prefix(owner), depth, removed);
    return removed;
}

}  // namespace hilum::net
