// The order of the segments, and what it says of the message's type.
#include <algorithm>
#include <boost/container/small_vector.hpp>

#include "parsers/hl7/validation/walk.h"

namespace hilum::hl7::validation {

namespace {

// Z-segments stand wherever the sender likes; messages and events beginning with Z are a site's own (§2.11).
bool local(std::string_view name) {
    return !name.empty() && name[0] == 'Z';
}

}  // namespace

void Walk::check_structure() {
    if (profile_message_ && profile_message_->structure)
        return take_structure(*profile_message_->structure, true);
    auto const known = compiled_.structures.find(Compiled::structure_key(version_, type_, event_));
    bool const frequent = known != compiled_.structures.end();
    if (frequent && (structure_name_.empty() || structure_name_ == known->second->structure.name())) {
        bool const groups = profile_message_ &&
                            std::any_of(profile_message_->segments.begin(), profile_message_->segments.end(),
                                        [](ProfileSegment const& s) { return !s.group.empty(); });
        boost::container::small_vector<std::uint32_t, 64> keys;
        for (std::size_t n = 1; n <= message_.segment_count(); ++n) {
            auto const text = message_.segment(n);
            bool const whole = text.size() == 3 || (text.size() > 3 && text[3] == delimiters_.field);
            if (!local(text)) keys.push_back(whole ? segment_key(text) : 0);
        }
        boost::container::small_vector<std::uint16_t, 128> counts(known->second->nodes.size());
        if (!groups &&
            known->second->plainly_fits({keys.data(), keys.size()}, {counts.data(), counts.size()}))
            return;
        return take_structure(known->second->structure, false);
    }
    auto const structure = compiled_.dictionary.structure(version_, type_, event_, structure_name_);
    if (!structure) return unknown_structure();
    if (!structure_name_.empty()) {
        auto const by_event = compiled_.dictionary.structure(version_, type_, event_);
        place_ = {};
        place_.field = 9;
        place_.component = 3;
        if (by_event && by_event->name() != structure_name_ && !local(structure_name_))
            report(Rule::message_structure, 'W', 199, 0, by_event->name());
    }
    take_structure(*structure, false);
}

void Walk::unknown_structure() {
    if (type_.empty() || type_ == "\"\"") return;  // MSH-9 is required: said there
    auto const types = compiled_.dictionary.table(76);
    bool const known_type = !types || types->find(type_).has_value();
    place_ = {};
    place_.field = 9;
    // §2.11: sites define messages of their own with Z
    report(Rule::message_type, local(type_) || local(event_) ? 'I' : 'E', known_type ? 201 : 200);
}

void Walk::take_structure(Structure const& structure, bool by_profile) {
    structure_ = MessageStructure::of(message_, structure);
    for (auto const& found : structure_->findings()) report_structure(found, by_profile);
}

void Walk::report_structure(StructureFinding const& found, bool by_profile) {
    using enum StructureFinding::Code;
    place_ = {};
    number_ = found.segment;
    name_ = message_.segment(found.segment).substr(0, 3);
    switch (found.code) {
        case local:
        case unknown_structure:
            return;
        case unexpected:
            return report(Rule::segment_unexpected, 'W', 100, 0, {}, by_profile);
        case out_of_place:
            return report(Rule::segment_order, 'E', 100, 0, {}, by_profile);
        case too_many:
            return report(Rule::segment_count, 'E', 100, 0, {}, by_profile);
        case missing:
            // Of a segment its own place; of a group that of the segment after which it should come.
            if (found.name.size() == 3) {
                name_ = found.name;
                ++number_;
            }
            return report(Rule::segment_missing, 'E', 100, 0, found.name, by_profile);
    }
}

}  // namespace hilum::hl7::validation
