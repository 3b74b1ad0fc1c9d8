#include "engine/flow/waiting_bytes.h"

#include <algorithm>
#include <chrono>

namespace hilum::flow {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto time_at_most = std::chrono::milliseconds(300);
constexpr std::size_t read_whole = 1000;  // a queue of no more is counted message by message
constexpr std::uint32_t places = 8;       // of a longer one, samples are taken at so many
constexpr std::size_t of_a_place = 50;
constexpr std::size_t scan_bytes = 4u << 20;

struct Sum {
    std::uint64_t messages = 0, bytes = 0;
};

// False when the time is over.
bool add(store::Store& store, std::vector<store::LaneEntry> const& entries, Clock::time_point end, Sum& sum) {
    for (auto const& entry : entries) {
        if (Clock::now() > end) return false;
        auto const stored = store.read(entry.message);
        if (!stored) continue;
        ++sum.messages;
        sum.bytes += stored->body(entry.ordinal).size();
    }
    return true;
}

}  // namespace

std::optional<WaitingBytes> waiting_bytes(store::Store& store, store::NameId destination,
                                          store::LaneKey const& first, std::uint64_t queued) {
    auto const end = Clock::now() + time_at_most;
    Sum sum;
    if (queued <= read_whole) {
        auto const all = store.scan(destination, first, read_whole, scan_bytes);
        bool const read = all && add(store, all->entries, end, sum);
        // With order_by some in between may be gone already.
        if (read && all->at_end && sum.messages == queued) return WaitingBytes{sum.bytes, false};
    } else {
        auto const from = first.position.segment();
        auto const segments = store.durable_end().segment() - from + 1;
        auto const looks = std::min(places, segments);
        for (std::uint32_t i = 0; i < looks; ++i) {
            auto const segment = from + static_cast<std::uint32_t>(std::uint64_t{segments} * i / looks);
            store::LaneKey const at{store::Position::at(segment, 0), 0};
            auto const some = store.scan(destination, std::max(at, first), of_a_place, scan_bytes);
            if (!some || !add(store, some->entries, end, sum)) break;
        }
    }
    if (sum.messages == 0) return std::nullopt;
    double const mean = static_cast<double>(sum.bytes) / static_cast<double>(sum.messages);
    return WaitingBytes{static_cast<std::uint64_t>(mean * static_cast<double>(queued)), true};
}

}  // namespace hilum::flow
