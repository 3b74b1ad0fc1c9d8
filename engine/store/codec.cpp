#include "engine/store/codec.h"

#include <algorithm>
#include <cstring>

namespace hilum::store {
namespace {

constexpr char magic[2] = {static_cast<char>(0xA7), 0x48};

void put32(char* to, std::uint32_t v) {
    for (int i = 0; i < 4; ++i) to[i] = static_cast<char>(v >> (8 * i));
}
void put64(char* to, std::uint64_t v) {
    for (int i = 0; i < 8; ++i) to[i] = static_cast<char>(v >> (8 * i));
}
std::uint32_t get32(char const* from) {
    std::uint32_t v = 0;
    for (int i = 0; i < 4; ++i) v |= std::uint32_t{static_cast<unsigned char>(from[i])} << (8 * i);
    return v;
}
std::uint64_t get64(char const* from) {
    return get32(from) | std::uint64_t{get32(from + 4)} << 32;
}

bool same_as_received(MessageRecord const& r, std::string_view body) {
    return body == r.received;
}

// Fills in the header that was left free at `start`; the front is all between it and the end of `out` when
// called.
void finish_header(std::string& out, std::size_t start, Kind kind, Sequence sequence, std::uint32_t body_crc,
                   std::size_t body_length, Checksum const& checksum) {
    char* h = out.data() + start;
    std::string_view const front = std::string_view(out).substr(start + record_header_size);
    put32(h + 4, checksum(front));
    put32(h + 8, body_crc);
    h[12] = magic[0];
    h[13] = magic[1];
    h[14] = static_cast<char>(kind);
    h[15] = static_cast<char>(layout_now);
    put32(h + 16, static_cast<std::uint32_t>(front.size()));
    put32(h + 20, static_cast<std::uint32_t>(body_length));
    put64(h + 24, sequence);
    put32(h, checksum({h + 4, record_header_size - 4}));
}

}  // namespace

Checksum::Checksum(std::uint64_t store_id) : seed_(0) {
    char id[8];
    put64(id, store_id);
    seed_ = crc32c(0, {id, 8});
}

void Writer::u32(std::uint32_t v) {
    char b[4];
    put32(b, v);
    out_.append(b, 4);
}

void Writer::u64(std::uint64_t v) {
    char b[8];
    put64(b, v);
    out_.append(b, 8);
}

void Writer::varint(std::uint64_t v) {
    char b[10];
    std::size_t n = 0;
    while (v >= 0x80) {
        b[n++] = static_cast<char>(v | 0x80);
        v >>= 7;
    }
    b[n++] = static_cast<char>(v);
    out_.append(b, n);
}

std::uint8_t Reader::byte() {
    if (rest_.empty()) {
        fail();
        return 0;
    }
    auto const v = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return v;
}

std::uint32_t Reader::u32() {
    if (rest_.size() < 4) {
        fail();
        return 0;
    }
    std::uint32_t const v = get32(rest_.data());
    rest_.remove_prefix(4);
    return v;
}

std::uint64_t Reader::u64() {
    std::uint64_t const lo = u32();
    return lo | std::uint64_t{u32()} << 32;
}

std::uint64_t Reader::varint() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (rest_.empty()) break;
        auto const b = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        if (shift == 63 && b > 1) break;  // would not fit 64 bits
        v |= std::uint64_t{b & 0x7fu} << shift;
        if ((b & 0x80) == 0) return v;
    }
    fail();
    return 0;
}

std::uint32_t Reader::varint32() {
    std::uint64_t const v = varint();
    if (v > 0xffffffffu) {
        fail();
        return 0;
    }
    return static_cast<std::uint32_t>(v);
}

std::string_view Reader::text() {
    std::uint64_t const n = varint();
    if (n > rest_.size()) {
        fail();
        return {};
    }
    std::string_view const v = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return v;
}

std::uint64_t Reader::count(std::size_t least) {
    std::uint64_t const n = varint();
    if (n > rest_.size() / least) {
        fail();
        return 0;
    }
    return n;
}

std::optional<RecordHeader> decode_header(std::string_view bytes, Checksum const& checksum) {
    if (bytes.size() < record_header_size) return std::nullopt;
    char const* h = bytes.data();
    if (h[12] != magic[0] || h[13] != magic[1]) return std::nullopt;
    if (get32(h) != checksum({h + 4, record_header_size - 4})) return std::nullopt;
    RecordHeader r;
    r.front_crc = get32(h + 4);
    r.body_crc = get32(h + 8);
    r.kind = static_cast<std::uint8_t>(h[14]);
    r.layout = static_cast<std::uint8_t>(h[15]);
    r.front_length = get32(h + 16);
    r.body_length = get32(h + 20);
    r.sequence = get64(h + 24);
    return r;
}

