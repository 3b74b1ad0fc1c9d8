// What a profile says of segments, and its conditions.
#include <algorithm>
#include <map>

#include "parsers/hl7/validation/walk.h"

namespace hilum::hl7::validation {

namespace {

std::string code_of(Message const& message, Path const& path) {
    std::string scratch;
    return std::string(message.text(path, scratch));
}

}  // namespace

bool Walk::holds(ProfileCondition const& condition) const {
    return std::all_of(
        condition.tests.begin(), condition.tests.end(), [&](ProfileCondition::Test const& test) {
            Path path = test.path;
            // In the segment at hand; counted only where a profile has conditions.
            if (path.segment_name() == name_) {
                path.occurrence = 1;
                for (std::size_t n = 1; n < number_; ++n) {
                    auto const other = message_.segment(n);
                    if (other.starts_with(name_) && (other.size() == 3 || other[3] == delimiters_.field))
                        ++path.occurrence;
                }
            }
            bool const valued = message_.get(path).presence == Presence::value;
            switch (test.kind) {
                case ProfileCondition::Kind::valued:
                    return valued;
                case ProfileCondition::Kind::empty:
                    return !valued;
                case ProfileCondition::Kind::in:
                    return valued && test.codes.contains(code_of(message_, path));
            }
            return false;
        });
}

ProfileUsage Walk::usage_of(ProfileElement const& element) const {
    if (element.usage != ProfileUsage::conditional) return element.usage;
    if (!element.condition) return ProfileUsage::optional;
    if (holds(*element.condition)) return ProfileUsage::required;
    return element.otherwise == ProfileUsage::unsaid ? ProfileUsage::optional : element.otherwise;
}

// How often each segment comes: in the message, or in each occurrence of its group.
void Walk::check_profile_segments() {
    struct Seen {
        std::uint32_t count = 0;
        std::size_t last = 0;  // the segment number of the last one
    };
    auto const judge = [this](ProfileSegment const& s, Seen const& seen, std::size_t end_of_group) {
        std::uint32_t const count = seen.count;
        place_ = {};
        name_ = s.name;
        number_ = count == 0 ? end_of_group + 1 : seen.last;
        bool const needed = s.usage == ProfileUsage::required;
        std::uint32_t const min = s.min ? *s.min : needed ? 1 : 0;
        if (count == 0 && needed) {
            report(Rule::segment_missing, 'E', 100, 0, s.name, true);
        } else if (count != 0 && s.usage == ProfileUsage::not_used) {
            report(Rule::not_used, 'E', 100, 0, s.name, true);
        } else if (count != 0 && count < min) {
            report(Rule::segment_count, 'E', 100, min, s.name, true);
        } else if (s.max && *s.max != 0 && count > *s.max) {
            report(Rule::segment_count, 'E', 100, *s.max, s.name, true);
        }
    };
    std::size_t const end = message_.segment_count();
    std::map<std::pair<std::string_view, std::uint32_t>, Seen> counts;  // by name and group
    std::map<std::string_view, Seen> all;
    for (std::size_t n = 1; n <= end; ++n) {
        auto const name = message_.segment(n).substr(0, 3);
        auto& in_message = all[name];
        in_message = {in_message.count + 1, n};
        if (!structure_) continue;
        auto& in_group = counts[{name, structure_->place(n).group}];
        in_group = {in_group.count + 1, n};
    }
    for (auto const& s : profile_message_->segments) {
        if (s.group.empty()) {
            auto const found = all.find(s.name);
            judge(s, found == all.end() ? Seen{} : found->second, end);
        } else if (structure_) {
            auto const& groups = structure_->groups();
            for (std::uint32_t g = 1; g < groups.size(); ++g) {
                if (groups[g].name != s.group) continue;
                auto const found = counts.find({s.name, g});
                judge(s, found == counts.end() ? Seen{} : found->second, groups[g].last);
            }
        }
    }
}

}  // namespace hilum::hl7::validation
