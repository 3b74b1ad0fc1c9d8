#include "engine/delivery/schedule.h"

#include <algorithm>
#include <utility>

namespace hilum::delivery {

using store::LaneEntry;
using store::LaneKey;

Schedule::Schedule(LaneKey begin, std::vector<LaneKey> settled, Limits limits)
    : limits_(limits), settled_(std::move(settled)), read_to_(begin) {}

bool Schedule::settled_before(LaneKey const& key) const {
    return std::binary_search(settled_.begin(), settled_.end(), key);
}

bool Schedule::wants() const {
    if (rule_ == 0 && !keys_.empty()) return in_hand_ < limits_.line;
    return in_hand_ < limits_.entries && keys_.size() < limits_.keys;
}

// Keys that were made by unequal rules say nothing about each other: the one kind ends before the other
// begins.
bool Schedule::accepts(LaneEntry const& entry) const {
    return keys_.empty() || entry.order.rule == rule_;
}

void Schedule::push(Key& key, LaneEntry const& entry) {
    key.entries.push_back(entry);
    key.urgent += entry.order.urgent ? 1 : 0;
    ++in_hand_;
}

void Schedule::add(LaneEntry const& entry) {
    read_to_ = entry.key.next();
    if (settled_before(entry.key)) return;
    rule_ = entry.order.rule;
    auto& key = keys_[entry.order.key];
    if (key.more_from) {
        key.more_since_sweep = true;
        return;
    }
    bool const waits = rule_ != 0 && (key.state == State::waiting || key.state == State::stopped);
    if (waits || key.entries.size() >= limits_.of_key) {
        key.more_from = entry.key;
        return;
    }
    bool const urgency_changes = entry.order.urgent && key.urgent == 0 && key.state == State::ready;
    if (urgency_changes) unplace(entry.order.key, key);
    push(key, entry);
    if (key.entries.size() == 1) firsts_.insert({entry.key, entry.order.key});
    if (key.state == State::empty || urgency_changes) place(entry.order.key, key);
}

void Schedule::place(KeyId id, Key& key) {
    key.state = State::ready;
    ready_[key.urgent != 0].insert({key.entries.front().key, id});
}

void Schedule::unplace(KeyId id, Key& key) {
    switch (key.state) {
        case State::ready:
            ready_[key.urgent != 0].erase({key.entries.front().key, id});
            break;
        case State::waiting:
            pauses_.erase({key.due, id});
            break;
        case State::stopped:
            --stopped_;
            break;
        case State::busy:
            --busy_;
            break;
        case State::empty:
            if (key.more_from) hungry_.erase({*key.more_from, id});
            break;
    }
    key.state = State::empty;
}

std::optional<Schedule::Claim> Schedule::take(KeyId id, Key& key) {
    unplace(id, key);
    key.state = State::busy;
    ++busy_;
    return Claim{id, key.entries.front()};
}

std::optional<Schedule::Claim> Schedule::claim() {
    for (auto* ready : {&ready_[1], &ready_[0]}) {
        if (ready->empty()) continue;
        auto const id = ready->begin()->second;
        return take(id, keys_.at(id));
    }
    return std::nullopt;
}

void Schedule::keep_in_hand(std::size_t of_line) {
    limits_.line = std::max(Limits{}.line, of_line);
    limits_.of_key = std::max(Limits{}.of_key, of_line);
}

std::deque<LaneEntry> const* Schedule::next() const {
    for (auto const* ready : {&ready_[1], &ready_[0]})
        if (!ready->empty()) return &keys_.at(ready->begin()->second).entries;
    return nullptr;
}

std::vector<LaneEntry> Schedule::behind(Claim const& claim, std::size_t max) const {
    auto const& entries = keys_.at(claim.key).entries;
    auto const end = std::min(entries.size(), max + 1);
    return {entries.begin() + 1, entries.begin() + static_cast<std::ptrdiff_t>(end)};
}

std::optional<Schedule::Claim> Schedule::claim_message(store::Sequence message) {
    for (auto& [id, key] : keys_) {
        if (key.entries.empty() || key.entries.front().sequence != message) continue;
        if (key.state == State::busy) return std::nullopt;
        return take(id, key);
    }
    return std::nullopt;
}

std::optional<Schedule::Claim> Schedule::claim_entry(LaneKey const& at) {
    for (auto first = firsts_.lower_bound({at, 0}); first != firsts_.end() && first->first == at; ++first) {
        auto& key = keys_.at(first->second);
        if (key.entries.empty() || key.entries.front().key != at) continue;
        if (key.state == State::busy) return std::nullopt;
        return take(first->second, key);
    }
    return std::nullopt;
}

std::optional<LaneKey> Schedule::first_of(Key const& key) const {
    if (!key.entries.empty()) return key.entries.front().key;
    return key.more_from;
}

LaneKey Schedule::cursor_after(Claim const& claim) const {
    auto const& key = keys_.at(claim.key);
    std::optional<LaneKey> own = key.more_from;
    if (key.entries.size() > 1) own = key.entries[1].key;
    LaneKey cursor = own ? std::min(*own, read_to_) : read_to_;
    for (auto const& [at, id] : firsts_) {
        if (id == claim.key) continue;
        return std::min(cursor, at);
    }
    return cursor;
}

void Schedule::settled(Claim const& claim) {
    auto& key = keys_.at(claim.key);
    unplace(claim.key, key);
    firsts_.erase({key.entries.front().key, claim.key});
    key.urgent -= key.entries.front().order.urgent ? 1 : 0;
    key.entries.pop_front();
    --in_hand_;
    key.head = {};
    if (auto const first = first_of(key)) firsts_.insert({*first, claim.key});
    if (!key.entries.empty()) {
        place(claim.key, key);
    } else if (key.more_from) {
        if (!key.sweeping) hungry_.insert({*key.more_from, claim.key});
    } else {
        drop_if_done(claim.key, key);
    }
}

void Schedule::drop_if_done(KeyId id, Key& key) {
    if (key.sweeping) return;
    if (key.entries.empty() && !key.more_from) keys_.erase(id);
    if (keys_.empty() && !settled_.empty() && settled_.back() < read_to_) settled_ = {};
}

void Schedule::forget_behind_head(Key& key) {
    if (key.entries.size() < 2) return;
    auto const head = key.entries.front();
    key.more_from = key.entries[1].key;
    key.more_since_sweep = true;
    in_hand_ -= key.entries.size() - 1;
    key.entries = {head};
    key.urgent = head.order.urgent ? 1 : 0;
}

void Schedule::put_back(Claim const& claim, State state, Clock::time_point due) {
    auto& key = keys_.at(claim.key);
    unplace(claim.key, key);
    if (state == State::ready) return place(claim.key, key);
    if (rule_ != 0) forget_behind_head(key);
    if (key.sweeping) {  // what it finds from here on would be behind a gap
        key.sweeping = false;
        --sweeping_;
    }
    key.state = state;
    key.due = due;
    if (state == State::waiting) {
        pauses_.insert({due, claim.key});
    } else {
        ++stopped_;
    }
}

void Schedule::again(Claim const& claim, Clock::time_point at) {
    put_back(claim, State::waiting, at);
}
void Schedule::again_at_once(Claim const& claim) {
    put_back(claim, State::ready, {});
}
void Schedule::stop(Claim const& claim) {
    put_back(claim, State::stopped, {});
}

void Schedule::begin_due(Clock::time_point now) {
    while (!pauses_.empty() && pauses_.begin()->first <= now) {
        auto const id = pauses_.begin()->second;
        auto& key = keys_.at(id);
        unplace(id, key);
        place(id, key);
    }
}

std::optional<Clock::time_point> Schedule::next_due() const {
    if (pauses_.empty()) return std::nullopt;
    return pauses_.begin()->first;
}

void Schedule::start_all() {
    for (auto& [id, key] : keys_) {
        if (key.state != State::waiting && key.state != State::stopped) continue;
        unplace(id, key);
        place(id, key);
    }
}

bool Schedule::start(store::Sequence message) {
    auto const claim = claim_message(message);
    if (claim) again_at_once(*claim);
    return claim.has_value();
}

std::optional<Schedule::Sweep> Schedule::begin_sweep() {
    if (hungry_.empty() || in_hand_ >= limits_.entries) return std::nullopt;
    Sweep sweep{hungry_.begin()->first, read_to_};
    sweep_until_ = read_to_;
    for (auto& [id, key] : keys_) {
        if (!key.more_from || key.state == State::waiting || key.state == State::stopped) continue;
        sweep.from = std::min(sweep.from, *key.more_from);
        key.sweeping = true;
        key.more_since_sweep = false;
        ++sweeping_;
    }
    hungry_.clear();
    return sweep;
}

void Schedule::swept(LaneEntry const& entry) {
    auto const found = keys_.find(entry.order.key);
    if (found == keys_.end()) return;
    auto& key = found->second;
    if (!key.sweeping || entry.key < *key.more_from || settled_before(entry.key)) return;
    if (key.entries.size() >= limits_.of_key || in_hand_ >= limits_.entries) {
        auto const before = std::exchange(key.more_from, entry.key);
        key.sweeping = false;
        --sweeping_;
        if (!key.entries.empty()) return;
        firsts_.erase({*before, entry.order.key});
        firsts_.insert({entry.key, entry.order.key});
        hungry_.insert({entry.key, entry.order.key});
        return;
    }
    if (key.entries.empty()) {  // its place so far was that of more_from
        firsts_.erase({*key.more_from, entry.order.key});
        firsts_.insert({entry.key, entry.order.key});
    }
    bool const fresh = key.entries.empty();
    bool const moves = !fresh && key.state == State::ready && entry.order.urgent && key.urgent == 0;
    if (moves) unplace(entry.order.key, key);
    push(key, entry);
    key.more_from = entry.key.next();
    if (fresh || moves) place(entry.order.key, key);
}

void Schedule::end_sweep(LaneKey const& reached) {
    for (auto it = keys_.begin(); sweeping_ != 0 && it != keys_.end();) {
        auto& [id, key] = *it++;
        if (!key.sweeping) continue;
        key.sweeping = false;
        --sweeping_;
        bool const whole = reached >= sweep_until_;
        auto const before = *key.more_from;
        if (whole && !key.more_since_sweep) {
            key.more_from.reset();
        } else {
            key.more_from = std::max(before, reached);
        }
        if (!key.entries.empty()) continue;
        firsts_.erase({before, id});
        if (key.more_from) {
            firsts_.insert({*key.more_from, id});
            hungry_.insert({*key.more_from, id});
        } else {
            drop_if_done(id, key);
        }
    }
}

LaneEntry const* Schedule::oldest() const {
    for (auto const& [at, id] : firsts_) {
        auto const& key = keys_.at(id);
        if (!key.entries.empty()) return &key.entries.front();
    }
    return nullptr;
}

std::vector<Schedule::Blocked> Schedule::blocked(std::size_t max) const {
    std::vector<Blocked> out;
    for (auto const& [at, id] : firsts_) {
        if (out.size() >= max) break;
        auto const& key = keys_.at(id);
        if (key.state != State::waiting && key.state != State::stopped) continue;
        out.push_back({key.entries.front(), key.head, key.state == State::stopped, key.due});
    }
    return out;
}

}  // namespace hilum::delivery