std::uint32_t message_body_crc(MessageRecord const& r, Checksum const& checksum) {
    std::uint32_t c = checksum(r.received);
    c = crc32c(c, r.answer);
    for (auto const body : r.bodies) {
        if (!same_as_received(r, body)) c = crc32c(c, body);
    }
    return c;
}

std::uint64_t message_size_bound(MessageRecord const& r) {
    // A varint is at most 10 bytes; the fixed fields have fewer than 20 of them.
    std::uint64_t n = record_header_size + 200 + r.source.size() + r.config_hash.size() +
                      r.answer_code.size() + r.received.size() + r.answer.size() + 30 * r.deliveries.size();
    for (auto const& v : r.verdicts) n += 16 + v.reason.size();
    for (auto const body : r.bodies) n += 10 + body.size();
    return n;
}

std::uint64_t result_size_bound(ResultRecord const& r) {
    return record_header_size + 200 + std::min(r.code.size(), max_answer) +
           std::min(r.text.size(), max_answer) + std::min(r.answer.size(), max_answer);
}

void append_message(std::string& out, MessageRecord const& r, Sequence sequence, std::uint32_t body_crc,
                    Checksum const& checksum) {
    std::size_t const start = out.size();
    out.append(record_header_size, '\0');
    Writer w(out);
    w.zigzag(r.received_us);
    w.byte(static_cast<std::uint8_t>(r.state));
    w.varint(r.listener);
    w.varint(r.origin);
    w.varint(r.deliveries.size());
    for (auto const& d : r.deliveries) {
        w.varint(d.destination);
        w.varint(d.route);
        w.varint(d.body);
        w.order(d.order);
    }
    w.varint(r.verdicts.size());
    for (auto const& v : r.verdicts) {
        w.varint(v.route);
        w.byte(v.outcome);
        w.text(v.reason);
    }
    w.text(r.source);
    w.text(r.config_hash);
    w.text(r.answer_code);
    w.varint(r.received.size());
    w.varint(r.answer.size());
    w.varint(r.bodies.size());
    std::size_t body_length = r.received.size() + r.answer.size();
    for (auto const body : r.bodies) {
        bool const same = same_as_received(r, body);
        w.varint(same ? 0 : body.size() + 1);
        if (!same) body_length += body.size();
    }
    finish_header(out, start, Kind::message, sequence, body_crc, body_length, checksum);
    out.append(r.received);
    out.append(r.answer);
    for (auto const body : r.bodies) {
        if (!same_as_received(r, body)) out.append(body);
    }
}

void append_record(std::string& out, Kind kind, Sequence sequence, std::string_view front,
                   std::string_view body, Checksum const& checksum) {
    std::size_t const start = out.size();
    out.append(record_header_size, '\0');
    out.append(front);
    finish_header(out, start, kind, sequence, checksum(body), body.size(), checksum);
    out.append(body);
}

void append_resend(std::string& out, ResendRecord const& r, Checksum const& checksum) {
    std::size_t const start = out.size();
    out.append(record_header_size, '\0');
    Writer w(out);
    w.position(r.position);
    w.varint(r.ordinal);
    w.varint(r.destination);
    w.zigzag(r.time_us);
    w.text(r.by);
    w.order(r.order);
    finish_header(out, start, Kind::resend, r.sequence, checksum({}), 0, checksum);
}

void append_result(std::string& out, ResultRecord const& r, Checksum const& checksum) {
    std::string_view const answer = r.answer.substr(0, max_answer);
    std::size_t const start = out.size();
    out.append(record_header_size, '\0');
    Writer w(out);
    w.varint(r.destination);
    w.key(r.key);
    w.key(r.settled_up_to);
    w.byte(static_cast<std::uint8_t>(r.outcome));
    w.varint(r.attempt);
    w.byte(r.possible_duplicate ? 1 : 0);
    w.zigzag(r.time_us);
    w.varint(r.duration_us);
    w.text(r.code.substr(0, max_answer));
    w.text(r.text.substr(0, max_answer));
    finish_header(out, start, Kind::result, r.sequence, checksum(answer), answer.size(), checksum);
    out.append(answer);
}

