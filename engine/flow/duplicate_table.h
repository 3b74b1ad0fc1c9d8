// Which messages a listener has accepted lately, by a hash of what makes them the same.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <vector>

#include "engine/store/record.h"

namespace hilum::flow {

// 128 bits of a cryptographic hash: two messages that are not the same never have the same one, not even when
// somebody tries.
using Hash128 = std::array<std::uint64_t, 2>;

struct Fingerprint {
    Hash128 same{};           // equal: the same message
    std::uint64_t name = 0;   // of messages that should be the same: equal with another `same` is a finding
    std::uint64_t other = 0;  // what is not in `same` and should not differ all the same
};

// Thread-safe. Forgets the oldest first, beyond `keep` messages and `within_us`. About 80 bytes a message.
class DuplicateTable {
  public:
    DuplicateTable(std::uint32_t keep, std::int64_t within_us) : keep_(keep), within_us_(within_us) {}

    struct Known {
        store::Sequence message = 0;
        store::Position position;
        std::int64_t received_us = 0;
    };
    enum class Verdict : unsigned char {
        fresh,         // to be stored, then settled(): until then its copies are being_stored
        being_stored,  // the same message is on its way to the disk: not now
        here           // `known` is on disk
    };
    struct Arrival {
        Verdict verdict = Verdict::fresh;
        Known known;                     // when here
        std::optional<Known> differs{};  // a message under the same name whose content is another
    };
    Arrival arrive(Fingerprint const& fingerprint, std::int64_t now_us);
    // What became of a fresh one: where it is on disk, or nothing.
    void settled(Fingerprint const& fingerprint, std::optional<Known> const& stored);
    // One that was stored before the table was there; the oldest first.
    void recall(Fingerprint const& fingerprint, Known const& known);

    std::size_t size() const;

  private:
    struct Entry {
        Fingerprint fingerprint;
        Known known;
    };
    // Numbers of entries by hash, with open addressing; 0 is a free place. Of entries with the same hash, the
    // newest.
    class Places {
      public:
        Places(DuplicateTable const& table, bool by_name) : table_(table), by_name_(by_name) {}
        Entry const* find(Fingerprint const& fingerprint) const;
        void put(std::uint32_t number);
        void erase(std::uint32_t number);
        void clear();

      private:
        std::uint64_t hash(Fingerprint const& f) const { return by_name_ ? f.name : f.same[0]; }
        bool equal(Fingerprint const& a, Fingerprint const& b) const {
            return by_name_ ? a.name == b.name : a.same == b.same;
        }
        // Where one with that hash is, or would be.
        std::size_t place_of(Fingerprint const& fingerprint) const;
        void grow();

        DuplicateTable const& table_;
        bool by_name_;
        std::vector<std::uint32_t> places_;
        std::size_t used_ = 0;
    };
    struct HashOf {
        std::size_t operator()(Hash128 const& h) const { return h[0]; }
    };
    Entry const& entry(std::uint32_t number) const { return entries_[number - first_]; }
    void remember(Fingerprint const& fingerprint, Known const& known);
    void forget_oldest();
    void forget_old(std::int64_t now_us);
    void number_anew();

    std::uint32_t keep_;
    std::int64_t within_us_;
    mutable std::mutex mutex_;
    std::deque<Entry> entries_;  // in the order of acceptance
    std::uint32_t first_ = 1;    // the number of entries_.front()
    Places same_{*this, false};
    Places names_{*this, true};
    std::unordered_set<Hash128, HashOf> pending_;  // one for each message that is on its way to the disk
};

}  // namespace hilum::flow
