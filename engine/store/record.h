// What the journal holds, as values. docs/journal.md is the format; codec.cpp reads and writes it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hilum::store {

using Sequence = std::uint64_t;  // a message's number: acceptance order, from 1, never reused
using NameId = std::uint32_t;    // a listener's, route's or destination's name in this store

// A place in the journal: segment number and byte offset in it. Ordered as the journal is.
struct Position {
    std::uint64_t value = 0;
    static Position at(std::uint32_t segment, std::uint32_t offset) {
        return {(std::uint64_t{segment} << 32) | offset};
    }
    std::uint32_t segment() const { return static_cast<std::uint32_t>(value >> 32); }
    std::uint32_t offset() const { return static_cast<std::uint32_t>(value); }
    friend auto operator<=>(Position const&, Position const&) = default;
};

// One delivery of one record: the n-th (from 0) delivery of the record at a position. Orders a lane.
struct LaneKey {
    Position position;
    std::uint32_t ordinal = 0;
    friend auto operator<=>(LaneKey const&, LaneKey const&) = default;
    LaneKey next() const { return {position, ordinal + 1}; }
};

// As an ordinal: the message as a whole, such as one that a route held.
inline constexpr std::uint32_t whole_message = 0xffffffff;

enum class MessageState : std::uint8_t { accepted = 1, filtered = 2, rejected = 3, held = 4 };

struct VerdictEntry {
    NameId route = 0;
    std::uint8_t outcome = 0;  // routes::RouteOutcome
    std::string_view reason;
};

// Where an entry stands in its lane (destination key `order_by`). Entries of one rule and key keep their
// order; those of one rule and unequal keys may pass each other; entries of unequal rules keep theirs, too:
// after a change of the configuration, keys that were made differently can't be compared.
struct Order {
    std::uint32_t rule = 0;  // stands for the expression that made the key; 0: none, the lane is one queue
    std::uint64_t key = 0;   // a hash: the value may be an identifier
    bool urgent = false;     // may pass entries of other keys (destination key `priority`)
    friend bool operator==(Order const&, Order const&) = default;
};

struct DeliveryEntry {
    NameId destination = 0;
    NameId route = 0;
    std::uint32_t body = 0;  // 0: as received; n: bodies[n - 1]
    Order order{};
};

// One message, what every route made of it, and what it owes: one record, one sync (DESIGN §2).
// Views are borrowed: by append() for the call, by a StoredMessage from its own buffer.
struct MessageRecord {
    Sequence sequence = 0;  // given by append()
    std::int64_t received_us = 0;
    NameId listener = 0;
    MessageState state = MessageState::accepted;
    Sequence origin = 0;      // a reprocessed message names the one it came from
    std::string_view source;  // "10.0.0.7:51234", "file:adt.hl7#3"
    std::string_view config_hash;
    std::string_view received;     // raw bytes, as they came
    std::string_view answer_code;  // "AA", "AR" ...: what the sender is told
    std::string_view answer;       // the whole NAK of a rejected message; one that a copy is to be told, too
    std::vector<VerdictEntry> verdicts;
    std::vector<std::string_view> bodies;
    std::vector<DeliveryEntry> deliveries;
};

// A person's (or a policy's) order to deliver again what an earlier record holds. It is a new entry at the
// journal's end: order per lane is journal order.
struct ResendRecord {
    Sequence sequence = 0;      // of the message
    Position position;          // of its record
    std::uint32_t ordinal = 0;  // which of its deliveries
    NameId destination = 0;     // usually that delivery's own
    std::int64_t time_us = 0;
    std::string_view by;  // who asked
    Order order{};        // in the destination's lane
};

enum class DeliveryOutcome : std::uint8_t {
    delivered = 1,
    held = 2,       // taken out of the lane for a person
    skipped = 3,    // a person passed over it
    cancelled = 4,  // never to be sent
    failed = 5,     // an attempt that will be repeated: not settled
    released =
        6,  // a held message or delivery was dealt with another way (resent, reprocessed): no longer held
    in_flight = 7,  // bytes may leave from here on: not settled
    ambiguous = 8,  // an attempt was cut off while in flight, and will be repeated: not settled
    answered = 9,   // what the sender was told after its message was stored: no delivery
};
// Whether the entry is still owed after this.
constexpr bool settles(DeliveryOutcome outcome) {
    return outcome <= DeliveryOutcome::cancelled;
}

// What became of a delivery, or of one attempt.
struct ResultRecord {
    Sequence sequence = 0;
    LaneKey key;            // the lane entry (of a resend: of the resend record)
    LaneKey settled_up_to;  // every entry of this lane before this one is settled: the lane's cursor after
                            // this result
    NameId destination = 0;
    DeliveryOutcome outcome = DeliveryOutcome::delivered;
    std::uint32_t attempt = 1;
    bool possible_duplicate = false;
    std::int64_t time_us = 0;
    std::uint32_t duration_us = 0;
    std::string_view code;    // "AA", "AE", "timeout", "connect" ...
    std::string_view text;    // a reason for people; may hold patient data, stays in the store
    std::string_view answer;  // the receiver's bytes, at most 4 KiB of them
};

// A message made of another one that waited in a lane, with the result that settles its entry there: one
// commit, so that a crash leaves both or asks for the entry again. `message.origin` is the one that waited.
struct Continuation {
    MessageRecord message;
    ResultRecord settles;
};

// An order to deliver again, with the result that settles what it takes the place of (a held delivery, an
// entry of another lane): one commit, so that a crash leaves both or neither. Torn between the two it leaves
// both to be sent.
struct Transfer {
    ResendRecord order;
    ResultRecord settles;
};

}  // namespace hilum::store
