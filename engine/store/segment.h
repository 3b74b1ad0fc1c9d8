// One journal file: its header, and a reader that walks its records (docs/journal.md).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "engine/store/codec.h"
#include "engine/store/file_system.h"

namespace hilum::store {

constexpr std::uint16_t format_version = 2;  // 1 is read, too
constexpr std::size_t segment_header_size = 64;
constexpr std::uint32_t first_record_offset = 2 * segment_header_size;  // the header is there twice

struct SegmentHeader {
    std::uint16_t version = format_version;
    std::uint32_t number = 0;
    std::uint64_t store_id = 0;
    Sequence first = 0;  // the next message's number when the segment was made
    std::int64_t created_us = 0;
};

std::string encode_segment_header(SegmentHeader const& header);  // both copies
std::optional<SegmentHeader> decode_segment_header(std::string_view one_copy);
// From either copy; nothing when both are bad.
Result<std::optional<SegmentHeader>> read_segment_header(File& file);

std::string segment_name(std::uint32_t number);                          // "00000001.log"
std::optional<std::uint32_t> segment_number(std::string_view name);      // nothing for other names
std::string segment_path(std::string const& dir, std::uint32_t number);  // in the store's folder
std::string journal_dir(std::string const& dir);
std::string place(Position position);  // "journal/00000001.log:128", for errors

// Where the records of a preallocated file end, not counting a few zeros: docs/journal.md, "Records".
Result<std::uint64_t> end_of_records(File& file, std::uint64_t file_size);

// Walks the records of one file below `end`. Not thread-safe. Keeps at most `chunk` bytes, or one front if
// that is larger.
class SegmentReader {
  public:
    SegmentReader(std::shared_ptr<File> file, Checksum const& checksum, std::uint64_t start,
                  std::uint64_t end, std::size_t chunk = 256u << 10);

    enum class Step {
        record,  // `record` is the next one; the reader stands behind it
        end,     // nothing up to `end`, or not even a header's worth of bytes, all zero
        zeros,   // a header's worth of zero bytes: the end of an active segment
        damage,  // no record here: call resync()
        failed,  // the file can't be read: error()
    };
    struct Record {
        std::uint64_t offset = 0;
        RecordHeader header;
        std::string_view front;  // valid until the next call
        bool front_good = false;
        std::uint64_t end() const { return offset + header.size(); }
    };
    Step next(Record& record);
    // Goes to the next offset after the current one where a record header is; false when there is none.
    bool resync();
    // Whether the body's checksum holds. Reads it in pieces; `record.front` is invalid afterwards.
    bool body_good(Record const& record);
    // At most `max` bytes of the body, unchecked; valid until the next call. `record.front` is invalid
    // afterwards.
    std::string_view body(Record const& record, std::size_t max);

    std::uint64_t offset() const { return offset_; }
    void seek(std::uint64_t offset) { offset_ = offset; }
    std::uint64_t bytes_read() const { return bytes_read_; }
    std::optional<Error> const& error() const { return error_; }
    // The first byte from `offset` on that is not zero; `end` when all are.
    std::uint64_t first_nonzero(std::uint64_t offset);

  private:
    std::string_view bytes(std::uint64_t offset,
                           std::uint64_t n);  // shorter at the end of the file or on an error

    std::shared_ptr<File> file_;
    Checksum checksum_;
    std::uint64_t offset_;
    std::uint64_t end_;
    std::size_t chunk_;
    std::string window_;
    std::uint64_t window_start_ = 0;
    std::size_t window_length_ = 0;
    std::uint64_t bytes_read_ = 0;
    std::optional<Error> error_;
};

}  // namespace hilum::store
