// The index's tables, and the numbers that stand for states in them.
#pragma once

#include <cstdint>
#include <string_view>

namespace hilum::store {

// Raised when the tables change: an index of another version is rebuilt.
constexpr std::int64_t index_version = 2;

constexpr char const* index_schema = R"sql(
CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE messages(
  sequence INTEGER PRIMARY KEY, received_us INTEGER, listener INTEGER, source TEXT, type TEXT, control_id TEXT, sender TEXT,
  patient_id TEXT, visit TEXT, state INTEGER, answer_code TEXT, bytes INTEGER, position INTEGER);
CREATE TABLE deliveries(
  sequence INTEGER, ordinal INTEGER, destination INTEGER, route INTEGER, state INTEGER, attempts INTEGER, time_us INTEGER, code TEXT,
  text TEXT, PRIMARY KEY(sequence, ordinal, destination)) WITHOUT ROWID;
CREATE TABLE attempts(sequence INTEGER, position INTEGER, PRIMARY KEY(sequence, position)) WITHOUT ROWID;
CREATE TABLE resends(position INTEGER PRIMARY KEY, sequence INTEGER, ordinal INTEGER);
CREATE INDEX messages_control_id ON messages(control_id) WHERE control_id <> '';
CREATE INDEX messages_patient_id ON messages(patient_id) WHERE patient_id <> '';
CREATE INDEX messages_visit ON messages(visit) WHERE visit <> '';
CREATE INDEX messages_unusual ON messages(state, sequence) WHERE state BETWEEN 2 AND 4;
CREATE INDEX deliveries_open ON deliveries(state, destination, sequence) WHERE state <> 2;
)sql";

// 1 to 4 are MessageState.
constexpr std::int64_t message_done = 5;
constexpr std::string_view message_states[] = {"", "accepted", "filtered", "rejected", "held", "done"};

enum class Row : std::int64_t {
    queued = 0,
    retrying = 1,
    delivered = 2,
    held = 3,
    skipped = 4,
    cancelled = 5,
    in_flight = 6,
    ambiguous = 7
};
constexpr std::string_view delivery_states[] = {"queued",  "retrying",  "delivered", "held",
                                                "skipped", "cancelled", "in_flight", "ambiguous"};

}  // namespace hilum::store
