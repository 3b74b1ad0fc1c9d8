// Any message against any structure: each segment gets one place inside its group, groups nest, and paths
// through groups name what they say. Input: byte 0 chooses a path, the rest is the message.
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "parsers/hl7/group_path.h"

using namespace hilum::hl7;

namespace {

void require(bool holds) {
    if (!holds) std::abort();
}

constexpr std::array<std::string_view, 6> paths = {
    "ORDER_OBSERVATION[2]/OBX[1]-5",
    "PATIENT_RESULT[*]/ORDER_OBSERVATION[*]/OBX[*]-5",
    "ORDER[*]/OBSERVATION_REQUEST/OBR-4",
    "PATIENT[2]/PID-3",
    "OBSERVATION[*]/NTE[*]-3",
    "INSURANCE[3]/IN1[*]",
};

void check(Message const& message, MessageStructure const& s) {
    auto const& groups = s.groups();
    require(s.segment_count() == message.segment_count());
    require(s.findings().size() <= s.finding_count());
    for (std::uint32_t g = 1; g < groups.size(); ++g) {
        auto const& parent = groups[groups[g].parent];
        require(groups[g].parent < g && groups[g].first >= parent.first && groups[g].last <= parent.last);
    }
    for (std::size_t n = 1; n <= s.segment_count(); ++n) {
        auto const place = s.place(n);
        require(place.group < groups.size());
        require(groups[place.group].first <= n && n <= groups[place.group].last);
        if (place.node == SegmentPlace::nowhere) continue;
        require(message.segment(n).starts_with(s.structure()->node(place.node).name));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const bytes(reinterpret_cast<char const*>(data) + 1, size - 1);
    auto const message = Message::view(bytes);
    if (!message) return 0;
    auto const s = MessageStructure::of(*message);
    check(*message, s);
    auto const path = GroupPath::parse(paths[data[0] % paths.size()]);
    require(path.has_value());
    std::size_t before = 0;
    for (auto const& found : path->resolve(*message, s)) {
        require(found.segment > before);
        before = found.segment;
        require(message->find(path->path.segment_name(), found.occurrence) == found.segment);
    }
    auto const any = GroupPath::parse(bytes.substr(0, 200));
    if (any) require(GroupPath::parse(any->text()).value() == *any);
    return 0;
}
