#include "engine/outside/cache.h"

namespace hilum::outside {

std::optional<Cache::Found> Cache::find(std::string const& question, std::int64_t now_us) {
    std::lock_guard const lock(mutex_);
    auto const at = by_question_.find(question);
    if (at == by_question_.end()) return std::nullopt;
    entries_.splice(entries_.begin(), entries_, at->second);
    // A clock that was set back makes nothing fresher than it was.
    auto const age = std::chrono::microseconds(now_us - at->second->at_us);
    if (age.count() < 0) return std::nullopt;
    return Found{at->second->answer, age};
}

void Cache::keep(std::string const& question, routes::OutsideAnswer const& answer, std::int64_t now_us) {
    std::lock_guard const lock(mutex_);
    if (auto const at = by_question_.find(question); at != by_question_.end()) drop(at->second);
    entries_.push_front({question, answer, now_us});
    by_question_[question] = entries_.begin();
    bytes_ += entries_.front().size();
    while (bytes_ > limit_ && !entries_.empty()) drop(std::prev(entries_.end()));
}

std::size_t Cache::bytes() const {
    std::lock_guard const lock(mutex_);
    return bytes_;
}

void Cache::drop(Entries::iterator entry) {
    bytes_ -= entry->size();
    by_question_.erase(entry->question);
    entries_.erase(entry);
}

}  // namespace hilum::outside
