// Any bytes, in any splits, give the same events; frames and skipped bytes account for every byte; memory
// stays within the limit. Input: byte 0 seeds the splits, byte 1 the frame limit, the rest is the stream.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/mllp/decoder.h"

using hilum::mllp::Decoder;
using hilum::mllp::Event;
using Kind = Event::Kind;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

struct Seen {
    Kind kind;
    std::string bytes;
    std::uint64_t skipped, offset;
    bool missing_trailer;
    friend bool operator==(Seen const&, Seen const&) = default;
};

class Run {
  public:
    explicit Run(std::size_t limit) : limit_(limit), decoder_({}, {.max_frame = limit}) {}

    void read(std::string_view bytes) {
        decoder_.feed(bytes);
        require(decoder_.buffered() <= limit_ + bytes.size() + 3);
        for (Event e = decoder_.next(); e.kind != Kind::need_more; e = decoder_.next()) add(e);
    }
    std::vector<Seen> const& seen() const { return seen_; }
    bool refused() const { return refused_; }
    std::uint64_t accounted() const {
        return accounted_ + decoder_.buffered() + (decoder_.inside_frame() ? 1 : 0);
    }

  private:
    void add(Event const& e) {
        require(!refused_);
        if (e.kind == Kind::garbage && !seen_.empty() && seen_.back().kind == Kind::garbage) {
            seen_.back().skipped += e.skipped;
        } else {
            // How much of a refused frame was there to skip depends on the reads.
            auto const skipped = e.kind == Kind::too_large ? 0 : e.skipped;
            seen_.push_back({e.kind, std::string(e.bytes), skipped, e.offset, e.missing_trailer});
        }
        if (e.kind == Kind::frame) {
            require(e.bytes.size() <= limit_);
            accounted_ += e.bytes.size() + (e.missing_trailer ? 2 : 3);
        } else {
            require(e.skipped > 0);
            accounted_ += e.skipped;
        }
        refused_ = e.kind == Kind::too_large;
    }

    std::size_t limit_;
    Decoder decoder_;
    std::vector<Seen> seen_;
    std::uint64_t accounted_ = 0;
    bool refused_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 2) return 0;
    std::uint32_t random = data[0] + 1U;
    std::size_t const limit = data[1];
    std::string_view const stream(reinterpret_cast<char const*>(data) + 2, size - 2);

    Run whole(limit);
    whole.read(stream);
    Run split(limit);
    for (std::size_t at = 0; at < stream.size();) {
        random = random * 1664525U + 1013904223U;
        std::size_t const length = 1 + (random >> 24) % (data[0] % 32 + 1);
        split.read(stream.substr(at, length));
        at += length;
    }
    require(whole.seen() == split.seen());
    require(whole.refused() == split.refused());
    if (!whole.refused()) {
        require(whole.accounted() == stream.size());
        require(split.accounted() == stream.size());
    }

    // What is framed comes out again, if it holds no framing bytes of its own.
    if (stream.find_first_of("\x0b\x1c") == std::string_view::npos) {
        std::string framed;
        hilum::mllp::encode(stream, framed);
        Decoder decoder;
        decoder.feed(framed);
        Event const event = decoder.next();
        require(event.kind == Kind::frame && event.bytes == stream && !event.missing_trailer);
    }
    return 0;
}
