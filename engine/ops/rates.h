// What counters did in the last while: rates, percentiles. Sampled at looks that come when they come; memory
// is bounded by the number of counters.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include "engine/ops/metrics.h"

namespace hilum::ops {

// When samples were taken: one clock for many counters, each of which has a slot for each sample.
class Lookback {
  public:
    static constexpr std::size_t slots = 24;
    using Time = std::chrono::microseconds;  // of a clock that is never set

    // Samples are at least `every` apart, and those older than `span` don't count.
    Lookback(Time every, Time span) : every_(every), span_(span) {}

    // Before the counters of one look are given.
    void look(Time now);
    bool takes_sample() const { return takes_; }  // at this look
    std::size_t newest() const { return newest_; }
    std::size_t oldest() const { return oldest_; }  // that counts
    double seconds() const;                         // from that one to this look

  private:
    Time every_, span_, now_{};
    std::array<Time, slots> times_{};
    std::size_t newest_ = 0, oldest_ = 0, taken_ = 0;
    bool takes_ = false;
};

// One counter's samples.
class Rate {
  public:
    // At a look: how much a second since the oldest sample that counts. Below a second nothing is said.
    double look(Lookback const& back, std::uint64_t count);

  private:
    std::array<std::uint64_t, Lookback::slots> counts_{};
    bool begun_ = false;
};

// The same of a histogram.
class Percentiles {
  public:
    void look(Lookback const& back, Histogram const& histogram);
    // In milliseconds, of what was observed since the oldest sample that counts: linear within a bucket; 0
    // when there was nothing. What is beyond the last bound counts as that.
    double ms(double part) const;

  private:
    std::array<Histogram::Buckets, Lookback::slots> counts_{};
    Histogram::Buckets since_{};
    bool begun_ = false;
};

}  // namespace hilum::ops
