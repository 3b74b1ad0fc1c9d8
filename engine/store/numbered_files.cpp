#include "engine/store/numbered_files.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace hilum::store {
namespace {

constexpr std::string_view aside = ".new";

std::optional<std::uint64_t> number_of(std::string_view name) {
    std::uint64_t number = 0;
    auto const [end, ec] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (ec != std::errc{} || end != name.data() + name.size()) return std::nullopt;
    return number;
}

}  // namespace

std::string NumberedFiles::path(std::uint64_t number) const {
    auto const digits = std::to_string(number);
    return folder_ + "/" + std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

Result<std::vector<std::pair<std::uint64_t, std::string>>> NumberedFiles::load() {
    auto r = files_->make_dirs(folder_);
    if (r) r = files_->sync_dir(dir_);
    if (!r) return r.error();
    auto const names = files_->list(folder_);
    if (!names) return names.error();
    std::vector<std::pair<std::uint64_t, std::string>> out;
    for (auto const& name : *names) {
        if (name.ends_with(aside)) {
            if (auto removed = files_->remove(folder_ + "/" + name); !removed) return removed.error();
            continue;
        }
        auto const number = number_of(name);
        if (!number) continue;
        auto const file = files_->open(folder_ + "/" + name, FileSystem::Open::read);
        if (!file) return file.error();
        auto const size = (*file)->size();
        if (!size) return size.error();
        std::string text(std::min(*size, bytes_max), '\0');
        auto const read = (*file)->read_at(0, text);
        if (!read) return read.error();
        text.resize(*read);
        out.emplace_back(*number, std::move(text));
    }
    std::sort(out.begin(), out.end());
    return out;
}

// Aside, synced, renamed: a crash leaves the old one or the new one.
Result<void> NumberedFiles::write(std::uint64_t number, std::string_view text) {
    auto const name = path(number);
    auto const next = name + std::string(aside);
    auto file = files_->open(next, FileSystem::Open::create_or_write);
    if (!file) return file.error();
    auto r = (*file)->truncate(0);
    if (r) r = (*file)->write_at(0, text);
    if (r) r = (*file)->sync();
    if (r) r = files_->rename(next, name);
    if (r) r = files_->sync_dir(folder_);
    return r;
}

Result<void> NumberedFiles::remove(std::uint64_t number) {
    auto r = files_->remove(path(number));
    if (r) r = files_->sync_dir(folder_);
    return r;
}

}  // namespace hilum::store
