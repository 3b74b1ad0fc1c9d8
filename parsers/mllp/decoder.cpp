#include "parsers/mllp/decoder.h"

#include <algorithm>
#include <cstring>

namespace hilum::mllp {

namespace {

constexpr std::size_t slack = 64u << 10;        // room beyond max_frame that growth may take
constexpr std::size_t kept_empty = 256u << 10;  // an empty buffer larger than this shrinks by itself

}  // namespace

Decoder::Decoder(Framing framing, Limits limits) : framing_(framing), limits_(limits) {}

std::span<char> Decoder::prepare(std::size_t wanted) {
    std::size_t const held = filled_ - read_;
    if (held == 0) {
        drop(read_);
        if (capacity_ > kept_empty && wanted <= kept_empty) release();
    }
    if (capacity_ - filled_ < wanted) {
        // Moving the rest to the front costs `held`; doing so only when at least as much has been consumed
        // keeps the cost of many pipelined frames linear.
        if (read_ >= held && capacity_ - held >= wanted) {
            drop(read_);
        } else {
            std::size_t const needed = held + wanted;
            std::size_t const roomy = std::min(2 * held, limits_.max_frame + slack);
            reallocate(std::max(needed, roomy));
        }
    }
    return {buffer_.get() + filled_, capacity_ - filled_};
}

void Decoder::commit(std::size_t count) {
    if (refused_) {
        stream_offset_ += count;
        return;
    }
    filled_ += std::min(count, capacity_ - filled_);
}

void Decoder::feed(std::string_view bytes) {
    if (bytes.empty()) return;
    auto const room = prepare(bytes.size());
    std::memcpy(room.data(), bytes.data(), bytes.size());
    commit(bytes.size());
}

Event Decoder::next() {
    if (refused_) return {};
    if (!inside_) {
        if (read_ == filled_) return {};
        if (buffer_[read_] != framing_.start) return skip_garbage();
        ++read_;
        inside_ = true;
        scanned_ = read_;
        lone_end_ = 0;
    }
    return scan_frame();
}

Event Decoder::skip_garbage() {
    char const* const from = buffer_.get() + read_;
    auto const* start = static_cast<char const*>(std::memchr(from, framing_.start, filled_ - read_));
    Event event{.kind = Event::Kind::garbage};
    event.skipped =
        static_cast<std::uint64_t>(start ? start - from : static_cast<std::ptrdiff_t>(filled_ - read_));
    event.first_byte = static_cast<unsigned char>(*from);
    event.offset = stream_offset_ + read_;
    read_ += static_cast<std::size_t>(event.skipped);
    return event;
}

// Looks at every byte once for <EB> and once for <SB>, whatever the sizes of the reads.
Event Decoder::scan_frame() {
    char const* const buffer = buffer_.get();
    while (scanned_ < filled_) {
        auto const* end =
            static_cast<char const*>(std::memchr(buffer + scanned_, framing_.end, filled_ - scanned_));
        std::size_t const stop = end ? static_cast<std::size_t>(end - buffer) : filled_;
        auto const* start =
            static_cast<char const*>(std::memchr(buffer + scanned_, framing_.start, stop - scanned_));
        if (start != nullptr) {
            auto const at = static_cast<std::size_t>(start - buffer);
            if (at - read_ > limits_.max_frame) return refuse();
            bool const ended = lone_end_ != 0 &&
                               std::memchr(buffer + lone_end_, framing_.trailer, at - lone_end_) == nullptr;
            if (ended) return end_frame(lone_end_ - 1, lone_end_, true);
            Event event{.kind = Event::Kind::restart};
            event.skipped = at - read_ + 1;
            event.first_byte = static_cast<unsigned char>(framing_.start);
            event.offset = stream_offset_ + read_ - 1;
            read_ = at + 1;
            scanned_ = read_;
            lone_end_ = 0;
            return event;
        }
        if (stop - read_ > limits_.max_frame) return refuse();
        scanned_ = stop;
        if (end == nullptr || stop + 1 == filled_) return {};
        char const after = buffer[stop + 1];
        if (after == framing_.trailer) return end_frame(stop, stop + 2, false);
        if (static_cast<unsigned char>(after) < 0x20 || after == framing_.start) {
            return end_frame(stop, stop + 1, true);
        }
        lone_end_ = stop + 1;
        scanned_ = stop + 1;
    }
    return {};
}

bool Decoder::awaiting_trailer() const {
    return inside_ && filled_ > read_ && scanned_ + 1 == filled_ && buffer_[scanned_] == framing_.end;
}

Event Decoder::flush() {
    Event const event = next();
    if (event.kind != Event::Kind::need_more || !awaiting_trailer()) return event;
    return end_frame(scanned_, scanned_ + 1, true);
}

Event Decoder::end_frame(std::size_t end, std::size_t resume, bool missing_trailer) {
    Event event{.kind = Event::Kind::frame};
    event.bytes = {buffer_.get() + read_, end - read_};
    event.offset = stream_offset_ + read_ - 1;
    event.first_byte = static_cast<unsigned char>(framing_.start);
    event.missing_trailer = missing_trailer;
    read_ = resume;
    inside_ = false;
    return event;
}

Event Decoder::refuse() {
    Event event{.kind = Event::Kind::too_large};
    event.first_byte = static_cast<unsigned char>(framing_.start);
    event.offset = stream_offset_ + read_ - 1;
    event.skipped = filled_ - read_ + 1;
    refused_ = true;
    inside_ = false;
    read_ = filled_;
    release();
    return event;
}

bool Decoder::inside_frame() const {
    return inside_;
}

std::size_t Decoder::buffered() const {
    return filled_ - read_;
}

std::size_t Decoder::capacity() const {
    return capacity_;
}

void Decoder::release() {
    if (filled_ != read_) return;
    drop(read_);
    buffer_.reset();
    capacity_ = 0;
}

// Forgets the bytes before `until`; the rest moves to the front.
void Decoder::drop(std::size_t until) {
    if (until == 0) return;
    if (filled_ > until) std::memmove(buffer_.get(), buffer_.get() + until, filled_ - until);
    stream_offset_ += until;
    filled_ -= until;
    read_ -= until;
    scanned_ -= std::min(scanned_, until);
    lone_end_ -= std::min(lone_end_, until);
}

void Decoder::reallocate(std::size_t capacity) {
    auto fresh = std::make_unique_for_overwrite<char[]>(capacity);
    if (filled_ > read_) std::memcpy(fresh.get(), buffer_.get() + read_, filled_ - read_);
    std::size_t const consumed = read_;
    buffer_ = std::move(fresh);
    capacity_ = capacity;
    stream_offset_ += consumed;
    filled_ -= consumed;
    read_ = 0;
    scanned_ -= std::min(scanned_, consumed);
    lone_end_ -= std::min(lone_end_, consumed);
}

void encode(std::string_view content, std::string& out, Framing framing) {
    out.reserve(out.size() + content.size() + 3);
    out += framing.start;
    out += content;
    out += framing.end;
    out += framing.trailer;
}

}  // namespace hilum::mllp
