#include "engine/store/paused.h"

#include <algorithm>
#include <charconv>

namespace hilum::store {

namespace {

constexpr std::uint64_t bytes_max = 1u << 20;

std::string path_in(std::string const& dir) {
    return dir + "/paused";
}

bool control(char c) {
    return static_cast<unsigned char>(c) < 0x20;
}

// "lab", or "lab\t1767225600000000\treason".
std::pair<std::string, Pause> read_line(std::string_view line) {
    auto const take = [&line] {
        auto const end = line.find('\t');
        auto const part = line.substr(0, end);
        line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
        return part;
    };
    std::string const name(take());
    auto const until = take();
    Pause pause;
    std::from_chars(until.data(), until.data() + until.size(), pause.until_us);
    pause.reason = line;
    return {name, pause};
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
        if (auto const line = rest.substr(0, end); !line.empty()) queues_.insert(read_line(line));
        rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    }
    return {};
}

std::optional<Pause> PausedQueues::find(std::string_view destination) const {
    std::lock_guard const lock(mutex_);
    auto const found = queues_.find(destination);
    if (found == queues_.end()) return std::nullopt;
    return found->second;
}

Result<void> PausedQueues::set(std::string const& destination, std::optional<Pause> pause) {
    std::lock_guard const lock(mutex_);
    if (pause) {
        std::replace_if(pause->reason.begin(), pause->reason.end(), control, ' ');
        queues_[destination] = std::move(*pause);
    } else if (queues_.erase(destination) == 0) {
        return {};
    }
    std::string text;
    for (auto const& [name, why] : queues_)
        text += name + '\t' + std::to_string(why.until_us) + '\t' + why.reason + '\n';
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
