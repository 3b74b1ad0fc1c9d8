// MLLP framing (HL7 v2 Transport Specification: MLLP, Release 1): <SB> content <EB><CR>.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace hilum::mllp {

struct Framing {
    char start = '\x0b';
    char end = '\x1c';
    char trailer = '\r';
};

struct Limits {
    std::size_t max_frame = 16u << 20;  // bytes of content
};

// How a frame ends. MLLP Release 1 allows no byte below 0x20 but CR in the content, so an <EB> should always
// end it. Senders that put 0x1c into text, and senders that leave out the <CR>, exist all the same; taking
// the first for the second would acknowledge half a message. So:
//   <EB><CR>                              the end
//   <EB> and a byte below 0x20            the end, `missing_trailer` (the byte is <SB>, LF, NUL ...)
//   <EB>, no trailer byte, then an <SB>   the end, `missing_trailer`; what stood between is garbage
//   <EB> and anything else                content
// next() waits for the byte after an <EB>; flush() stops waiting, for a peer that sent none and expects an
// answer.

// What next() found. `frame` is content without framing bytes.
struct Event {
    enum class Kind {
        need_more,  // feed more bytes
        frame,      // `bytes` is one frame's content; valid until the next prepare()
        garbage,    // bytes outside a frame were skipped: `skipped`, `first_byte`, `offset`
        restart,  // a start byte inside a frame: what came before it was dropped (`skipped` bytes, the first
                  // start byte included; `offset` is that start byte's)
        too_large,  // the frame passed Limits::max_frame; its bytes are not kept. Fatal: close the
                    // connection. Told once; whatever is fed afterwards is dropped
    };
    Kind kind = Kind::need_more;
    std::string_view bytes{};
    std::uint64_t skipped = 0;
    unsigned char first_byte = 0;  // for the log: in hex, never content
    std::uint64_t offset = 0;      // of first_byte in the stream
    bool missing_trailer = false;  // frame ended with <EB> but not by <CR>: a named tolerance
};

// Bytes in, events out: no socket, clock or thread. One decoder per connection.
//   auto room = decoder.prepare(8192); n = read(room); decoder.commit(n);
//   while ((e = decoder.next()).kind != need_more) ...
class Decoder {
  public:
    explicit Decoder(Framing framing = {}, Limits limits = {});

    // Room to read into, at least `wanted` bytes. Invalidates views of earlier events. As long as every event
    // is taken before the next prepare(), no more than Limits::max_frame + `wanted` + 64 KiB is ever held.
    std::span<char> prepare(std::size_t wanted);
    void commit(std::size_t count);
    // prepare + copy + commit, for tests and small callers.
    void feed(std::string_view bytes);

    Event next();
    // An <EB> is the last byte held: next() says need_more only because the trailer may still come.
    bool awaiting_trailer() const;
    // Ends such a frame without its trailer (`missing_trailer`); else as next(). For a peer gone silent or
    // closed.
    Event flush();

    // A frame has begun and not ended (the frame time limit runs).
    bool inside_frame() const;
    // Bytes held; release() gives back memory when nothing is held (and invalidates views of events).
    std::size_t buffered() const;
    std::size_t capacity() const;
    void release();

  private:
    Event end_frame(std::size_t end, std::size_t resume, bool missing_trailer);
    Event skip_garbage();
    Event scan_frame();
    Event refuse();
    void drop(std::size_t until);
    void reallocate(std::size_t capacity);

    Framing framing_;
    Limits limits_;
    std::unique_ptr<char[]> buffer_;
    std::size_t capacity_ = 0;
    std::size_t read_ = 0;     // next byte to look at; inside a frame, the first of its content
    std::size_t filled_ = 0;   // bytes in buffer_
    std::size_t scanned_ = 0;  // no end and no start byte before this position of an open frame
    std::size_t lone_end_ =
        0;  // one past the latest <EB> of the open frame that no trailer byte followed; 0: none
    std::uint64_t stream_offset_ = 0;  // of buffer_[0]
    bool inside_ = false;
    bool refused_ = false;  // after too_large
};

// Appends the framed content to `out`.
void encode(std::string_view content, std::string& out, Framing framing = {});

}  // namespace hilum::mllp
