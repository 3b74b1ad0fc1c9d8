#include "routes/tables/time_zone.h"

#include <algorithm>

namespace hilum::routes {
namespace {

constexpr std::size_t header_size = 44;
constexpr std::int64_t far = std::int64_t{1} << 60U;
constexpr std::int64_t offset_max = 26 * 3600;  // RFC 8536 section 3.2: outside nobody may be

std::int64_t signed_at(std::string_view bytes, std::size_t at, std::size_t size) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8U | static_cast<unsigned char>(bytes[at + i]);
    if (size == 4) return static_cast<std::int32_t>(static_cast<std::uint32_t>(value));
    return static_cast<std::int64_t>(value);
}

// One header and what it says of the data behind it. Section 3.1.
struct Block {
    std::size_t uts = 0, standards = 0, leaps = 0, times = 0, types = 0, letters = 0;

    static std::optional<Block> read(std::string_view bytes) {
        if (bytes.size() < header_size || !bytes.starts_with("TZif")) return std::nullopt;
        Block block;
        std::size_t* const counts[] = {&block.uts,   &block.standards, &block.leaps,
                                       &block.times, &block.types,     &block.letters};
        for (std::size_t i = 0; i < std::size(counts); ++i) {
            auto const count = signed_at(bytes, 20 + 4 * i, 4);
            if (count < 0 || count > 1'000'000) return std::nullopt;
            *counts[i] = static_cast<std::size_t>(count);
        }
        return block;
    }
    std::size_t size(std::size_t time) const {
        return times * (time + 1) + types * 6 + letters + leaps * (time + 4) + standards + uts;
    }
};

Error broken(std::string what) {
    return error("bad_zone", "", "the time zone's file is broken: " + what,
                 "install the package tzdata anew");
}

}  // namespace

Result<TimeZone> TimeZone::parse(std::string_view bytes) {
    auto const old = Block::read(bytes);
    if (!old) return broken("it does not begin as one");
    if (bytes[4] < '2') return broken("it has version 1, and so nothing for years beyond 2037");
    // The first block is for readers of version 1.
    std::size_t const skipped = header_size + old->size(4);
    if (bytes.size() < skipped) return broken("it ends too early");
    bytes.remove_prefix(skipped);
    auto const block = Block::read(bytes);
    if (!block || block->types == 0) return broken("it has no second part");
    bytes.remove_prefix(header_size);
    if (bytes.size() < block->size(8)) return broken("it ends too early");
    if (block->leaps != 0) return broken("it counts leap seconds, as HL7 does not");
    std::size_t const types_at = block->times * 9;
    std::vector<std::int32_t> offsets;
    for (std::size_t i = 0; i < block->types; ++i) {
        auto const offset = signed_at(bytes, types_at + 6 * i, 4);
        if (offset <= -offset_max || offset >= offset_max) return broken("an offset is out of bounds");
        offsets.push_back(static_cast<std::int32_t>(offset));
    }
    TimeZone zone;
    zone.first_ = offsets.front();
    std::int32_t before = zone.first_;
    for (std::size_t i = 0; i < block->times; ++i) {
        auto const at = signed_at(bytes, 8 * i, 8);
        std::size_t const type = static_cast<unsigned char>(bytes[block->times * 8 + i]);
        if (type >= offsets.size()) return broken("a transition has no type");
        if (i != 0 && at <= zone.transitions_.back().at) return broken("its transitions are out of order");
        // The first may be older than time: "the Big Bang", which zic once wrote, at -2^59.
        if (at < -far || at > far) return broken("a transition is out of time");
        zone.transitions_.push_back({at, before, offsets[type]});
        before = offsets[type];
    }
    bytes.remove_prefix(block->size(8));
    auto const end = bytes.find('\n', 1);
    if (!bytes.starts_with('\n') || end == std::string_view::npos) return broken("it has no rule at its end");
    auto const rule = bytes.substr(1, end - 1);
    if (!rule.empty()) {
        zone.after_ = PosixZone::parse(rule);
        if (!zone.after_) return broken("the rule at its end can't be read");
    }
    return {boost::system::in_place_value, std::move(zone)};
}

std::int32_t TimeZone::offset_at(std::int64_t moment) const {
    auto const next = std::upper_bound(transitions_.begin(), transitions_.end(), moment,
                                       [](std::int64_t m, ZoneTransition const& t) { return m < t.at; });
    bool const at_last =
        next == transitions_.end() && next != transitions_.begin() && std::prev(next)->at == moment;
    if (next == transitions_.end() && after_ && !at_last) return after_->offset_at(moment);
    return next == transitions_.begin() ? first_ : std::prev(next)->after;
}

std::int32_t TimeZone::offset_of_local(std::int64_t local) const {
    auto const next = std::upper_bound(transitions_.begin(), transitions_.end(), local,
                                       [](std::int64_t l, ZoneTransition const& t) { return l < t.local(); });
    // At the last transition the table still has the word: the rule may not know what it changed from.
    bool const at_last =
        next == transitions_.end() && next != transitions_.begin() && std::prev(next)->local() == local;
    if (next == transitions_.end() && after_ && !at_last) return after_->offset_of_local(local);
    return next == transitions_.begin() ? first_ : std::prev(next)->after;
}

}  // namespace hilum::routes
