// MLLP frames and the two fields the bench tools look at. Deliberately less than a parser: the floor measures
// what an engine can not do without.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace hilum::bench {

// Bytes of one connection; next() gives the contents of complete frames, views that live until the next
// feed().
class Frames {
  public:
    // At least `wanted` bytes of room behind what is kept.
    char* room(std::size_t wanted) {
        if (read_ > 0) {
            std::memmove(buffer_.data(), buffer_.data() + read_, filled_ - read_);
            filled_ -= read_;
            read_ = 0;
        }
        if (buffer_.size() < filled_ + wanted) buffer_.resize(filled_ + wanted);
        return buffer_.data() + filled_;
    }
    void filled(std::size_t count) { filled_ += count; }

    std::optional<std::string_view> next() {
        char const* from = buffer_.data() + read_;
        char const* until = buffer_.data() + filled_;
        auto* start =
            static_cast<char const*>(std::memchr(from, '\x0b', static_cast<std::size_t>(until - from)));
        if (!start) {
            read_ = filled_;
            return std::nullopt;
        }
        auto* end =
            static_cast<char const*>(std::memchr(start, '\x1c', static_cast<std::size_t>(until - start)));
        if (!end || end + 1 >= until) {
            read_ = static_cast<std::size_t>(start - buffer_.data());
            return std::nullopt;
        }
        read_ = static_cast<std::size_t>(end + 2 - buffer_.data());
        return std::string_view(start + 1, static_cast<std::size_t>(end - start - 1));
    }
    void clear() { read_ = filled_ = 0; }

  private:
    std::string buffer_;
    std::size_t read_ = 0;
    std::size_t filled_ = 0;
};

// What stands after the segment's `number`-th separator: field `number`, except in MSH, whose first separator
// is itself MSH-1.
inline std::string_view field(std::string_view segment, int number) {
    if (segment.size() < 4) return {};
    char const separator = segment[3];
    std::size_t at = 3;
    for (int i = 1; i < number; ++i) {
        at = segment.find(separator, at + 1);
        if (at == std::string_view::npos) return {};
    }
    std::size_t const end = segment.find_first_of(std::string_view("|\r\n", 3), at + 1);
    return segment.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
}

inline std::string_view control_id(std::string_view message) {
    return message.starts_with("MSH") ? field(message, 9) : std::string_view{};
}

// The segment that begins with `name` ("MSA|"), or empty.
inline std::string_view segment(std::string_view message, std::string_view name) {
    for (std::size_t at = 0; at < message.size();) {
        std::size_t const end = message.find('\r', at);
        std::string_view const line = message.substr(at, end == std::string_view::npos ? end : end - at);
        if (line.starts_with(name)) return line;
        if (end == std::string_view::npos) break;
        at = end + 1;
    }
    return {};
}

// An acknowledgement in its frame.
inline void append_ack(std::string& out, std::string_view code, std::string_view id) {
    out += "\x0bMSH|^~\\&|BENCH|BENCH|HILUM|HILUM|20260101000000||ACK|";
    out += id;
    out += "|P|2.5\rMSA|";
    out += code;
    out += '|';
    out += id;
    out += "\r\x1c\r";
}

}  // namespace hilum::bench
