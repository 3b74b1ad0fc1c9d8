#include "engine/listeners/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <set>

namespace hilum::listeners {

namespace {

constexpr std::size_t most_names = 10'000;
constexpr std::size_t longest_kept = 200;  // bytes of a name to which a suffix is put
constexpr std::string_view errors_suffix = ".errors";
constexpr char const* processing_name = ".processing";

struct CloseFolder {
    void operator()(DIR* folder) const { ::closedir(folder); }
};

// Calls f(name) for every entry but . and ..
template <class F>
Result<void> for_each_name(int folder, F&& f) {
    int const copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (copy < 0) return net::file_error(errno, "the folder can't be read");
    std::unique_ptr<DIR, CloseFolder> const list(::fdopendir(copy));
    if (!list) {
        int const number = errno;
        ::close(copy);
        return net::file_error(number, "the folder can't be read");
    }
    while (dirent const* const entry = ::readdir(list.get())) {
        std::string const name = entry->d_name;
        if (name != "." && name != "..") f(name);
    }
    return {};
}

// Room for a suffix; two long names stay two.
std::string shortened(std::string const& name) {
    if (name.size() <= longest_kept) return name;
    std::uint32_t hash = 2166136261u;  // FNV-1a
    for (char const c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return name.substr(0, longest_kept) + "~" + std::to_string(hash);
}

std::string progress_name(std::string const& name) {
    return "." + shortened(name) + ".progress";
}
std::string errors_name(std::string const& name) {
    return "." + shortened(name) + std::string(errors_suffix);
}

bool is_there(int folder, std::string const& name) {
    struct stat about {};
    return ::fstatat(folder, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
}

std::string utc_now() {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    std::tm tm{};
    gmtime_r(&now.tv_sec, &tm);
    std::array<char, 32> text{};
    auto const size = std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%S", &tm);
    auto const ms = std::to_string(1000 + now.tv_nsec / 1'000'000);
    return std::string(text.data(), size) + ms.substr(1);
}

}  // namespace

Result<std::unique_ptr<Folder>> Folder::open(FolderOptions options) {
    std::unique_ptr<Folder> folder(new Folder(std::move(options)));
    auto dir = net::open_folder(folder->options_.dir);
    if (!dir) return dir.error();
    folder->dir_ = std::move(*dir);
    auto processing = net::open_folder_in(folder->dir_.get(), processing_name);
    if (!processing) return processing.error();
    folder->processing_ = std::move(*processing);
    for (auto const& name : {folder->options_.done, folder->options_.failed}) {
        if (auto made = net::open_folder_in(folder->dir_.get(), name); !made) return made.error();
    }
    return folder;
}

Result<bool> Folder::lock() {
    if (locked_) return true;
    if (::flock(processing_.get(), LOCK_EX | LOCK_NB) == 0) return locked_ = true;
    if (errno == EWOULDBLOCK) return false;
    return net::file_error(errno, "the folder can't be locked");
}

bool Folder::is_current() const {
    struct stat ours {};
    struct stat now {};
    return ::fstat(dir_.get(), &ours) == 0 && ::stat(options_.dir.c_str(), &now) == 0 &&
           ours.st_dev == now.st_dev && ours.st_ino == now.st_ino;
}

Folder::Seen Folder::seen(struct stat const& about) {
    return {about.st_size,
            static_cast<std::int64_t>(about.st_mtim.tv_sec) * 1'000'000'000 + about.st_mtim.tv_nsec,
            about.st_ino,
            {}};
}

bool Folder::wanted(std::string const& name) const {
    if (name.starts_with('.') || name.ends_with(".tmp") || name.ends_with(".part")) return false;
    return std::any_of(options_.patterns.begin(), options_.patterns.end(), [&](std::string const& pattern) {
        return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    });
}

Result<std::vector<std::string>> Folder::ready(std::chrono::steady_clock::time_point now) {
    std::set<std::string>
        names;  // the first ones only: a folder of a million files costs no more memory than this
    auto const listed = for_each_name(dir_.get(), [&](std::string const& name) {
        if (!wanted(name)) return;
        names.insert(name);
        if (names.size() > most_names) names.erase(std::prev(names.end()));
    });
    if (!listed) return listed.error();
    std::map<std::string, Seen> current;
    std::vector<std::string> out;
    for (auto const& name : names) {
        struct stat about {};
        if (::fstatat(dir_.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(about.st_mode))
            continue;
        auto entry = seen(about);
        auto const before = seen_.find(name);
        entry.since = before != seen_.end() && before->second.same(entry) ? before->second.since : now;
        if (now - entry.since >= options_.settle) out.push_back(name);
        current.emplace(name, entry);
    }
    seen_ = std::move(current);
    return out;
}

Result<std::unique_ptr<ClaimedFile>> Folder::claim(std::string const& name) {
    auto const expected = seen_.find(name);
    if (expected == seen_.end()) return std::unique_ptr<ClaimedFile>();
    if (auto moved = net::move(dir_.get(), name, processing_.get(), name); !moved) {
        if (moved.error().code == "no_such_folder" || moved.error().code == "exists")
            return std::unique_ptr<ClaimedFile>();
        return moved.error();
    }
    struct stat about {};
    bool const known = ::fstatat(processing_.get(), name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0;
    if (known && !seen(about).same(expected->second)) {
        // Its writer was not done after all. If the name is taken again meanwhile, it stays claimed and is
        // taken as unfinished.
        (void)net::move(processing_.get(), name, dir_.get(), name);
        return std::unique_ptr<ClaimedFile>();
    }
    seen_.erase(expected);
    return resume(name);
}

Result<std::unique_ptr<ClaimedFile>> Folder::resume(std::string const& name) {
    std::unique_ptr<ClaimedFile> file(new ClaimedFile(*this, name));
    if (auto opened = file->open(); !opened) return opened.error();
    return file;
}

Result<std::vector<std::string>> Folder::unfinished() {
    std::set<std::string> names;
    std::set<std::string> beside;
    auto const listed = for_each_name(processing_.get(), [&](std::string const& name) {
        (name.starts_with('.') ? beside : names).insert(name);
    });
    if (!listed) return listed.error();
    for (auto const& name : names) {
        beside.erase(progress_name(name));
        beside.erase(errors_name(name));
    }
    // What is left belongs to files that were moved away just before a crash.
    for (auto const& name : beside) {
        if (!name.ends_with(errors_suffix)) {
            ::unlinkat(processing_.get(), name.c_str(), 0);
            continue;
        }
        auto const moved = move_out(name, options_.failed, name.substr(1) + ".txt");
        if (!moved) return moved.error();
    }
    return std::vector<std::string>(names.begin(), names.end());
}

Result<std::string> Folder::move_out(std::string const& from, std::string const& to_folder,
                                     std::string const& name) {
    auto const target = net::open_folder_in(dir_.get(), to_folder);
    if (!target) return target.error();
    std::string to = name;
    for (int n = 1;; ++n) {
        auto const moved = net::move(processing_.get(), from, target->get(), to);
        if (moved) break;
        if (moved.error().code != "exists" || n == 100) return moved.error();
        to = shortened(name) + "." + utc_now() + (n == 1 ? std::string() : "-" + std::to_string(n));
    }
    // The new name first: a crash between the two may leave both names, never none.
    if (auto done = net::sync(target->get()); !done) return done.error();
    if (auto done = net::sync(processing_.get()); !done) return done.error();
    return Result<std::string>(boost::system::in_place_value, std::move(to));
}

// The progress of another file of the same name must not be taken for this one's.
std::string ClaimedFile::identity() const {
    auto const now = Folder::seen(about_);
    return std::to_string(now.inode) + " " + std::to_string(now.size) + " " + std::to_string(now.mtime_ns) +
           " ";
}

Result<void> ClaimedFile::open() {
    int const folder = folder_.processing_.get();
    auto file = net::open_file_in(folder, name_, about_);
    if (!file) {
        auto const& code = file.error().code;
        bool const lasting = code == "permission" || code == "link_refused" || code == "not_a_file";
        if (!lasting) return file.error();
        return note_error("the file can't be read (" + code + ")");
    }
    file_ = std::move(*file);
    if (static_cast<std::uint64_t>(about_.st_size) > folder_.options_.max_file)
        return note_error("the file is larger than max_file");
    reader_ = std::make_unique<MessageReader>(file_.get());
    net::Descriptor const progress(
        ::openat(folder, progress_name(name_).c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    std::array<char, 200> text{};
    auto const size = progress.valid() ? ::read(progress.get(), text.data(), text.size()) : 0;
    std::string_view const line(text.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    auto const mine = identity();
    if (line.starts_with(mine) && line.ends_with('\n')) {
        settled_before_ = std::strtoull(std::string(line.substr(mine.size())).c_str(), nullptr, 10);
    }
    return {};
}

Result<std::vector<std::string>> ClaimedFile::next() {
    if (!reader_) return std::vector<std::string>();
    auto found = reader_->next();
    if (!found) return found.error();
    messages_ += found->size();
    if (!found->empty()) return found;
    // The end of the file: nothing in it may be passed over in silence.
    std::string_view complaint;
    if (messages_ == 0 && (reader_->leftover() || !reader_->batch())) {
        complaint = "the file holds no HL7 message";
    } else if (reader_->leftover()) {
        complaint = "the file holds text that belongs to no message; that text was not taken";
    }
    findings_ = reader_->findings();
    reader_.reset();
    if (complaint.empty()) return found;
    if (auto noted = note_error(complaint); !noted) return noted.error();
    return found;
}

Result<void> ClaimedFile::note_settled(std::uint64_t count) {
    bool const fresh = !progress_.valid();
    if (fresh) {
        progress_ = net::Descriptor(::openat(folder_.processing_.get(), progress_name(name_).c_str(),
                                             O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640));
        if (!progress_.valid()) return net::file_error(errno, "the progress can't be noted");
    }
    // For one file always the same length, and far below a sector: written over in place, it is the old or
    // the new line.
    auto const digits = std::to_string(count);
    auto const line =
        identity() + std::string(20 - std::min<std::size_t>(digits.size(), 20), '0') + digits + "\n";
    if (fresh && settled_before_ == 0 && ::ftruncate(progress_.get(), 0) != 0)
        return net::file_error(errno, "the progress can't be noted");
    if (::lseek(progress_.get(), 0, SEEK_SET) != 0)
        return net::file_error(errno, "the progress can't be noted");
    if (auto done = net::write_all(progress_.get(), line); !done) return done.error();
    if (::fdatasync(progress_.get()) != 0) return net::file_error(errno, "the progress can't be noted");
    if (fresh) return net::sync(folder_.processing_.get());
    return {};
}

Result<void> ClaimedFile::note_error(std::string_view line) {
    failed_ = true;
    int const folder = folder_.processing_.get();
    net::Descriptor const file(::openat(folder, errors_name(name_).c_str(),
                                        O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0640));
    if (!file.valid()) return net::file_error(errno, "the error can't be noted");
    if (auto done = net::write_all(file.get(), std::string(line) + "\n"); !done) return done.error();
    if (auto done = net::sync(file.get()); !done) return done.error();
    return net::sync(folder);
}

Result<void> ClaimedFile::finish() {
    int const folder = folder_.processing_.get();
    auto const errors = errors_name(name_);
    bool const has_errors = is_there(folder, errors);
    failed_ = failed_ || has_errors;
    std::string final_name = name_;
    if (is_there(folder, name_)) {
        auto const moved =
            folder_.move_out(name_, failed_ ? folder_.options_.failed : folder_.options_.done, name_);
        if (!moved) return moved.error();
        final_name = *moved;
    }
    if (has_errors) {
        auto const moved =
            folder_.move_out(errors, folder_.options_.failed, shortened(final_name) + ".errors.txt");
        if (!moved) return moved.error();
    }
    ::unlinkat(folder, progress_name(name_).c_str(), 0);
    return {};
}

}  // namespace hilum::listeners
