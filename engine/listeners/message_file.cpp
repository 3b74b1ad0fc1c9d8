#include "engine/listeners/message_file.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "engine/net/posix_file.h"
#include "parsers/hl7/characters.h"

namespace hilum::listeners {

namespace {

constexpr std::string_view name = "MSH";
constexpr char mllp_start = '\x0b';

}  // namespace

std::size_t MessageReader::last_beginning(std::size_t from) const {
    std::string_view const text = buffer_;
    for (auto at = text.rfind(name); at != std::string_view::npos && at > 0 && at >= from;
         at = text.rfind(name, at - 1)) {
        char const before = text[at - 1];
        bool const whole = at + name.size() < text.size() && !hl7::letter_or_digit(text[at + name.size()]);
        if (!whole) continue;
        if (before == mllp_start) return at - 1;  // 0 is "none" as well
        if (before == '\r' || before == '\n') return at;
    }
    return 0;
}

Result<void> MessageReader::read_piece() {
    auto const size = buffer_.size();
    buffer_.resize(size + piece_);
    ssize_t count = -1;
    do {
        count = ::read(fd_, buffer_.data() + size, piece_);
    } while (count < 0 && errno == EINTR);
    int const number = errno;
    buffer_.resize(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0) return net::file_error(number, "the file can't be read");
    ended_ = count == 0;
    return {};
}

Result<std::vector<std::string>> MessageReader::next() {
    std::vector<std::string> out;
    while (out.empty() && !(ended_ && buffer_.empty())) {
        // What was searched before holds no beginning; a name may lie across the seam.
        auto const from = buffer_.size() - std::min<std::size_t>(buffer_.size(), name.size() + 1);
        if (!ended_) {
            if (auto done = read_piece(); !done) return done.error();
        }
        auto const end = ended_ ? buffer_.size() : last_beginning(from);
        if (end == 0) continue;
        auto const split = hl7::split_messages(std::string_view(buffer_).substr(0, end), &check_);
        out.assign(split.messages.begin(), split.messages.end());
        leftover_ = leftover_ || split.leftover;
        batch_ = batch_ || split.batch;
        buffer_.erase(0, end);
    }
    if (out.empty()) check_.finish();
    return out;
}

}  // namespace hilum::listeners
