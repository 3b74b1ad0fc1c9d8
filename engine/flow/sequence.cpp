#include "engine/flow/sequence.h"

#include <charconv>

#include "parsers/hl7/characters.h"

namespace hilum::flow {

namespace {

constexpr std::size_t max_text = 256;  // of a name or control ID that is kept

}  // namespace

SequenceTable::Sender& SequenceTable::sender(std::string_view name) {
    if (auto const found = by_name_.find(name); found != by_name_.end()) {
        senders_.splice(senders_.begin(), senders_, found->second);
        return senders_.front();
    }
    if (senders_.size() >= max_senders_) {
        by_name_.erase(senders_.back().name);
        senders_.pop_back();
    }
    senders_.push_front({std::string(name), none, {}, none, true});
    by_name_.emplace(senders_.front().name, senders_.begin());
    return senders_.front();
}

SequenceTable::Check SequenceTable::arrive(std::string_view name, std::string_view number,
                                           std::string_view control_id) {
    number = hl7::trimmed(number);
    if (number.empty() || number == "\"\"") return {};
    if (number.front() == '+') number.remove_prefix(1);
    std::int64_t value = 0;
    auto const [end, failed] = std::from_chars(number.data(), number.data() + number.size(), value);
    bool const is_number = failed == std::errc{} && end == number.data() + number.size();
    if (!is_number || value < -1 || value == INT64_MAX) return {Verdict::unreadable, 0, 0};

    control_id = control_id.substr(0, max_text);
    std::lock_guard const lock(mutex_);
    Sender& s = sender(name.substr(0, max_text));
    // b) 0 starts the link: the answer names the number that is expected, -1 when any would do.
    if (value == 0) return {Verdict::link, value, s.last == none ? none : s.last + 1};
    // e) -1 resynchronises it: the next positive number is the beginning.
    if (value == -1) {
        s.last = s.before = none;
        s.stored = true;
        return {Verdict::link, value, none};
    }
    if (s.last == none || value == s.last + 1) {
        s.before = s.last;
        s.last = value;
        s.control_id = control_id;
        s.stored = false;
        // c) the acknowledgement echoes the number.
        return {Verdict::in_order, value, value};
    }
    // d.1) the expected number is one more than the sender's: it goes on with its next message.
    if (value == s.last && s.control_id == control_id)
        return {s.stored ? Verdict::repeated : Verdict::unsettled, value, s.last + 1};
    return {Verdict::gap, value, s.last + 1};
}

void SequenceTable::settled(std::string_view name, std::int64_t number, bool stored) {
    std::lock_guard const lock(mutex_);
    Sender& s = sender(name.substr(0, max_text));
    if (s.last != number) return;  // the link has gone on, or was started anew
    if (!stored) s.last = s.before;
    s.stored = true;
}

}  // namespace hilum::flow
