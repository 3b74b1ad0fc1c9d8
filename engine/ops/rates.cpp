#include "engine/ops/rates.h"

#include <numeric>

namespace hilum::ops {

void Lookback::look(Time now) {
    now_ = now;
    takes_ = taken_ == 0 || now - times_[newest_] >= every_;
    if (takes_) {
        newest_ = taken_ == 0 ? 0 : (newest_ + 1) % slots;
        if (taken_ < slots) ++taken_;
        times_[newest_] = now;
    }
    oldest_ = newest_;
    for (std::size_t back = 1; back < taken_; ++back) {
        auto const slot = (newest_ + slots - back) % slots;
        if (now - times_[slot] > span_) break;
        oldest_ = slot;
    }
}

double Lookback::seconds() const {
    return std::chrono::duration<double>(now_ - times_[oldest_]).count();
}

double Rate::look(Lookback const& back, std::uint64_t count) {
    if (!begun_) counts_.fill(count);
    begun_ = true;
    if (back.takes_sample()) counts_[back.newest()] = count;
    if (back.seconds() < 1) return 0;
    return static_cast<double>(count - counts_[back.oldest()]) / back.seconds();
}

void Percentiles::look(Lookback const& back, Histogram const& histogram) {
    auto const now = histogram.buckets();
    if (!begun_) counts_.fill(now);
    begun_ = true;
    if (back.takes_sample()) counts_[back.newest()] = now;
    for (std::size_t i = 0; i < now.size(); ++i) since_[i] = now[i] - counts_[back.oldest()][i];
}

double Percentiles::ms(double part) const {
    auto const all = std::accumulate(since_.begin(), since_.end(), std::uint64_t{0});
    if (all == 0) return 0;
    double const wanted = part * static_cast<double>(all);
    double below = 0;
    for (std::size_t i = 0; i < Histogram::bounds_us.size(); ++i) {
        auto const here = static_cast<double>(since_[i]);
        if (here > 0 && below + here >= wanted) {
            double const from = i == 0 ? 0 : static_cast<double>(Histogram::bounds_us[i - 1]);
            double const to = static_cast<double>(Histogram::bounds_us[i]);
            return (from + (to - from) * (wanted - below) / here) / 1000;
        }
        below += here;
    }
    return static_cast<double>(Histogram::bounds_us.back()) / 1000;
}

}  // namespace hilum::ops
