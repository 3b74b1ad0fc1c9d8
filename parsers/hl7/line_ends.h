// The positions of CR and LF in a text: all that indexing a message has to look at.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "parsers/hl7/scan.h"

namespace hilum::hl7 {

// Finds the first block of 64 bytes, at `block` or a multiple of 64 after it, that holds a CR or LF: bit n of
// the result is byte n of that block, and `block` is where it begins. 0 and block >= text.size() when there
// is none.
using LineEndScan = std::uint64_t (*)(std::string_view text, std::size_t& block);
std::uint64_t scan_line_ends_portable(std::string_view text, std::size_t& block);
// The fastest that this processor runs, with the same results.
LineEndScan fastest_line_end_scan();

// Walks over them, each byte looked at once. `text` must outlive the walk.
class LineEnds {
  public:
    explicit LineEnds(std::string_view text, LineEndScan scan = fastest_line_end_scan())
        : text_(text), scan_(scan) {
        mask_ = scan_(text_, block_);
    }

    // The next position, or nowhere.
    std::size_t next() {
        while (mask_ == 0) {
            block_ += 64;
            if (block_ >= text_.size()) return nowhere;
            mask_ = scan_(text_, block_);
        }
        auto const bit = static_cast<std::size_t>(std::countr_zero(mask_));
        mask_ &= mask_ - 1;
        return block_ + bit;
    }

  private:
    std::string_view text_;
    LineEndScan scan_;
    std::size_t block_ = 0;
    std::uint64_t mask_ = 0;
};

}  // namespace hilum::hl7
