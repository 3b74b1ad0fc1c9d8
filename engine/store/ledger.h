// What the journal owes: lanes, held messages, outstanding resends. It is a pure function of the records
// before a position, kept up to date as they are written, and written down in checkpoints.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/store/codec.h"
#include "engine/store/record.h"
#include "engine/store/store.h"

namespace hilum::store {

// A set of lane keys, 8 bytes a key: there may be a million of them.
class KeySet {
  public:
    bool insert(LaneKey const& key);
    bool erase(LaneKey const& key);
    bool contains(LaneKey const& key) const;
    std::uint64_t size() const { return size_; }
    void erase_before(LaneKey const& key);
    std::vector<LaneKey> keys() const;
    std::uint32_t first_segment() const { return segments_.empty() ? 0xffffffffu : segments_.begin()->first; }
    void encode(std::string& out) const;
    bool decode(Reader& in);

  private:
    std::map<std::uint32_t, std::vector<std::uint64_t>> segments_;  // offset << 32 | ordinal, sorted
    std::uint64_t size_ = 0;
};

struct Lane {
    LaneKey cursor;
    std::uint64_t queued = 0;
    KeySet settled_ahead;  // none before the cursor
    KeySet uncertain;      // not settled, but bytes may have left
    KeySet held;
};

// Not thread-safe.
class Ledger {
  public:
    Sequence next_sequence = 1;
    Position previous_end;  // of the segment before the one whose checkpoint this is
    std::map<NameId, std::string> names;

    void message(Position at, Sequence sequence, MessageState state);
    void delivery(NameId destination, LaneKey const& key);
    void resend(Position at, ResendRecord const& record);
    void result(ResultRecord const& record);

    std::map<NameId, Lane> const& lanes() const { return lanes_; }
    KeySet const& held_messages() const { return held_messages_; }
    std::vector<LaneState> states() const;
    // The first segment that holds something still owed; 0xffffffff when there is none.
    std::uint32_t first_needed() const;
    void set_queued(NameId destination, std::uint64_t n) { lanes_[destination].queued = n; }

    // The front of a checkpoint record (docs/journal.md).
    void encode(std::string& out) const;
    bool decode(RecordHeader const& header, std::string_view front);

  private:
    struct Resend {
        Position message;
        std::uint32_t ordinal = 0;
        NameId destination = 0;
    };
    void note_attempt(ResultRecord const& record);
    bool release(Lane& lane, ResultRecord const& record);
    void settle(Lane& lane, LaneKey const& key, LaneKey const& up_to);
    bool outstanding(Position at, Resend const& resend) const;

    std::map<NameId, Lane> lanes_;
    KeySet held_messages_;
    std::map<Position, Resend> resends_;
};

// True when the entry at `key` is one this lane has yet to settle.
bool unsettled(Lane const& lane, LaneKey const& key);

}  // namespace hilum::store
