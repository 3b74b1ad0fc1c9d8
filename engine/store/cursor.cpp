#include "engine/store/cursor.h"

#include <algorithm>

namespace hilum::store {
namespace {
bool is_mark(RecordHeader const& h) {
    return h.is(Kind::sync_mark) || h.is(Kind::clean_end);
}
}  // namespace

std::string Damage::text() const {
    std::string s = place(from) + ": " + std::to_string(until - from.offset()) + " bytes can't be read; ";
    if (first_missing == 0) return s + "no message is missing";
    if (first_missing == last_missing) return s + "message " + std::to_string(first_missing) + " is missing";
    return s + "messages " + std::to_string(first_missing) + "-" + std::to_string(last_missing) +
           " are missing";
}

JournalCursor::JournalCursor(Catalogue& catalogue, Checksum const& checksum, Position from, Position limit,
                             DamageSink damage, std::size_t chunk)
    : catalogue_(catalogue),
      checksum_(checksum),
      position_(from),
      limit_(limit),
      damage_(std::move(damage)),
      chunk_(chunk) {}

Result<bool> JournalCursor::open_segment() {
    for (;;) {
        auto const segment = catalogue_.at_or_after(position_.segment());
        if (!segment || segment->number > limit_.segment()) return false;
        std::uint32_t const offset = segment->number == position_.segment()
                                         ? std::max(position_.offset(), first_record_offset)
                                         : first_record_offset;
        bool const last = segment->number == limit_.segment();
        std::uint64_t const end = last ? limit_.offset() : segment->end;
        if (offset >= end) {
            if (last) return false;
            position_ = Position::at(segment->number + 1, 0);
            continue;
        }
        auto file = catalogue_.file(segment->number);
        if (!file) {
            // Retention may have dropped it since we looked.
            if (file.error().code == "no_such_record") continue;
            return file.error();
        }
        segment_ = *segment;
        end_ = end;
        file_ = *file;
        position_ = Position::at(segment->number, offset);
        if (offset == first_record_offset && segment->first > 0) last_seen_ = segment->first - 1;
        reader_.emplace(file_, checksum_, offset, end, chunk_);
        return true;
    }
}

void JournalCursor::leave_segment() {
    if (open_damage_) {
        auto const following = catalogue_.at_or_after(segment_.number + 1);
        if (following && following->first > 0) saw(following->first);
        report();
    }
    bytes_before_ += reader_->bytes_read();
    reader_.reset();
    position_ = segment_.number == limit_.segment() ? limit_ : Position::at(segment_.number + 1, 0);
}

Position JournalCursor::reached() const {
    if (reader_) return Position::at(segment_.number, static_cast<std::uint32_t>(reader_->offset()));
    return std::min(position_, limit_);
}

Sequence JournalCursor::last_before(std::uint64_t offset) {
    Sequence last = segment_.first > 0 ? segment_.first - 1 : 0;
    SegmentReader walk(file_, checksum_, first_record_offset, offset, chunk_);
    SegmentReader::Record r;
    for (;;) {
        auto const step = walk.next(r);
        if (step == SegmentReader::Step::record) {
            if (r.header.is(Kind::message) || is_mark(r.header)) last = std::max(last, r.header.sequence);
        } else if (step == SegmentReader::Step::failed || step == SegmentReader::Step::end ||
                   !walk.resync()) {
            return last;
        }
    }
}

void JournalCursor::note(std::uint64_t from, std::uint64_t until) {
    if (!damage_) return;
    if (!last_seen_) last_seen_ = last_before(from);
    report();
    Damage d;
    d.from = Position::at(segment_.number, static_cast<std::uint32_t>(from));
    d.until = static_cast<std::uint32_t>(until);
    open_damage_ = d;
}

void JournalCursor::saw(Sequence next) {
    if (open_damage_ && last_seen_ && next > *last_seen_ + 1) {
        open_damage_->first_missing = *last_seen_ + 1;
        open_damage_->last_missing = next - 1;
    }
    report();
    last_seen_ = std::max(last_seen_.value_or(0), next - 1);
}

void JournalCursor::report() {
    if (open_damage_ && damage_) damage_(*open_damage_);
    open_damage_.reset();
}

Result<bool> JournalCursor::next(Record& record) {
    for (;;) {
        if (!reader_) {
            auto const opened = open_segment();
            if (!opened) return opened.error();
            if (!*opened) return false;
        }
        std::uint64_t const before = reader_->offset();
        switch (reader_->next(current_)) {
            case SegmentReader::Step::failed:
                return *reader_->error();
            case SegmentReader::Step::end:
                leave_segment();
                continue;
            case SegmentReader::Step::zeros:
            case SegmentReader::Step::damage:
                reader_->resync();
                note(before, reader_->offset());
                if (reader_->error()) return *reader_->error();
                if (reader_->offset() >= end_) leave_segment();
                continue;
            case SegmentReader::Step::record:
                break;
        }
        bool const message = current_.header.is(Kind::message);
        if (!current_.front_good) {
            note(before, reader_->offset());
            if (message && open_damage_) {
                open_damage_->first_missing = open_damage_->last_missing = current_.header.sequence;
                last_seen_ = current_.header.sequence;
                report();
            }
            continue;
        }
        if (message) {
            saw(current_.header.sequence);
            last_seen_ = current_.header.sequence;
        } else if (is_mark(current_.header)) {
            saw(current_.header.sequence + 1);
        } else if (current_.header.is(Kind::checkpoint)) {
            saw(current_.header.sequence);
        }
        record.position = Position::at(segment_.number, static_cast<std::uint32_t>(current_.offset));
        record.header = current_.header;
        record.front = current_.front;
        return true;
    }
}

}  // namespace hilum::store
