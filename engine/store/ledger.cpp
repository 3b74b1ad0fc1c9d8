#include "engine/store/ledger.h"

#include <algorithm>

#include "engine/store/codec.h"

namespace hilum::store {
namespace {

std::uint64_t packed(LaneKey const& key) {
    return (std::uint64_t{key.position.offset()} << 32) | key.ordinal;
}

}  // namespace

bool KeySet::insert(LaneKey const& key) {
    auto& v = segments_[key.position.segment()];
    auto const i = std::lower_bound(v.begin(), v.end(), packed(key));
    if (i != v.end() && *i == packed(key)) return false;
    v.insert(i, packed(key));
    ++size_;
    return true;
}

bool KeySet::erase(LaneKey const& key) {
    auto const s = segments_.find(key.position.segment());
    if (s == segments_.end()) return false;
    auto& v = s->second;
    auto const i = std::lower_bound(v.begin(), v.end(), packed(key));
    if (i == v.end() || *i != packed(key)) return false;
    v.erase(i);
    if (v.empty()) segments_.erase(s);
    --size_;
    return true;
}

bool KeySet::contains(LaneKey const& key) const {
    auto const s = segments_.find(key.position.segment());
    return s != segments_.end() && std::binary_search(s->second.begin(), s->second.end(), packed(key));
}

void KeySet::encode(std::string& out) const {
    Writer w(out);
    w.varint(segments_.size());
    for (auto const& [segment, keys] : segments_) {
        w.varint(segment);
        w.varint(keys.size());
        for (auto const k : keys) {
            w.varint(k >> 32);
            w.varint(k & 0xffffffffu);
        }
    }
}

bool KeySet::decode(Reader& in) {
    for (auto n = in.count(2); n > 0; --n) {
        std::uint32_t const segment = in.varint32();
        for (auto k = in.count(2); k > 0; --k) {
            std::uint32_t const offset = in.varint32();
            insert({Position::at(segment, offset), in.varint32()});
        }
        if (in.failed()) return false;
    }
    return !in.failed();
}

void KeySet::erase_before(LaneKey const& key) {
    auto const segment = key.position.segment();
    while (!segments_.empty() && segments_.begin()->first < segment) {
        size_ -= segments_.begin()->second.size();
        segments_.erase(segments_.begin());
    }
    if (segments_.empty() || segments_.begin()->first != segment) return;
    auto& v = segments_.begin()->second;
    auto const end = std::lower_bound(v.begin(), v.end(), packed(key));
    size_ -= static_cast<std::uint64_t>(end - v.begin());
    v.erase(v.begin(), end);
    if (v.empty()) segments_.erase(segments_.begin());
}

std::vector<LaneKey> KeySet::keys() const {
    std::vector<LaneKey> out;
    out.reserve(size_);
    for (auto const& [segment, keys] : segments_) {
        for (auto const k : keys)
            out.push_back({Position::at(segment, static_cast<std::uint32_t>(k >> 32)),
                           static_cast<std::uint32_t>(k & 0xffffffffu)});
    }
    return out;
}

bool unsettled(Lane const& lane, LaneKey const& key) {
    return key >= lane.cursor && !lane.settled_ahead.contains(key);
}

void Ledger::message(Position at, Sequence sequence, MessageState state) {
    next_sequence = std::max(next_sequence, sequence + 1);
    if (state == MessageState::held) held_messages_.insert({at, 0});
}

void Ledger::delivery(NameId destination, LaneKey const& key) {
    Lane& lane = lanes_[destination];
    if (lane.queued == 0 && key > lane.cursor) {
        // Nothing before it is owed: whoever scans from the cursor need not walk through what lies between.
        lane.cursor = key;
        lane.settled_ahead = {};
    }
    ++lane.queued;
}

void Ledger::resend(Position at, ResendRecord const& record) {
    delivery(record.destination, {at, 0});
    resends_[at] = {record.position, record.ordinal, record.destination};
}

void Ledger::settle(Lane& lane, LaneKey const& key, LaneKey const& up_to) {
    if (unsettled(lane, key)) {
        if (lane.queued > 0) --lane.queued;
        if (key >= up_to) lane.settled_ahead.insert(key);
    }
    lane.uncertain.erase(key);
    if (up_to <= lane.cursor) return;
    lane.cursor = up_to;
    lane.settled_ahead.erase_before(lane.cursor);
    lane.uncertain.erase_before(lane.cursor);
}

// A held entry is no longer held. A person who deals with a delivery names the message's own entry; what is
// held may be a resend of it.
bool Ledger::release(Lane& lane, ResultRecord const& r) {
    if (lane.held.erase(r.key)) return true;
    if (r.outcome != DeliveryOutcome::released) return false;
    for (auto const& [at, resend] : resends_) {
        bool const same = resend.message == r.key.position && resend.ordinal == r.key.ordinal &&
                          resend.destination == r.destination;
        if (same && lane.held.erase({at, 0})) return true;
    }
    return false;
}

// What is not settled by it: all that counts is whether the receiver may have the message.
void Ledger::note_attempt(ResultRecord const& r) {
    if (r.destination == 0) return;
    Lane& lane = lanes_[r.destination];
    bool const open = r.outcome != DeliveryOutcome::failed || r.possible_duplicate;
    if (open && unsettled(lane, r.key)) {
        lane.uncertain.insert(r.key);
    } else if (!open) {
        lane.uncertain.erase(r.key);
    }
}

void Ledger::result(ResultRecord const& r) {
    if (r.outcome == DeliveryOutcome::answered) return;
    bool const attempt = r.outcome != DeliveryOutcome::released && !settles(r.outcome);
    if (attempt) return note_attempt(r);
    if (r.destination == 0) {
        if (r.outcome != DeliveryOutcome::held) held_messages_.erase({r.key.position, 0});
        return;
    }
    Lane& lane = lanes_[r.destination];
    bool const was_held = r.outcome != DeliveryOutcome::held && release(lane, r);
    bool const fresh = unsettled(lane, r.key);
    if (r.outcome != DeliveryOutcome::released) {
        if (r.outcome == DeliveryOutcome::held && fresh) lane.held.insert(r.key);
        settle(lane, r.key, r.settled_up_to);
    }
    if (r.outcome != DeliveryOutcome::held && (was_held || r.outcome != DeliveryOutcome::released)) {
        if (r.key.ordinal == 0) resends_.erase(r.key.position);
    }
}

bool Ledger::outstanding(Position at, Resend const& resend) const {
    auto const lane = lanes_.find(resend.destination);
    if (lane == lanes_.end()) return false;
    LaneKey const key{at, 0};
    return unsettled(lane->second, key) || lane->second.held.contains(key);
}

std::vector<LaneState> Ledger::states() const {
    std::vector<LaneState> out;
    out.reserve(lanes_.size());
    for (auto const& [destination, lane] : lanes_) {
        out.push_back({destination, lane.cursor, lane.queued, lane.held.size(), lane.settled_ahead.keys(),
                       lane.uncertain.keys()});
    }
    return out;
}

std::uint32_t Ledger::first_needed() const {
    std::uint32_t first = held_messages_.first_segment();
    for (auto const& [destination, lane] : lanes_) {
        if (lane.queued > 0) first = std::min(first, lane.cursor.position.segment());
        first = std::min(first, lane.held.first_segment());
    }
    for (auto const& [at, resend] : resends_) {
        if (outstanding(at, resend)) first = std::min(first, resend.message.segment());
    }
    return first;
}

void Ledger::encode(std::string& out) const {
    Writer w(out);
    w.varint(next_sequence);
    w.position(previous_end);
    w.varint(names.size());
    for (auto const& [id, name] : names) {
        w.varint(id);
        w.text(name);
    }
    w.varint(lanes_.size());
    for (auto const& [destination, lane] : lanes_) {
        w.varint(destination);
        w.key(lane.cursor);
        w.varint(lane.queued);
        lane.settled_ahead.encode(out);
        lane.uncertain.encode(out);
        lane.held.encode(out);
    }
    held_messages_.encode(out);
    std::uint64_t n = 0;
    for (auto const& [at, resend] : resends_) n += outstanding(at, resend) ? 1 : 0;
    w.varint(n);
    for (auto const& [at, resend] : resends_) {
        if (!outstanding(at, resend)) continue;
        w.position(at);
        w.position(resend.message);
        w.varint(resend.ordinal);
        w.varint(resend.destination);
    }
}

bool Ledger::decode(RecordHeader const& header, std::string_view front) {
    *this = Ledger();
    Reader in(front);
    next_sequence = in.varint();
    previous_end = in.position();
    for (auto n = in.count(2); n > 0; --n) {
        NameId const id = in.varint32();
        if (id == 0 || id > max_name) return false;
        names[id] = in.text();
    }
    for (auto n = in.count(7); n > 0 && !in.failed(); --n) {
        Lane& lane = lanes_[in.varint32()];
        lane.cursor = in.key();
        lane.queued = in.varint();
        if (header.layout == 0) {
            for (auto k = in.count(3); k > 0; --k) lane.settled_ahead.insert(in.key());
        } else {
            lane.settled_ahead.decode(in);
            lane.uncertain.decode(in);
        }
        lane.held.decode(in);
    }
    held_messages_.decode(in);
    for (auto n = in.count(6); n > 0; --n) {
        Position const at = in.position();
        Resend resend;
        resend.message = in.position();
        resend.ordinal = in.varint32();
        resend.destination = in.varint32();
        resends_[at] = resend;
    }
    return !in.failed() && next_sequence != 0;
}

}  // namespace hilum::store
