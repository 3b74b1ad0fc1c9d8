#include "engine/flow/duplicate_table.h"

#include <algorithm>
#include <utility>

namespace hilum::flow {

namespace {

constexpr std::size_t least_places = 64;
constexpr std::uint32_t number_anew_at = 0x80000000;

}  // namespace

std::size_t DuplicateTable::Places::place_of(Fingerprint const& fingerprint) const {
    std::size_t const mask = places_.size() - 1;
    std::size_t at = hash(fingerprint) & mask;
    while (places_[at] != 0 && !equal(table_.entry(places_[at]).fingerprint, fingerprint))
        at = (at + 1) & mask;
    return at;
}

DuplicateTable::Entry const* DuplicateTable::Places::find(Fingerprint const& fingerprint) const {
    if (places_.empty()) return nullptr;
    auto const number = places_[place_of(fingerprint)];
    return number == 0 ? nullptr : &table_.entry(number);
}

void DuplicateTable::Places::put(std::uint32_t number) {
    if (2 * (used_ + 1) > places_.size()) grow();
    auto& place = places_[place_of(table_.entry(number).fingerprint)];
    if (place == 0) ++used_;
    place = number;
}

void DuplicateTable::Places::grow() {
    std::vector<std::uint32_t> before(std::max(least_places, 2 * places_.size()));
    std::swap(before, places_);
    for (auto const number : before)
        if (number != 0) places_[place_of(table_.entry(number).fingerprint)] = number;
}

// Those behind the gap that would no longer be found move up (Knuth, volume 3, 6.4, algorithm R).
void DuplicateTable::Places::erase(std::uint32_t number) {
    if (places_.empty()) return;
    std::size_t const mask = places_.size() - 1;
    std::size_t gap = place_of(table_.entry(number).fingerprint);
    if (places_[gap] != number) return;  // a newer one has its place
    places_[gap] = 0;
    --used_;
    for (std::size_t at = (gap + 1) & mask; places_[at] != 0; at = (at + 1) & mask) {
        std::size_t const home = hash(table_.entry(places_[at]).fingerprint) & mask;
        if (((at - home) & mask) < ((at - gap) & mask)) continue;
        places_[gap] = std::exchange(places_[at], 0);
        gap = at;
    }
}

void DuplicateTable::Places::clear() {
    places_.assign(places_.size(), 0);
    used_ = 0;
}

void DuplicateTable::remember(Fingerprint const& fingerprint, Known const& known) {
    if (first_ >= number_anew_at) number_anew();
    entries_.push_back({fingerprint, known});
    auto const number = static_cast<std::uint32_t>(first_ + entries_.size() - 1);
    same_.put(number);
    if (fingerprint.name != 0) names_.put(number);
    if (entries_.size() > keep_) forget_oldest();
}

void DuplicateTable::forget_oldest() {
    same_.erase(first_);
    if (entries_.front().fingerprint.name != 0) names_.erase(first_);
    entries_.pop_front();
    ++first_;
}

void DuplicateTable::forget_old(std::int64_t now_us) {
    while (!entries_.empty() && now_us - entries_.front().known.received_us > within_us_) forget_oldest();
}

void DuplicateTable::number_anew() {
    same_.clear();
    names_.clear();
    first_ = 1;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        auto const number = static_cast<std::uint32_t>(first_ + i);
        same_.put(number);
        if (entries_[i].fingerprint.name != 0) names_.put(number);
    }
}

DuplicateTable::Arrival DuplicateTable::arrive(Fingerprint const& fingerprint, std::int64_t now_us) {
    std::lock_guard const lock(mutex_);
    forget_old(now_us);
    Arrival arrival;
    auto const recent = [&](Entry const* entry) {
        return entry && now_us - entry->known.received_us <= within_us_;
    };
    if (auto const* const entry = same_.find(fingerprint); recent(entry)) {
        arrival.verdict = Verdict::here;
        arrival.known = entry->known;
        if (entry->fingerprint.other != fingerprint.other) arrival.differs = entry->known;
        return arrival;
    }
    if (!pending_.insert(fingerprint.same).second) {
        arrival.verdict = Verdict::being_stored;
        return arrival;
    }
    if (fingerprint.name != 0) {
        if (auto const* const entry = names_.find(fingerprint); recent(entry)) arrival.differs = entry->known;
    }
    return arrival;
}

void DuplicateTable::settled(Fingerprint const& fingerprint, std::optional<Known> const& stored) {
    std::lock_guard const lock(mutex_);
    pending_.erase(fingerprint.same);
    if (stored) remember(fingerprint, *stored);
}

void DuplicateTable::recall(Fingerprint const& fingerprint, Known const& known) {
    std::lock_guard const lock(mutex_);
    remember(fingerprint, known);
}

std::size_t DuplicateTable::size() const {
    std::lock_guard const lock(mutex_);
    return entries_.size();
}

}  // namespace hilum::flow
