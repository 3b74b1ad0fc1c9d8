// Journal records as bytes: docs/journal.md. Pure; nothing here touches a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/store/crc32c.h"
#include "engine/store/record.h"

namespace hilum::store {

enum class Kind : std::uint8_t {
    message = 1,
    resend = 2,
    result = 3,
    name = 4,
    checkpoint = 5,
    sync_mark = 6,
    clean_end = 7
};

constexpr std::size_t record_header_size = 32;
constexpr std::size_t mark_size = record_header_size + 8;
constexpr std::uint64_t max_record = 1u << 30;
constexpr NameId max_name = 1u << 20;     // ids are given one after the other; no store has so many
constexpr std::size_t max_answer = 4096;  // of a result; also of its text

// Record checksums begin with the store's id, so that bytes inside a message can't pass for a record.
class Checksum {
  public:
    explicit Checksum(std::uint64_t store_id);
    std::uint32_t operator()(std::string_view bytes) const { return crc32c(seed_, bytes); }
    std::uint32_t seed() const { return seed_; }

  private:
    std::uint32_t seed_;
};

// How a front is laid out: 0 as format 1 wrote it; 1 with the order of lane entries.
constexpr std::uint8_t layout_now = 1;

struct RecordHeader {
    std::uint32_t front_crc = 0;
    std::uint32_t body_crc = 0;
    std::uint8_t kind = 0;
    std::uint8_t layout = 0;
    std::uint32_t front_length = 0;
    std::uint32_t body_length = 0;
    Sequence sequence = 0;
    std::uint64_t size() const { return record_header_size + std::uint64_t{front_length} + body_length; }
    bool is(Kind k) const { return kind == static_cast<std::uint8_t>(k); }
};

// Nothing when `bytes` (32 of them) are no header of this store.
std::optional<RecordHeader> decode_header(std::string_view bytes, Checksum const& checksum);

// The body's checksum, computed before any lock is taken: `append_message` puts it into the header.
std::uint32_t message_body_crc(MessageRecord const& record, Checksum const& checksum);
std::uint64_t message_size_bound(MessageRecord const& record);  // never less than what append_message appends

std::uint64_t result_size_bound(ResultRecord const& record);

// These append one whole record to `out`.
void append_message(std::string& out, MessageRecord const& record, Sequence sequence, std::uint32_t body_crc,
                    Checksum const& checksum);
void append_resend(std::string& out, ResendRecord const& record, Checksum const& checksum);
void append_result(std::string& out, ResultRecord const& record, Checksum const& checksum);
void append_name(std::string& out, NameId id, std::string_view name, Checksum const& checksum);
void append_mark(std::string& out, Kind kind, Sequence last, Position durable, Checksum const& checksum);
void append_record(std::string& out, Kind kind, Sequence sequence, std::string_view front,
                   std::string_view body, Checksum const& checksum);

// Decoders of a front whose checksum was good; false when it does not make sense all the same. Views point
// into the arguments.
bool decode_message_front(RecordHeader const& header, std::string_view front, MessageRecord& out,
                          std::vector<std::uint64_t>& body_lengths, std::uint64_t& received_length,
                          std::uint64_t& answer_length);
bool decode_message(RecordHeader const& header, std::string_view front, std::string_view body,
                    MessageRecord& out);
bool decode_resend(RecordHeader const& header, std::string_view front, ResendRecord& out);
bool decode_result(RecordHeader const& header, std::string_view front, std::string_view body,
                   ResultRecord& out);
bool decode_name(std::string_view front, NameId& id, std::string_view& name);
bool decode_mark(std::string_view front, Position& durable);

// Only what a lane needs of a message's front, without allocation: calls f(ordinal, DeliveryEntry) for each
// delivery.
struct MessageBrief {
    std::int64_t received_us = 0;
    MessageState state = MessageState::accepted;
};
template <class F>
bool for_each_delivery(RecordHeader const& header, std::string_view front, MessageBrief& brief, F&& f);

// Varints and texts.
class Writer {
  public:
    explicit Writer(std::string& out) : out_(out) {}
    void byte(std::uint8_t v) { out_.push_back(static_cast<char>(v)); }
    void u32(std::uint32_t v);
    void u64(std::uint64_t v);
    void varint(std::uint64_t v);
    void zigzag(std::int64_t v) {
        varint((static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63));
    }
    void text(std::string_view v) {
        varint(v.size());
        out_.append(v);
    }
    void position(Position p) {
        varint(p.segment());
        varint(p.offset());
    }
    void key(LaneKey const& k) {
        position(k.position);
        varint(k.ordinal);
    }
    void order(Order const& o) {
        varint(o.rule);
        if (o.rule == 0) return;
        u64(o.key);
        byte(o.urgent ? 1 : 0);
    }

  private:
    std::string& out_;
};

// Every getter leaves 0 (or "") and sets failed() when the bytes don't hold one.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    bool failed() const { return failed_; }
    std::size_t left() const { return rest_.size(); }
    std::uint8_t byte();
    std::uint32_t u32();
    std::uint64_t u64();
    std::uint64_t varint();
    std::uint32_t varint32();
    std::int64_t zigzag() {
        std::uint64_t const v = varint();
        return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
    }
    std::string_view text();
    Position position() {
        std::uint32_t const segment = varint32();
        return Position::at(segment, varint32());
    }
    LaneKey key() {
        Position const p = position();
        return {p, varint32()};
    }
    Order order(std::uint8_t layout) {
        Order o;
        if (layout == 0) return o;
        o.rule = varint32();
        if (o.rule == 0) return o;
        o.key = u64();
        o.urgent = byte() != 0;
        return o;
    }
    // A count of items of at least `least` bytes each: fails when so many can't be there.
    std::uint64_t count(std::size_t least);

  private:
    std::string_view rest_;
    bool failed_ = false;
    void fail() {
        failed_ = true;
        rest_ = {};
    }
};

template <class F>
bool for_each_delivery(RecordHeader const& header, std::string_view front, MessageBrief& brief, F&& f) {
    Reader in(front);
    brief.received_us = in.zigzag();
    brief.state = static_cast<MessageState>(in.byte());
    in.varint();
    in.varint();
    std::uint64_t const n = in.count(3);
    for (std::uint64_t i = 0; i < n; ++i) {
        DeliveryEntry d;
        d.destination = in.varint32();
        d.route = in.varint32();
        d.body = in.varint32();
        d.order = in.order(header.layout);
        if (in.failed()) return false;
        f(static_cast<std::uint32_t>(i), d);
    }
    return !in.failed();
}

}  // namespace hilum::store
