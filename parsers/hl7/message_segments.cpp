// Edits of whole segments, and the focus on one of them.
#include <algorithm>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/message.h"

namespace hilum::hl7 {

Result<std::size_t> Message::insert_segment(std::size_t after, std::string_view name) {
    if (after == 0 || after > segments_.size()) {
        return error("no_such_segment", "",
                     "the message has " + std::to_string(segments_.size()) + " segments",
                     "insert behind one that is there");
    }
    edits_.emplace_front(name);
    Slot slot;
    slot.edit = &edits_.front();
    slot.text = *slot.edit;
    place(slot, after);
    return after + 1;
}

// Puts a slot behind that many segments, with a terminator like the first one's.
Message::Slot& Message::place(Slot slot, std::size_t after) {
    std::string_view const model = segments_.front().terminator;
    slot.terminator = model.substr(0, 2) == "\r\n" ? "\r\n" : model.substr(0, 1) == "\n" ? "\n" : "\r";
    ++structure_revision_;
    slot.born = structure_revision_;
    edited_ = true;
    auto& before = segments_[after - 1];
    if (before.terminator.empty()) std::swap(before.terminator, slot.terminator);
    for (auto& focus : foci_)
        if (after <= focus.before) ++focus.before;
    return *segments_.insert(segments_.begin() + static_cast<std::ptrdiff_t>(after), slot);
}

Result<void> Message::rename_segment(std::size_t number, std::string_view name) {
    if (number < 2 || number > segments_.size()) {
        return error("no_such_segment", "", "the message has no such segment, or it is its MSH",
                     "rename one that is there");
    }
    auto& slot = segments_[number - 1];
    rewrite(slot,
            std::string(name) + std::string(slot.text.substr(std::min<std::size_t>(3, slot.text.size()))));
    ++structure_revision_;
    return {};
}

std::size_t Message::erase_segments(Path const& path) {
    std::vector<bool> kept(segments_.size(), true);
    std::uint32_t seen = 0;
    if (path.segment_name() == "MSH" && path.occurrence != Path::all)
        seen = 1;  // the leading one, which stays
    for (std::size_t i = 1; i < segments_.size(); ++i)
        if (is(segments_[i], path.segment_name()))
            kept[i] = path.occurrence != Path::all && ++seen != path.occurrence;
    return keep(kept);
}

std::size_t Message::erase_segments(std::span<std::size_t const> numbers) {
    std::vector<bool> kept(segments_.size(), true);
    for (auto const number : numbers)
        if (number > 1 && number <= kept.size()) kept[number - 1] = false;
    return keep(kept);
}

void Message::focus(std::size_t number) {
    foci_.push_back({std::string(segments_[number - 1].text.substr(0, 3)), number - 1});
}

std::size_t Message::unfocus() {
    std::size_t const passed = foci_.back().before + (foci_.back().there ? 1 : 0);
    foci_.pop_back();
    return passed;
}

std::size_t Message::next_segment(std::string_view name, std::size_t after, std::uint32_t revision) const {
    for (std::size_t i = after; i < segments_.size(); ++i)
        if (segments_[i].born <= revision && is(segments_[i], name)) return i + 1;
    return 0;
}

bool Message::out_of_focus(Slot const& slot, std::string_view name) const {
    auto const before = static_cast<std::size_t>(&slot - segments_.data());
    return std::any_of(foci_.begin(), foci_.end(), [&](Focus const& focus) {
        return focus.name == name && !(focus.there && focus.before == before);
    });
}

// Only the segments of which `kept` says so are left.
std::size_t Message::keep(std::vector<bool> const& kept) {
    auto const all = segments_.size();
    std::size_t number = 0;
    auto const doomed =
        std::remove_if(segments_.begin(), segments_.end(), [&](Slot const&) { return !kept[number++]; });
    segments_.erase(doomed, segments_.end());
    if (segments_.size() == all) return 0;
    ++structure_revision_;
    edited_ = true;
    for (auto& focus : foci_) {
        focus.there = focus.there && kept[focus.before];
        auto const end = kept.begin() + static_cast<std::ptrdiff_t>(focus.before);
        focus.before = static_cast<std::size_t>(std::count(kept.begin(), end, true));
    }
    return all - segments_.size();
}

}  // namespace hilum::hl7
