// The messages of one file, read in pieces: a file of gigabytes costs no more memory than its longest message
// and a piece. Blocking.
#pragma once

#include <string>
#include <vector>

#include "parsers/hl7/batch.h"
#include "parsers/result.h"

namespace hilum::listeners {

class MessageReader {
  public:
    // `fd` outlives the reader and is read from where it stands.
    explicit MessageReader(int fd, std::size_t piece = 1u << 20) : fd_(fd), piece_(piece) {}

    // The next messages in order, as hl7::split_messages would cut the whole; none at the end of the file.
    Result<std::vector<std::string>> next();

    // Known when next() has given none.
    bool leftover() const { return leftover_; }  // text that belongs to no message
    bool batch() const { return batch_; }
    // About headers, trailers and their counts.
    std::vector<Error> const& findings() const { return check_.findings(); }

  private:
    Result<void> read_piece();
    // Where the last message in buffer_[from, end) begins, 0 when none does after the buffer's own beginning.
    std::size_t last_beginning(std::size_t from) const;

    int fd_;
    std::size_t piece_;
    std::string buffer_;
    bool ended_ = false;
    bool leftover_ = false;
    bool batch_ = false;
    hl7::BatchCheck check_;
};

}  // namespace hilum::listeners
