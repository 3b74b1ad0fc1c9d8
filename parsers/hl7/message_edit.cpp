#include <algorithm>
#include <array>
#include <span>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/charset_mask.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/scan.h"

namespace hilum::hl7 {

namespace {

constexpr std::size_t made_at_most = 65535;  // delimiters that one edit may create

Error delimiters_fixed(Path const& path) {
    return error("delimiters_fixed", path.text(),
                 "MSH-1 and MSH-2 declare the delimiters of the whole message",
                 "leave them; write a new message where other delimiters are needed");
}

Error whole_segment(Path const& path) {
    return error("whole_segment", path.text(), "the path names a whole segment, not a field",
                 "name a field, as in " + std::string(path.segment_name()) + "-1");
}

// Which part of a text, split by which delimiter: one step from a segment down to a subcomponent.
struct Step {
    char delimiter;
    std::uint32_t part;
    char const* name;
};

// Appends `text` to `out` with the part that `steps` lead to replaced by `raw`; what is missing on the way is
// made.
Result<void> write_with(std::string_view text, std::span<Step const> steps, Path const& path,
                        std::string_view raw, std::string& out) {
    std::string_view range = text;  // shrinks as far as the parts are there
    std::string made;
    bool missing = false;
    for (auto const& step : steps) {
        if (step.part == 0) break;
        if (step.delimiter == '\0' && step.part > 1) {
            return error("no_such_delimiter", path.text(),
                         std::string("MSH-2 declares no ") + step.name + " delimiter",
                         "have the sender declare ^~\\& in MSH-2");
        }
        if (!missing) {
            std::string_view const found = part(range, step.delimiter, step.part);
            if (found.data() != nullptr) {
                range = found;
                continue;
            }
        }
        std::size_t const there = missing ? 1 : count_parts(range, step.delimiter);
        if (made.size() + step.part - there > made_at_most) {
            return error("position_too_large", path.text(),
                         "more than " + std::to_string(made_at_most) + " delimiters would have to be made",
                         "check the numbers in the path");
        }
        made.append(step.part - there, step.delimiter);
        if (!missing) range = range.substr(range.size());
        missing = true;
    }
    auto const at = static_cast<std::size_t>(range.data() - text.data());
    out += text.substr(0, at);
    out += made;
    out += raw;
    out += text.substr(at + range.size());
    return {};
}

bool needs_escape(std::string_view text, Delimiters const& d) {
    return std::any_of(text.begin(), text.end(), [&](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == d.field || c == d.component ||
               c == d.repetition || c == d.subcomponent || c == d.truncation;
    });
}

}  // namespace

Result<void> Message::set(Path const& path, std::string_view text) {
    auto const raw = as_raw(path, text);
    return raw ? put_everywhere(path, *raw) : raw.error();
}

Result<void> Message::set_in(std::size_t segment, Path const& path, std::string_view text) {
    if (segment == 0 || segment > segments_.size()) {
        return error("no_such_segment", path.text(),
                     "the message has " + std::to_string(segments_.size()) + " segments",
                     "use one that is there");
    }
    if (fixed(path)) return delimiters_fixed(path);
    auto const raw = as_raw(path, text);
    return raw ? put_one(segments_[segment - 1], path, *raw) : raw.error();
}

// `text` as it is written into the message.
Result<std::string> Message::as_raw(Path const& path, std::string_view text) const {
    if (path.field == 0) return whole_segment(path);
    // The two quotes are written as they are: that is how a step says "delete this downstream" (§2.5.3.5).
    if (text == "\"\"") return {boost::system::in_place_value, text};
    if (delimiters_.escape == '\0' && needs_escape(text, delimiters_)) {
        return error("no_such_delimiter", path.text(),
                     "the text needs escaping and MSH-2 declares no escape character",
                     "have the sender declare ^~\\& in MSH-2");
    }
    std::string raw;
    raw.reserve(text.size());
    escape(text, delimiters_, raw);
    if (auto done = encode(path, raw); !done) return done.error();
    return {boost::system::in_place_value, std::move(raw)};
}

Result<void> Message::set_raw(Path const& path, std::string_view raw) {
    if (path.field == 0 &&
        (raw.substr(0, 3) != path.segment_name() || (raw.size() > 3 && raw[3] != delimiters_.field))) {
        return error("whole_segment", path.text(), "the raw text does not begin with the segment's name",
                     "write the whole segment, as in PV1|1|I");
    }
    std::string masked;
    if (charset_.masks() && mask(raw, charset_, delimiters_, masked)) raw = masked;
    return put_everywhere(path, raw);
}

Result<void> Message::put_everywhere(Path const& path, std::string_view raw) {
    if (fixed(path) || (path.field == 0 && path.segment_name() == "MSH")) return delimiters_fixed(path);
    if (raw.find_first_of("\r\n") != std::string_view::npos) {
        return error("segment_break", path.text(),
                     "the raw text holds a CR or LF, which would end the segment",
                     "set it as text, so that it is escaped");
    }
    if (path.occurrence == Path::all) {
        std::string const kept(raw);  // `raw` may be a view into one of the texts that are replaced
        raw = kept;
        for (auto& slot : segments_) {
            if (!is(slot, path.segment_name())) continue;
            if (auto done = put_one(slot, path, raw); !done) return done;
        }
        return {};
    }
    auto slot = slot_for(path);
    if (!slot) return slot.error();
    if (*slot != nullptr) return put_one(**slot, path, raw);

    if (path.repetition == Path::all) return {};  // every existing one, and none exists

    // A new segment: made aside first, so that a refused value leaves none behind.
    Slot fresh;
    edits_.emplace_front(path.segment_name());
    fresh.edit = &edits_.front();
    fresh.text = *fresh.edit;
    if (auto done = put(fresh, path, raw); !done) {
        edits_.pop_front();
        return done;
    }
    Slot& placed = add_segment(path.segment_name());
    placed.text = fresh.text;
    placed.edit = fresh.edit;
    return {};
}

Result<void> Message::put_one(Slot& slot, Path const& path, std::string_view raw) {
    bool const charset = path.field == 18 && &slot == &segments_.front();
    return charset ? follow_msh18(path, raw) : put(slot, path, raw);
}

// The slot of a path's segment; nullptr when it is the next one in number.
Result<Message::Slot*> Message::slot_for(Path const& path) {
    std::uint32_t seen = 0;
    for (auto& slot : segments_) {
        if (is(slot, path.segment_name()) && ++seen == path.occurrence) return &slot;
    }
    if (seen + 1 == path.occurrence && path.segment_name() != "MSH") return static_cast<Slot*>(nullptr);
    return error("no_such_segment", path.text(),
                 "the message has " + std::to_string(seen) + " segments " + std::string(path.segment_name()),
                 "set the next one in number first, or use one that is there");
}

// An empty slot after the last segment of that name, or at the end.
Message::Slot& Message::add_segment(std::string_view name) {
    auto last =
        std::find_if(segments_.rbegin(), segments_.rend(), [&](Slot const& s) { return is(s, name); });
    return place(
        {}, last == segments_.rend() ? segments_.size() : static_cast<std::size_t>(segments_.rend() - last));
}

Result<void> Message::put(Slot& slot, Path const& path, std::string_view raw) {
    if (path.field == 0) {
        rewrite(slot, std::string(raw));
        return {};
    }
    bool const header = header_name(path.segment_name());
    std::array<Step, 4> const steps = {{
        {delimiters_.field, header ? path.field : path.field + 1, "field"},
        {delimiters_.repetition, path.repetition, "repetition"},
        {delimiters_.component, path.component, "component"},
        {delimiters_.subcomponent, path.subcomponent, "subcomponent"},
    }};
    std::string text;
    text.reserve(slot.text.size() + raw.size() + 8);
    if (path.repetition != Path::all) {
        if (auto done = write_with(slot.text, steps, path, raw, text); !done) return done;
    } else {
        std::string_view const field = field_in(slot.text, path);
        if (field.empty()) return {};
        // The field is written anew in one go: it may hold very many repetitions.
        auto const at = static_cast<std::size_t>(field.data() - slot.text.data());
        text += slot.text.substr(0, at);
        std::string_view rest = field;
        for (bool more = true; more;) {
            std::size_t const end =
                delimiters_.repetition == '\0' ? std::string_view::npos : rest.find(delimiters_.repetition);
            auto done = write_with(rest.substr(0, end), std::span(steps).subspan(2), path, raw, text);
            if (!done) return done;
            more = end != std::string_view::npos;
            if (more) {
                text += delimiters_.repetition;
                rest.remove_prefix(end + 1);
            }
        }
        text += slot.text.substr(at + field.size());
    }
    rewrite(slot, std::move(text));
    return {};
}

// A line feed that was text (lf_in_text) may have come to stand where it would end a segment.
void Message::keep_line_feeds(std::string& text) const {
    for (auto at = text.find('\n'); at != std::string::npos; at = text.find('\n', at + 1)) {
        if (lf_is_text(text, at)) continue;
        // Without an escape character nothing says it: a blank parts what it parted.
        text.replace(at, 1, delimiters_.escape == '\0' ? " " : escaped_line_feed());
    }
}

std::string Message::escaped_line_feed() const {
    return delimiters_.escape + std::string("X0A") + delimiters_.escape;
}

// The first edit of a segment gives it a text of its own, later ones replace that.
void Message::rewrite(Slot& slot, std::string text) {
    keep_line_feeds(text);
    if (slot.edit != nullptr) {
        *slot.edit = std::move(text);
    } else {
        edits_.push_front(std::move(text));
        slot.edit = &edits_.front();
    }
    slot.text = *slot.edit;
    if (&slot == &segments_.front()) ++structure_revision_;
    edited_ = true;
}

void Message::splice(Slot& slot, std::size_t at, std::size_t removed, std::string_view inserted) {
    std::string text;
    text.reserve(slot.text.size() - removed + inserted.size());
    text += slot.text.substr(0, at);
    text += inserted;
    text += slot.text.substr(at + removed);
    rewrite(slot, std::move(text));
}

std::size_t Message::erase(Path const& path) {
    if (fixed(path)) return 0;
    if (path.field == 0) return erase_segments(path);
    std::size_t erased = 0;
    std::uint32_t seen = 0;
    for (auto& slot : segments_) {
        if (!is(slot, path.segment_name())) continue;
        if (path.occurrence != Path::all && ++seen != path.occurrence) continue;
        erased += erase_value(slot, path);
        if (path.occurrence != Path::all) break;
    }
    return erased;
}

std::size_t Message::erase_in(std::size_t segment, Path const& path) {
    if (segment == 0 || segment > segments_.size() || path.field == 0 || fixed(path)) return 0;
    return erase_value(segments_[segment - 1], path);
}

std::size_t Message::erase_value(Slot& slot, Path const& path) {
    return path.repetition_given && path.repetition != Path::all && path.component == 0
               ? erase_repetition(slot, path)
               : erase_in(slot, path);
}

// Empties what the path names in one segment.
std::size_t Message::erase_in(Slot& slot, Path const& path) {
    std::string_view const field = field_in(slot.text, path);
    if (field.empty()) return 0;
    auto const at = [&](std::string_view range) {
        return static_cast<std::size_t>(range.data() - slot.text.data());
    };
    if (path.component == 0) {
        std::size_t const there =
            path.repetition == Path::all ? count_parts(field, delimiters_.repetition) : 1;
        splice(slot, at(field), field.size(), {});
        return there;
    }
    if (path.repetition != Path::all) {
        Value const value = value_in(part(field, delimiters_.repetition, path.repetition), path);
        if (value.raw.empty()) return 0;
        splice(slot, at(value.raw), value.raw.size(), {});
        return 1;
    }
    // All repetitions: the field is rewritten once.
    std::string rewritten;
    std::size_t erased = 0;
    std::size_t begin = 0;
    while (begin <= field.size()) {
        std::size_t end = delimiters_.repetition == '\0' ? std::string_view::npos
                                                         : field.find(delimiters_.repetition, begin);
        end = std::min(end, field.size());
        std::string_view const repetition = field.substr(begin, end - begin);
        std::string_view const raw = value_in(repetition, path).raw;
        if (begin != 0) rewritten += delimiters_.repetition;
        if (raw.empty()) {
            rewritten += repetition;
        } else {
            auto const before = static_cast<std::size_t>(raw.data() - repetition.data());
            rewritten += repetition.substr(0, before);
            rewritten += repetition.substr(before + raw.size());
            ++erased;
        }
        begin = end + 1;
    }
    if (erased != 0) splice(slot, at(field), field.size(), rewritten);
    return erased;
}

// Removes one repetition and one delimiter beside it.
std::size_t Message::erase_repetition(Slot& slot, Path const& path) {
    std::string_view const field = field_in(slot.text, path);
    std::string_view const found = part(field, delimiters_.repetition, path.repetition);
    if (found.data() == nullptr || field.empty()) return 0;
    auto at = static_cast<std::size_t>(found.data() - slot.text.data());
    std::size_t removed = found.size();
    if (found.data() + found.size() != field.data() + field.size()) {
        ++removed;
    } else if (found.data() != field.data()) {
        --at;
        ++removed;
    }
    std::size_t const there = found.empty() ? 0 : 1;
    splice(slot, at, removed, {});
    return there;
}

Result<void> Message::copy(Path const& from, Path const& to) {
    return copy_in(find(from.segment_name(), from.occurrence == Path::all ? 1 : from.occurrence), from, 0,
                   to);
}

Result<void> Message::copy_in(std::size_t from_segment, Path const& from, std::size_t to_segment,
                              Path const& to) {
    if (from.field == 0) return whole_segment(from);
    if (to.field == 0) return whole_segment(to);
    Value const value = get_in(from_segment, from);
    Value const there = to_segment == 0 ? get(to) : get_in(to_segment, to);
    if (fixed(from)) return to_segment == 0 ? set(to, value.raw) : set_in(to_segment, to, value.raw);
    if (value.presence == Presence::absent && there.presence == Presence::absent) return {};
    auto const put_it = [&](std::string_view raw) {
        return to_segment == 0 ? put_everywhere(to, raw) : put_one(segments_[to_segment - 1], to, raw);
    };
    if (value.raw.find('\n') == std::string_view::npos) return put_it(value.raw);
    // A line break that was kept as text (lf_in_text) might end the segment in its new place.
    if (delimiters_.escape == '\0') {
        return error("no_such_delimiter", to.text(),
                     "the value holds an LF and MSH-2 declares no escape character",
                     "have the sender declare ^~\\& in MSH-2");
    }
    std::string raw;
    for (char const c : value.raw) {
        if (c == '\n') {
            raw += escaped_line_feed();
        } else {
            raw += c;
        }
    }
    return put_it(raw);
}

}  // namespace hilum::hl7
