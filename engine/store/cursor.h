// Walks the journal from a position over all its segments, steps over damage and names it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "engine/store/catalogue.h"
#include "engine/store/segment.h"

namespace hilum::store {

struct Damage {
    Position from;
    std::uint32_t until = 0;                       // offset in the same segment
    Sequence first_missing = 0, last_missing = 0;  // 0: no message is missing
    std::string text()
        const;  // "journal/00000001.log:4096: 120 bytes can't be read; messages 17-18 are missing"
};
using DamageSink = std::function<void(Damage const&)>;

class JournalCursor {
  public:
    struct Record {
        Position position;
        RecordHeader header;
        std::string_view front;  // valid until the next call
        bool is(Kind k) const { return header.is(k); }
    };

    // From `from` (or the first record after it that is still there) up to `limit`. Both may lie in any
    // segment.
    JournalCursor(Catalogue& catalogue, Checksum const& checksum, Position from, Position limit,
                  DamageSink damage, std::size_t chunk = 256u << 10);

    // False at the limit. Records whose front is damaged are reported and left out.
    Result<bool> next(Record& record);
    // Of the record that next() gave last. `record.front` is invalid afterwards.
    std::string_view body(std::size_t max) { return reader_->body(current_, max); }
    bool body_good() { return reader_->body_good(current_); }

    Position reached() const;  // where next() will go on
    std::uint64_t bytes_read() const { return bytes_before_ + (reader_ ? reader_->bytes_read() : 0); }

  private:
    Result<bool> open_segment();  // the one at or after position_; false when it is past the limit
    void leave_segment();
    void note(std::uint64_t from, std::uint64_t until);
    void saw(Sequence next);  // the next message's number, or one more than the last one's
    void report();
    Sequence last_before(std::uint64_t offset);

    Catalogue& catalogue_;
    Checksum checksum_;
    Position position_;
    Position limit_;
    DamageSink damage_;
    std::size_t chunk_;
    std::optional<SegmentReader> reader_;
    SegmentReader::Record current_;
    std::shared_ptr<File> file_;
    Segment segment_;
    std::uint64_t end_ = 0;
    std::uint64_t bytes_before_ = 0;
    std::optional<Sequence> last_seen_;  // the last message's number before here, when it is known
    std::optional<Damage> open_damage_;  // reported when the next message tells what is missing
};

}  // namespace hilum::store
