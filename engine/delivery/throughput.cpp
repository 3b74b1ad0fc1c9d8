#include "engine/delivery/throughput.h"

#include <algorithm>

namespace hilum::delivery {

using namespace std::chrono_literals;

namespace {

constexpr auto looks_back = 60s;
constexpr auto between_samples = 2s;
constexpr auto too_early = 1s;

}  // namespace

void Throughput::settled(Clock::time_point now, std::uint64_t queued) {
    if (samples_.empty() || now - samples_.back().at >= between_samples) {
        while (!samples_.empty() && now - samples_.front().at > looks_back) samples_.pop_front();
        samples_.push_back({now, settled_, queued + 1});
    }
    ++settled_;
}

std::optional<Throughput::Rates> Throughput::rates(Clock::time_point now, std::uint64_t queued) const {
    auto const since = std::find_if(samples_.begin(), samples_.end(),
                                    [now](Sample const& s) { return now - s.at <= looks_back; });
    if (since == samples_.end() || now - since->at < too_early) return std::nullopt;
    double const seconds = std::chrono::duration<double>(now - since->at).count();
    auto const settled = settled_ - since->settled;
    if (settled == 0) return std::nullopt;
    auto const left = static_cast<double>(settled);
    auto const grown = static_cast<double>(queued) - static_cast<double>(since->queued);
    return Rates{left / seconds, std::max(0.0, left + grown) / seconds};
}

}  // namespace hilum::delivery
