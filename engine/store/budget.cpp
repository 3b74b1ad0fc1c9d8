#include "engine/store/budget.h"

#include <algorithm>

namespace hilum::store {

bool Budget::take(std::uint64_t bytes) {
    if (limit_ == 0) return true;
    auto const size = static_cast<std::int64_t>(bytes);
    if (!over_ && left_.fetch_sub(size) >= size) return true;
    refused_ = bytes;
    over_ = true;
    return false;
}

void Budget::measured(std::uint64_t used) {
    if (limit_ == 0) return;
    std::uint64_t const left = limit_ > used ? limit_ - used : 0;
    left_ = static_cast<std::int64_t>(left);
    // Enough for what was refused and some more, or it would be on and off with every message.
    std::uint64_t const enough = std::max(limit_ / 50, std::min(2 * refused_.load(), limit_ / 4));
    if (left == 0 || left > enough) over_ = left == 0;
}

Space Budget::space(std::uint64_t used, std::optional<std::uint64_t> free, bool takes) const {
    Space space;
    space.used = used;
    space.takes = takes;
    space.limit = free ? used + *free : limit_;
    if (limit_ != 0) space.limit = std::min(space.limit, limit_);
    auto const part =
        static_cast<double>(used) / static_cast<double>(std::max<std::uint64_t>(space.limit, 1));
    space.percent = !takes             ? 100
                    : space.limit == 0 ? 0
                                       : static_cast<std::uint32_t>(std::min(100.0 * part, 99.0));
    return space;
}

std::uint64_t Budget::most_kept(std::uint64_t index) const {
    std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    if (retain_size_ != 0) most = retain_size_;
    if (limit_ == 0) return most;
    std::uint64_t const share = limit_ / 4 * 3;
    return std::min(most, share > index ? share - index : 0);
}

}  // namespace hilum::store
