// Latencies in nanoseconds, log-linear: 64 steps per power of two, so a quantile is right to 1.6 %.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace hilum::bench {

class Histogram {
  public:
    void observe(std::uint64_t ns) {
        ++counts_[index(ns)];
        ++count_;
        max_ = std::max(max_, ns);
    }
    std::uint64_t count() const { return count_; }
    double max_us() const { return static_cast<double>(max_) / 1000.0; }
    double quantile_us(double q) const {
        if (count_ == 0) return 0;
        auto left = static_cast<std::uint64_t>(q * static_cast<double>(count_ - 1)) + 1;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            if (counts_[i] >= left) return static_cast<double>(std::min(upper(i), max_)) / 1000.0;
            left -= counts_[i];
        }
        return max_us();
    }
    void clear() { *this = Histogram{}; }

  private:
    static constexpr std::size_t steps = 64;
    static std::size_t index(std::uint64_t ns) {
        if (ns < steps) return static_cast<std::size_t>(ns);
        auto const shift = static_cast<unsigned>(std::bit_width(ns)) - 7u;  // keeps the 7 highest bits
        return (shift + 1) * steps + static_cast<std::size_t>((ns >> shift) - steps);
    }
    static std::uint64_t upper(std::size_t i) {
        if (i < steps) return i;
        std::size_t const shift = i / steps - 1;
        return ((static_cast<std::uint64_t>(i % steps) + steps + 1) << shift) - 1;
    }
    std::array<std::uint64_t, steps * 60> counts_{};
    std::uint64_t count_ = 0;
    std::uint64_t max_ = 0;
};

}  // namespace hilum::bench
