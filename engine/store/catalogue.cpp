#include "engine/store/catalogue.h"

#include <algorithm>

#include "engine/store/segment.h"

namespace hilum::store {
namespace {
constexpr std::size_t max_open = 64;
}

void Catalogue::add(Segment const& segment, std::shared_ptr<File> file) {
    std::lock_guard const lock(mutex_);
    segments_[segment.number] = segment;
    if (file) keep_open(segment.number, std::move(file));
}

void Catalogue::keep_open(std::uint32_t number, std::shared_ptr<File> file) {
    open_.emplace_front(number, std::move(file));
    while (open_.size() > max_open) open_.pop_back();
}

void Catalogue::seal(std::uint32_t number, std::uint64_t end) {
    std::lock_guard const lock(mutex_);
    if (auto const i = segments_.find(number); i != segments_.end()) i->second.end = end;
}

void Catalogue::forget(std::uint32_t number) {
    std::lock_guard const lock(mutex_);
    segments_.erase(number);
    std::erase_if(open_, [number](auto const& o) { return o.first == number; });
}

std::vector<Segment> Catalogue::all() const {
    std::lock_guard const lock(mutex_);
    std::vector<Segment> out;
    out.reserve(segments_.size());
    for (auto const& [number, segment] : segments_) out.push_back(segment);
    return out;
}

std::size_t Catalogue::size() const {
    std::lock_guard const lock(mutex_);
    return segments_.size();
}

std::optional<Segment> Catalogue::find(std::uint32_t number) const {
    std::lock_guard const lock(mutex_);
    auto const i = segments_.find(number);
    return i == segments_.end() ? std::nullopt : std::optional(i->second);
}

std::optional<Segment> Catalogue::at_or_after(std::uint32_t number) const {
    std::lock_guard const lock(mutex_);
    auto const i = segments_.lower_bound(number);
    return i == segments_.end() ? std::nullopt : std::optional(i->second);
}

std::optional<Segment> Catalogue::holding(Sequence sequence) const {
    std::lock_guard const lock(mutex_);
    std::optional<Segment> best;
    for (auto i = segments_.rbegin(); i != segments_.rend(); ++i) {
        if (i->second.first != 0 && i->second.first <= sequence) return i->second;
    }
    return best;
}

Segment Catalogue::front() const {
    std::lock_guard const lock(mutex_);
    return segments_.empty() ? Segment{} : segments_.begin()->second;
}

Segment Catalogue::back() const {
    std::lock_guard const lock(mutex_);
    return segments_.empty() ? Segment{} : segments_.rbegin()->second;
}

Result<std::shared_ptr<File>> Catalogue::file(std::uint32_t number) {
    std::lock_guard const lock(mutex_);
    if (!segments_.contains(number)) {
        return error("no_such_record", "journal/" + segment_name(number),
                     "this segment is not in the journal", "it may have been dropped by retention");
    }
    auto const i =
        std::find_if(open_.begin(), open_.end(), [number](auto const& o) { return o.first == number; });
    if (i != open_.end()) {
        open_.splice(open_.begin(), open_, i);
        return open_.front().second;
    }
    auto opened = files_->open(segment_path(dir_, number), FileSystem::Open::read);
    if (!opened) return opened.error();
    keep_open(number, std::move(*opened));
    return open_.front().second;
}

}  // namespace hilum::store
