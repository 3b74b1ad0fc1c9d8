// Several messages in one file or frame: batches (HL7 v2.8.2 §2.10.3 FHS/BHS/BTS/FTS) or plain concatenation.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/ack.h"
#include "parsers/result.h"

namespace hilum::hl7 {

// Follows the headers and trailers of batches, in one piece or several, and checks what they count. Findings
// are named with their place ("BTS[2]-1"), the first twenty:
//   "batch_count", "file_count"             BTS-1 or FTS-1 says another number than came; an empty one says
//                                           nothing
//   "bad_count"                             it is no number
//   "batch_header_missing", "file_header_missing", "batch_trailer_missing", "file_trailer_missing"
// A file without FHS and FTS around its batches is as good (§2.10.3.1), and so are messages outside them.
class BatchCheck {
  public:
    // One header or trailer segment, without terminator.
    void segment(std::string_view text);
    void message();
    // At the end of everything.
    void finish();

    std::vector<Error> const& findings() const { return findings_; }

  private:
    void open_batch();
    void close_batch(std::string_view trailer);
    void open_file();
    void close_file(std::string_view trailer);
    void count(std::string_view trailer, std::string_view place, std::string_view code, std::size_t came,
               std::string_view what);
    void missing(std::string_view code, std::string place, std::string_view name);

    bool in_file_ = false, in_batch_ = false;
    std::size_t files_ = 0, batches_ = 0, file_ends_ = 0, batch_ends_ = 0;  // segments so far
    std::size_t batches_in_file_ = 0, messages_in_batch_ = 0;
    std::vector<Error> findings_;
};

// The messages in `bytes`, each from its MSH to before the next MSH or batch segment; MLLP framing bytes
// around them are left out. Views into `bytes`. `leftover` is true when there is text that belongs to no
// message (besides batch segments and white space).
struct Split {
    std::vector<std::string_view> messages;
    bool leftover = false;
    bool batch = false;                          // FHS or BHS was there
    std::string_view file_header, batch_header;  // the first FHS and BHS, without terminator
};
// `check` is told of what comes by; it may have seen what was before. Its finish() is the caller's.
Split split_messages(std::string_view bytes, BatchCheck* check = nullptr);

// Whether `bytes` begin with a batch: with FHS or BHS, behind white space or a byte order mark.
bool is_batch(std::string_view bytes);

struct BatchOptions {
    std::string_view control_id, timestamp;  // BHS-11, BHS-7
    bool in_file = false;                    // between FHS and FTS
};
// Whether a message can stand in a batch, so that whoever reads it finds the same message: it is one, and has
// no segment that begins or ends a batch.
bool fits_batch(std::string_view message);
// BHS with the delimiters, sender and receiver of the first message, the messages as they are, and BTS with
// their number.
std::string build_batch(std::span<std::string_view const> messages, BatchOptions const& options);

// The batch that answers a batch (§2.10.3.3): BHS, the acknowledgments, BTS with their number, in the
// delimiters of the batch; between FHS and FTS when it came in a file. BHS-12 and FHS-12 name what is
// answered. `comment` becomes BTS-2. options.control_id is BHS-11.
std::string build_batch_answer(Split const& batch, std::span<std::string const> acks,
                               AckOptions const& options, std::string_view comment = {});

}  // namespace hilum::hl7