void append_name(std::string& out, NameId id, std::string_view name, Checksum const& checksum) {
    std::size_t const start = out.size();
    out.append(record_header_size, '\0');
    Writer w(out);
    w.varint(id);
    w.text(name);
    finish_header(out, start, Kind::name, 0, checksum({}), 0, checksum);
}

void append_mark(std::string& out, Kind kind, Sequence last, Position durable, Checksum const& checksum) {
    std::size_t const start = out.size();
    out.append(record_header_size, '\0');
    Writer w(out);
    w.u64(durable.value);
    finish_header(out, start, kind, last, checksum({}), 0, checksum);
}

bool decode_message_front(RecordHeader const& header, std::string_view front, MessageRecord& out,
                          std::vector<std::uint64_t>& body_lengths, std::uint64_t& received_length,
                          std::uint64_t& answer_length) {
    Reader in(front);
    out.received_us = in.zigzag();
    out.state = static_cast<MessageState>(in.byte());
    out.listener = in.varint32();
    out.origin = in.varint();
    out.deliveries.resize(in.count(3));
    for (auto& d : out.deliveries) {
        d.destination = in.varint32();
        d.route = in.varint32();
        d.body = in.varint32();
        d.order = in.order(header.layout);
    }
    out.verdicts.resize(in.count(3));
    for (auto& v : out.verdicts) {
        v.route = in.varint32();
        v.outcome = in.byte();
        v.reason = in.text();
    }
    out.source = in.text();
    out.config_hash = in.text();
    out.answer_code = in.text();
    received_length = in.varint();
    answer_length = in.varint();
    body_lengths.resize(in.count(1));
    for (auto& n : body_lengths) n = in.varint();
    if (in.failed() || out.state < MessageState::accepted || out.state > MessageState::held) return false;
    return std::all_of(out.deliveries.begin(), out.deliveries.end(),
                       [&](DeliveryEntry const& d) { return d.body <= body_lengths.size(); });
}

bool decode_message(RecordHeader const& header, std::string_view front, std::string_view body,
                    MessageRecord& out) {
    std::vector<std::uint64_t> lengths;
    std::uint64_t received = 0;
    std::uint64_t answer = 0;
    if (!decode_message_front(header, front, out, lengths, received, answer)) return false;
    auto const take = [&body](std::uint64_t n, std::string_view& into) {
        if (n > body.size()) return false;
        into = body.substr(0, n);
        body.remove_prefix(n);
        return true;
    };
    out.sequence = header.sequence;
    if (!take(received, out.received) || !take(answer, out.answer)) return false;
    out.bodies.resize(lengths.size());
    for (std::size_t i = 0; i < lengths.size(); ++i) {
        if (lengths[i] == 0) {
            out.bodies[i] = out.received;
        } else if (!take(lengths[i] - 1, out.bodies[i])) {
            return false;
        }
    }
    return body.empty();
}

bool decode_resend(RecordHeader const& header, std::string_view front, ResendRecord& out) {
    Reader in(front);
    out.sequence = header.sequence;
    out.position = in.position();
    out.ordinal = in.varint32();
    out.destination = in.varint32();
    out.time_us = in.zigzag();
    out.by = in.text();
    out.order = in.order(header.layout);
    return !in.failed();
}

bool decode_result(RecordHeader const& header, std::string_view front, std::string_view body,
                   ResultRecord& out) {
    Reader in(front);
    out.sequence = header.sequence;
    out.destination = in.varint32();
    out.key = in.key();
    out.settled_up_to = in.key();
    out.outcome = static_cast<DeliveryOutcome>(in.byte());
    out.attempt = in.varint32();
    out.possible_duplicate = in.byte() != 0;
    out.time_us = in.zigzag();
    out.duration_us = in.varint32();
    out.code = in.text();
    out.text = in.text();
    out.answer = body;
    return !in.failed() && out.outcome >= DeliveryOutcome::delivered &&
           out.outcome <= DeliveryOutcome::answered;
}

bool decode_name(std::string_view front, NameId& id, std::string_view& name) {
    Reader in(front);
    id = in.varint32();
    name = in.text();
    return !in.failed() && id != 0 && id <= max_name;
}

bool decode_mark(std::string_view front, Position& durable) {
    Reader in(front);
    durable.value = in.u64();
    return !in.failed();
}

}  // namespace hilum::store
