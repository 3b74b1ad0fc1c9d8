#include "engine/store/paused.h"

#include <algorithm>

namespace hilum::store {

namespace {

constexpr std::uint64_t bytes_max = 1u << 20;

std::string path_in(std::string const& dir) {
    return dir + "/paused";
}

}  // namespace

PausedQueues::PausedQueues(std::shared_ptr<FileSystem> files, std::string dir)
    : files_(std::move(files)), dir_(std::move(dir)) {}

Result<void> PausedQueues::load() {
    auto const names = files_->list(dir_);
    if (!names) return names.error();
    if (std::find(names->begin(), names->end(), "paused") == names->end()) return {};
    auto const file = files_->open(path_in(dir_), FileSystem::Open::read);
    if (!file) return file.error();
    auto const size = (*file)->size();
    if (!size) return size.error();
    std::string text(std::min(*size, bytes_max), '\0');
    auto const read = (*file)->read_at(0, text);
    if (!read) return read.error();
    text.resize(*read);
    std::lock_guard const lock(mutex_);
    for (std::string_view rest = text; !rest.empty();) {
        auto const end = rest.find('\n');
        if (auto const name = rest.substr(0, end); !name.empty()) names_.emplace(name);
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return {};
}

bool PausedQueues::has(std::string_view destination) const {
    std::lock_guard const lock(mutex_);
    return names_.contains(destination);
}

Result<void> PausedQueues::set(std::string const& destination, bool paused) {
    std::lock_guard const lock(mutex_);
    bool const changed = paused ? names_.insert(destination).second : names_.erase(destination) != 0;
    if (!changed) return {};
    std::string text;
    for (auto const& name : names_) text += name + '\n';
    return write(text);
}

// Aside, synced, renamed: a crash leaves the old one or the new one.
Result<void> PausedQueues::write(std::string const& text) {
    std::string const aside = path_in(dir_) + ".new";
    auto file = files_->open(aside, FileSystem::Open::create_or_write);
    if (!file) return file.error();
    auto r = (*file)->truncate(0);
    if (r) r = (*file)->write_at(0, text);
    if (r) r = (*file)->sync();
    if (r) r = files_->rename(aside, path_in(dir_));
    if (r) r = files_->sync_dir(dir_);
    return r;
}

}  // namespace hilum::store
