// What a lane has in hand of its queue, and which entry may go next. Entries of one `order_by` key go one
// after the other; those of other keys pass a key that waits. Without `order_by` all entries have one key.
//
// Memory is bounded: of a key that waits for its next attempt only the first entry is kept, of any key no
// more than `of_key` behind it. The rest is forgotten, and found again by reading the journal from where the
// key goes on ("sweep"). Pure: no clock, no disk, no threads of its own; not thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "engine/net/clock.h"
#include "engine/store/store.h"

namespace hilum::delivery {

using Clock = net::Clock;

class Schedule {
  public:
    struct Limits {
        std::size_t entries = 8192;  // in hand, all keys together
        std::size_t of_key = 128;
        std::size_t line = 2;       // of a lane that has one key: no more than what is next is needed
        std::size_t keys = 10'000;  // that wait or are being sent
    };
    using KeyId = std::uint64_t;

    // An entry that is being sent, or that somebody deals with. It stays first of its key until settled().
    struct Claim {
        KeyId key = 0;
        store::LaneEntry entry;
    };
    // What is known of the first entry of a key.
    struct Head {
        std::uint32_t attempts = 0;
        bool possible_duplicate = false;
        Clock::time_point first_attempt{};
        std::string error;  // class and code of its last failure; no patient data
    };

    // `settled` are entries from before this start that the journal still shows; sorted.
    Schedule(store::LaneKey begin, std::vector<store::LaneKey> settled)
        : Schedule(begin, settled, Limits{}) {}
    Schedule(store::LaneKey begin, std::vector<store::LaneKey> settled, Limits limits);

    // Whether there is room to read on. An entry that accepts() says no to is to be offered again later.
    bool wants() const;
    bool accepts(store::LaneEntry const& entry) const;
    // The next entry of the lane, in journal order, without a gap.
    void add(store::LaneEntry const& entry);
    bool settled_before(store::LaneKey const& key) const;
    // For batches: so many entries of one key are kept in hand.
    void keep_in_hand(std::size_t of_line);

    // The next entry that may go: urgent ones first, then the oldest.
    std::optional<Claim> claim();
    // The first entry of a key, unless it is being dealt with: for skipping it, or booking a late answer.
    std::optional<Claim> claim_message(store::Sequence message);
    std::optional<Claim> claim_entry(store::LaneKey const& key);

    // The key of which claim() would give the first entry, and its entries in hand; nullptr: none.
    std::deque<store::LaneEntry> const* next() const;
    // The entries in hand behind a claim, at most `max`, of its key.
    std::vector<store::LaneEntry> behind(Claim const& claim, std::size_t max) const;

    Head& head(KeyId key) { return keys_.at(key).head; }
    // The lane's cursor once this claim is settled.
    store::LaneKey cursor_after(Claim const& claim) const;
    void settled(Claim const& claim);
    void again(Claim const& claim, Clock::time_point at);  // its next attempt, not before then
    void again_at_once(Claim const& claim);                // the trouble is not this entry's
    void stop(Claim const& claim);                         // until start_all() or start(message)

    // Ends the pauses that are over. The next one that will be, if any.
    void begin_due(Clock::time_point now);
    std::optional<Clock::time_point> next_due() const;
    // Ends every pause and stop, or that of one message's key (false when it is not first of a key).
    void start_all();
    bool start(store::Sequence message);

    // Reading again what was forgotten, of every key that can use it, once one has nothing left: `from`, and
    // every entry from there up to `until` is to be given to swept(), then end_sweep() called, also when it
    // could not be read to the end (`reached`).
    struct Sweep {
        store::LaneKey from, until;
    };
    std::optional<Sweep> begin_sweep();
    void swept(store::LaneEntry const& entry);
    bool sweep_wants_more() const { return sweeping_ != 0; }
    void end_sweep(store::LaneKey const& reached);

    // The oldest entry that is not settled and in hand.
    store::LaneEntry const* oldest() const;
    std::size_t busy() const { return busy_; }
    bool ready() const { return !ready_[0].empty() || !ready_[1].empty(); }
    bool hungry() const { return !hungry_.empty(); }
    std::uint32_t attempts_of(KeyId key) const { return keys_.at(key).head.attempts; }
    std::size_t in_hand() const { return in_hand_; }
    struct Blocked {
        store::LaneEntry entry;
        Head head;
        bool stopped = false;
        Clock::time_point next{};  // of an attempt; none when stopped
    };
    std::size_t blocked_count() const { return pauses_.size() + stopped_; }
    std::size_t stopped_count() const { return stopped_; }
    std::vector<Blocked> blocked(std::size_t max) const;  // oldest first

  private:
    enum class State : unsigned char { ready, busy, waiting, stopped, empty };
    struct Key {
        std::deque<store::LaneEntry> entries;  // the first is the head
        State state = State::empty;
        Head head;
        Clock::time_point due{};
        std::optional<store::LaneKey> more_from;  // from here on none is in hand
        bool more_since_sweep = false;
        bool sweeping = false;
        std::uint32_t urgent = 0;  // of the entries in hand
    };
    using Place = std::pair<store::LaneKey, KeyId>;

    void place(KeyId id, Key& key);    // into ready_
    void unplace(KeyId id, Key& key);  // out of wherever it waits
    void forget_behind_head(Key& key);
    void push(Key& key, store::LaneEntry const& entry);
    void drop_if_done(KeyId id, Key& key);
    void put_back(Claim const& claim, State state, Clock::time_point due);
    std::optional<Claim> take(KeyId id, Key& key);
    std::optional<store::LaneKey> first_of(Key const& key) const;

    Limits limits_;
    std::vector<store::LaneKey> settled_;
    store::LaneKey read_to_;
    std::uint32_t rule_ = 0;
    std::unordered_map<KeyId, Key> keys_;
    std::set<Place> firsts_;    // the earliest entry of each key that is not settled
    std::set<Place> ready_[2];  // [urgent]
    std::set<std::pair<Clock::time_point, KeyId>> pauses_;
    std::size_t in_hand_ = 0, busy_ = 0, stopped_ = 0;
    std::set<Place> hungry_;  // keys that go on behind what is in hand, and have nothing left there
    std::size_t sweeping_ = 0;
    store::LaneKey sweep_until_;
};

}  // namespace hilum::delivery
