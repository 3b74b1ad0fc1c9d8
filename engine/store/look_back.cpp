#include "engine/store/look_back.h"

#include <algorithm>

namespace hilum::store {

namespace {

constexpr std::size_t chunk = 1u << 20;

// The beginning of a message's front: docs/journal.md, "Records".
MessageHead head_of(std::string_view front, Sequence sequence) {
    Reader in(front);
    MessageHead head;
    head.sequence = sequence;
    head.received_us = in.zigzag();
    head.state = static_cast<MessageState>(in.byte());
    head.listener = in.varint32();
    head.origin = in.varint();
    return head;
}

}  // namespace

Result<void> look_back(Catalogue& catalogue, Checksum const& checksum, Position limit, LookBack& look) {
    auto const segments = catalogue.all();
    for (auto segment = segments.rbegin(); segment != segments.rend(); ++segment) {
        if (!look.segment(segment->created_us)) return {};
        JournalCursor cursor(catalogue, checksum, Position::at(segment->number, 0),
                             std::min(limit, Position::at(segment->number + 1, 0)), nullptr, chunk);
        JournalCursor::Record record;
        std::string front;
        while (true) {
            auto const more = cursor.next(record);
            if (!more) return more.error();
            if (!*more) break;
            if (!record.is(Kind::message) || !look.wanted(head_of(record.front, record.header.sequence)))
                continue;
            front = record.front;
            auto const body = cursor.body(record.header.body_length);
            MessageRecord message;
            bool const whole =
                body.size() == record.header.body_length && checksum(body) == record.header.body_crc;
            if (whole && decode_message(record.header, front, body, message)) {
                look.found(record.position, message);
            }
        }
    }
    return {};
}

}  // namespace hilum::store
