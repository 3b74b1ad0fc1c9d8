#include "engine/store/segment.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace hilum::store {
namespace {

constexpr std::string_view magic = "HILUMJNL";
constexpr std::string_view record_magic = "\xA7\x48";
constexpr std::size_t record_magic_at = 12;

}  // namespace

std::string encode_segment_header(SegmentHeader const& h) {
    std::string one(magic);
    Writer w(one);
    w.byte(static_cast<std::uint8_t>(h.version & 0xff));
    w.byte(static_cast<std::uint8_t>(h.version >> 8));
    w.byte(0);
    w.byte(0);
    w.u32(h.number);
    w.u64(h.store_id);
    w.u64(h.first);
    w.u64(static_cast<std::uint64_t>(h.created_us));
    one.resize(segment_header_size - 4, '\0');
    w.u32(crc32c(0, one));
    return one + one;
}

std::optional<SegmentHeader> decode_segment_header(std::string_view one) {
    if (one.size() < segment_header_size || one.substr(0, magic.size()) != magic) return std::nullopt;
    Reader crc(one.substr(segment_header_size - 4));
    if (crc.u32() != crc32c(0, one.substr(0, segment_header_size - 4))) return std::nullopt;
    Reader in(one.substr(magic.size()));
    SegmentHeader h;
    std::uint16_t const low = in.byte();
    h.version = static_cast<std::uint16_t>(low | in.byte() << 8);
    in.byte();
    in.byte();
    h.number = in.u32();
    h.store_id = in.u64();
    h.first = in.u64();
    h.created_us = static_cast<std::int64_t>(in.u64());
    return h;
}

Result<std::optional<SegmentHeader>> read_segment_header(File& file) {
    char both[first_record_offset] = {};
    auto const n = file.read_at(0, both);
    if (!n) return n.error();
    std::string_view const bytes(both, *n);
    auto header = decode_segment_header(bytes);
    if (!header && bytes.size() >= segment_header_size)
        header = decode_segment_header(bytes.substr(segment_header_size));
    return header;
}

std::string segment_name(std::uint32_t number) {
    char name[32];
    std::snprintf(name, sizeof name, "%08u.log", number);
    return name;
}

std::optional<std::uint32_t> segment_number(std::string_view name) {
    std::uint32_t n = 0;
    auto const [end, error] = std::from_chars(name.data(), name.data() + name.size(), n);
    if (error != std::errc() || n == 0 || segment_name(n) != name) return std::nullopt;
    return n;
}

std::string journal_dir(std::string const& dir) {
    return dir + "/journal";
}
std::string segment_path(std::string const& dir, std::uint32_t number) {
    return journal_dir(dir) + "/" + segment_name(number);
}
std::string place(Position p) {
    return "journal/" + segment_name(p.segment()) + ":" + std::to_string(p.offset());
}

SegmentReader::SegmentReader(std::shared_ptr<File> file, Checksum const& checksum, std::uint64_t start,
                             std::uint64_t end, std::size_t chunk)
    : file_(std::move(file)), checksum_(checksum), offset_(start), end_(end), chunk_(chunk) {}

std::string_view SegmentReader::bytes(std::uint64_t offset, std::uint64_t n) {
    if (offset >= end_) return {};
    n = std::min(n, end_ - offset);
    bool const there = offset >= window_start_ && offset + n <= window_start_ + window_length_;
    if (!there) {
        std::size_t const want = static_cast<std::size_t>(
            std::min<std::uint64_t>(std::max<std::uint64_t>(n, chunk_), end_ - offset));
        if (window_.size() < want) window_.resize(want);
        window_length_ = 0;
        auto const got = file_->read_at(offset, std::span<char>(window_.data(), want));
        if (!got) {
            error_ = got.error();
            return {};
        }
        window_start_ = offset;
        window_length_ = *got;
        bytes_read_ += *got;
    }
    std::size_t const at = static_cast<std::size_t>(offset - window_start_);
    return std::string_view(window_.data() + at,
                            std::min<std::size_t>(static_cast<std::size_t>(n), window_length_ - at));
}

SegmentReader::Step SegmentReader::next(Record& record) {
    std::string_view const head = bytes(offset_, record_header_size);
    if (error_) return Step::failed;
    bool const zero = std::all_of(head.begin(), head.end(), [](char c) { return c == 0; });
    if (head.size() < record_header_size) return zero ? Step::end : Step::damage;
    if (zero) return Step::zeros;
    auto const header = decode_header(head, checksum_);
    if (!header || header->size() > max_record + (64u << 20) || offset_ + header->size() > end_)
        return Step::damage;
    std::string_view const all = bytes(offset_, record_header_size + header->front_length);
    if (error_) return Step::failed;
    if (all.size() < record_header_size + header->front_length) return Step::damage;
    record.offset = offset_;
    record.header = *header;
    record.front = all.substr(record_header_size);
    record.front_good = checksum_(record.front) == header->front_crc;
    offset_ += header->size();
    return Step::record;
}

bool SegmentReader::resync() {
    std::uint64_t at = offset_ + 1;
    while (at + record_header_size <= end_) {
        std::string_view const window = bytes(at, chunk_);
        if (window.size() < record_header_size) break;
        std::size_t from = record_magic_at;
        std::size_t const stop = window.size() - (record_header_size - record_magic_at);
        for (;;) {
            std::size_t const hit = window.find(record_magic, from);
            if (hit == std::string_view::npos || hit > stop) break;
            std::size_t const start = hit - record_magic_at;
            auto const header = decode_header(window.substr(start), checksum_);
            if (header && at + start + header->size() <= end_) {
                offset_ = at + start;
                return true;
            }
            from = hit + 1;
        }
        at += window.size() - record_header_size + 1;
    }
    offset_ = end_;
    return false;
}

bool SegmentReader::body_good(Record const& record) {
    std::uint64_t at = record.offset + record_header_size + record.header.front_length;
    std::uint64_t left = record.header.body_length;
    std::uint32_t crc = checksum_.seed();
    while (left > 0) {
        std::string_view const piece = bytes(at, std::min<std::uint64_t>(left, chunk_));
        if (piece.empty()) return false;
        crc = crc32c(crc, piece);
        at += piece.size();
        left -= piece.size();
    }
    return crc == record.header.body_crc;
}

std::string_view SegmentReader::body(Record const& record, std::size_t max) {
    return bytes(record.offset + record_header_size + record.header.front_length,
                 std::min<std::uint64_t>(record.header.body_length, max));
}

std::uint64_t SegmentReader::first_nonzero(std::uint64_t offset) {
    while (offset < end_) {
        std::string_view const piece = bytes(offset, chunk_);
        if (piece.empty()) break;
        auto const i = std::find_if(piece.begin(), piece.end(), [](char c) { return c != 0; });
        if (i != piece.end()) return offset + static_cast<std::uint64_t>(i - piece.begin());
        offset += piece.size();
    }
    return end_;
}

Result<std::uint64_t> end_of_records(File& file, std::uint64_t const file_size) {
    constexpr std::size_t chunk = 1u << 20;
    std::string buffer(chunk, '\0');
    std::uint64_t size = file_size;
    while (size > 0) {
        std::uint64_t const from = size > chunk ? size - chunk : 0;
        auto const read = file.read_at(from, std::span(buffer).first(size - from));
        if (!read) return read.error();
        auto const last = std::string_view(buffer.data(), *read).find_last_not_of('\0');
        // A record may end with zeros: fewer than a header has, they end the walk and are no damage.
        if (last != std::string_view::npos) return std::min(file_size, from + last + record_header_size);
        size = from;
    }
    return size;
}

}  // namespace hilum::store
