// As much of HTTP/1.1 as the load generator needs of answers. Less than a client: what is measured is the
// other side.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace hilum::bench {

// Bytes of one connection; next() gives the status of each complete answer, nothing while there is none.
class HttpAnswers {
  public:
    char* room(std::size_t wanted) {
        if (buffer_.size() < filled_ + wanted) buffer_.resize(filled_ + wanted);
        return buffer_.data() + filled_;
    }
    void filled(std::size_t count) { filled_ += count; }
    void clear() { filled_ = 0; }

    // 0: no answer at all.
    std::optional<unsigned> next() {
        std::string_view const all(buffer_.data(), filled_);
        auto const head = all.find("\r\n\r\n");
        if (head == std::string_view::npos) return std::nullopt;
        constexpr std::string_view length = "\r\nContent-Length: ";
        auto const at = all.substr(0, head + 2).find(length);
        std::size_t body = 0;
        if (at != std::string_view::npos)
            for (auto i = at + length.size(); all[i] >= '0' && all[i] <= '9'; ++i)
                body = body * 10 + static_cast<std::size_t>(all[i] - '0');
        auto const whole = head + 4 + body;
        if (whole > filled_) return std::nullopt;
        unsigned status = 0;
        if (all.starts_with("HTTP/1.1 "))
            for (std::size_t i = 9; i < 12; ++i) status = status * 10 + static_cast<unsigned>(all[i] - '0');
        std::memmove(buffer_.data(), buffer_.data() + whole, filled_ - whole);
        filled_ -= whole;
        return status;
    }

  private:
    std::string buffer_;
    std::size_t filled_ = 0;
};

}  // namespace hilum::bench
