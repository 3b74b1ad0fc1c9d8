// An HL7 v2 message (ER7) as it came: an index of its segments over the bytes, everything below read on
// demand.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "parsers/hl7/charset.h"
#include "parsers/hl7/delimiters.h"
#include "parsers/hl7/path.h"
#include "parsers/result.h"

namespace hilum::hl7 {

// HL7 v2.8.2 §2.5.3.5: a field not there, there without characters, there as the explicit null "".
enum class Presence : unsigned char { absent, empty, null, value };

// Raw text (still escaped, in the message's charset and its masked form, see charset_mask.h), a view into the
// message; valid until the message is edited or destroyed. Message::decode makes text of it.
struct Value {
    std::string_view raw;
    Presence presence = Presence::absent;
};

// Deviations from the standard that are read anyway; counted per listener, named in `inspect`.
enum class Tolerance : std::uint16_t {
    lf_terminator = 1,        // segments ended by LF
    crlf_terminator = 2,      // segments ended by CR LF
    no_final_terminator = 4,  // the last segment has no terminator
    short_msh2 = 8,           // MSH-2 declares fewer than four characters
    blank_lines = 16,         // empty segments between terminators
    leading_bytes = 32,       // white space or a UTF-8 BOM before MSH
    bad_segment_name = 64,    // a segment whose name is not [A-Z][A-Z0-9]{2}; kept as it is
    odd_msh2 = 128,           // MSH-2 repeats a character, has one that is no ASCII byte, or more than five
    lf_in_text = 256,         // an LF inside a segment of a message whose segments end with CR; kept as text
};

struct ToleranceName {
    Tolerance tolerance;
    std::string_view name;
};
inline constexpr ToleranceName tolerance_names[] = {
    {Tolerance::lf_terminator, "segments end with LF"},
    {Tolerance::crlf_terminator, "segments end with CR LF"},
    {Tolerance::no_final_terminator, "no terminator after the last segment"},
    {Tolerance::short_msh2, "MSH-2 declares fewer than four characters"},
    {Tolerance::blank_lines, "empty segments"},
    {Tolerance::leading_bytes, "white space or a byte order mark before MSH"},
    {Tolerance::bad_segment_name, "a segment name that is none"},
    {Tolerance::odd_msh2, "MSH-2 with a repeated character, one that is no ASCII, or more than five"},
    {Tolerance::lf_in_text, "a line feed inside a text"},
};

// What ends a segment: CR, LF or CR LF, each wherever it stands; but where MSH ends with a bare CR, an LF
// that is not followed by a segment ("OBX|") or the end is text (senders break lines in notes that way).
//
// What MSH-2 declares: component, repetition, escape, subcomponent, truncation, by position. A character that
// repeats an earlier one or is no ASCII byte declares nothing for its position (a UTF-8 sequence is one
// character); an escape character written twice (^~\\&, out of somebody's source code) counts once. An empty
// MSH-2 means the recommended ^~\&.
//
// Text is UTF-8 outside, and in the bytes what MSH-18 declares (charset.h). A byte order mark of UTF-8 before
// MSH outweighs MSH-18.
class Message {
  public:
    // A view over `bytes`, which must outlive the message. No copy, no allocation for up to 32 segments.
    // Errors: "no_msh", "short_msh" (no MSH-2 at all), "bad_delimiters" (MSH-1 or MSH-2 holds a letter,
    // digit, space or control byte, MSH-1 is no ASCII byte, or MSH-2 has more than eight bytes),
    // "wide_charset" (UTF-16 or UTF-32).
    // `as` is read and written instead of what MSH-18 says, until an edit sets MSH-18. A message in a charset
    // that masks() is copied when it has bytes to mask.
    static Result<Message> view(std::string_view bytes, std::optional<Charset> as = {});
    // Owns the bytes.
    static Result<Message> parse(std::string bytes, std::optional<Charset> as = {});

    Message(Message&&) noexcept;
    Message& operator=(Message&&) noexcept;
    Message(Message const&) = delete;
    Message& operator=(Message const&) = delete;
    ~Message();

    Delimiters const& delimiters() const { return delimiters_; }
    std::uint16_t tolerances() const { return tolerances_; }  // bits of Tolerance
    bool has(Tolerance t) const { return (tolerances_ & static_cast<std::uint16_t>(t)) != 0; }

    Charset charset() const { return charset_; }
    // The `as` that still holds.
    std::optional<Charset> charset_given() const { return given_; }

    // Segments in order, from 1, raw. Text is without terminator. Segments shorter than three characters
    // count too.
    std::size_t segment_count() const { return segments_.size(); }
    std::string_view segment(std::size_t number) const;
    // The number of the n-th segment of that name, 0 when there is none.
    std::size_t find(std::string_view name, std::uint32_t occurrence = 1) const;
    std::size_t count(std::string_view name) const;

    // The value at a path; [*] means the first. MSH-1 is the field delimiter and MSH-2 the encoding
    // characters (never split or unescaped). A path to a component of a field that has none: component 1 is
    // the field itself.
    Value get(Path const& path) const;
    // Unescaped text; empty when absent, empty or null. `scratch` holds it when something was escaped.
    std::string_view text(Path const& path, std::string& scratch) const;
    std::string text(std::string_view path) const;  // for tests and slow paths; a bad path gives ""

    // The text that raw text of this message stands for: decoded and unescaped. Returns `raw` itself where
    // both change nothing, else a view of `scratch`.
    std::string_view decode(std::string_view raw, std::string& scratch) const;
    // Whether nothing in it has to be decoded: ASCII without escape sequences and control characters.
    bool plain() const;
    // Appends the bytes that raw text of this message came as.
    void append_bytes(std::string_view raw, std::string& out) const;

    // Calls f(Value) for every value that the path names, in order ([*] on segment and repetition), absent
    // ones left out.
    template <class F>
    void for_each(Path const& path, F&& f) const;

    // MSH-1, MSH-2 and their like in FHS and BHS: the delimiters themselves, which nothing splits, unescapes
    // or edits.
    static bool fixed(Path const& path);

    // Number of repetitions of a field (0 when absent or empty).
    std::size_t repetitions(Path const& field) const;

    // Edits. Every byte that the edit does not name stays as it came. Text is escaped; raw is put in as it
    // is. set: [*] sets every existing one; a missing segment occurrence is an error ("no_such_segment")
    // unless it is the next in number, then it is appended after the last of that name or at the end. Missing
    // fields, repetitions and components are made with just enough delimiters. An empty text leaves an empty
    // value; the text "" (two quotes) is HL7's null. Errors: "no_such_segment", "delimiters_fixed" (MSH-1,
    // MSH-2, the whole MSH), "whole_segment" (a path without field), "no_such_delimiter" (the message
    // declares none for what the path or the text needs), "position_too_large" (more than 65,535 delimiters
    // would have to be made), "segment_break" (raw text with CR or LF). A failed edit changes nothing, with
    // [*] nothing after the failure.
    //
    // Text is written in the message's charset: "not_in_charset" when that lacks a character. Setting MSH-18
    // to another charset that is known writes the whole message in that one, whatever it was in; then
    // "undecodable" when it holds bytes that are no characters.
    Result<void> set(Path const& path, std::string_view text);
    // set_raw also takes a whole segment (field 0); `raw` then begins with that segment's name.
    Result<void> set_raw(Path const& path, std::string_view raw);
    // Whole segments (field 0) are removed with their terminator; a repetition is removed and the later ones
    // move up if it was written with an index, else the whole field is emptied; components are emptied.
    // Returns how many were there (a value or null). The leading MSH, MSH-1 and MSH-2 stay.
    std::size_t erase(Path const& path);
    // Puts the raw value (with all its components) of `from` into `to`; delimiters are those of this message.
    // An absent `from` empties `to`, if it is there. Errors: those of set.
    Result<void> copy(Path const& from, Path const& to);

    // The same for one segment by its number, whatever the path's occurrence; the path's segment name has to
    // be that segment's. A number beyond the last is "no_such_segment".
    Value get_in(std::size_t segment, Path const& path) const;
    template <class F>
    void for_each_in(std::size_t segment, Path const& path, F&& f) const;
    Result<void> set_in(std::size_t segment, Path const& path, std::string_view text);
    std::size_t erase_in(std::size_t segment, Path const& path);  // a path with a field
    // Removes these segments, in ascending order and without the leading MSH.
    std::size_t erase_segments(std::span<std::size_t const> numbers);

    // copy() between segments by their numbers; 0 is none for `from`, and where the path leads for `to`.
    Result<void> copy_in(std::size_t from_segment, Path const& from, std::size_t to_segment, Path const& to);
    // An empty segment of that name behind the one of that number; its own number. Error "no_such_segment".
    Result<std::size_t> insert_segment(std::size_t after, std::string_view name);
    // Another name before the same fields; not for the leading MSH. Error "no_such_segment".
    Result<void> rename_segment(std::size_t number, std::string_view name);

    // From here on, this segment is the only one of its name for every path: OBX, OBX[1] and OBX[*] mean it,
    // until unfocus(), also when others are added or removed before it; once it is removed they mean none.
    // Segments by number, and so paths through groups, see all. May be nested. unfocus() gives how many
    // segments stand up to and with it.
    void focus(std::size_t number);
    std::size_t unfocus();
    // The first segment of that name behind segment `after` that was there at that structure_revision(); 0:
    // none.
    std::size_t next_segment(std::string_view name, std::size_t after, std::uint32_t revision) const;

    // Changes whenever a segment is added or removed or MSH is edited: what was known of the order of the
    // segments is then out of date.
    std::uint32_t structure_revision() const { return structure_revision_; }

    bool edited() const { return edited_; }
    // The bytes to send: as received where not edited, tolerances included.
    void append_to(std::string& out) const;
    std::string bytes() const;

  private:
    struct Slot {
        std::string_view text;        // without terminator
        std::string_view terminator;  // "\r", "\n" or "\r\n", then those of blank lines after it; or ""
        std::string* edit = nullptr;  // where `text` lives once edited; in edits_
        std::uint32_t born = 0;       // the structure revision that brought it; 0: it came with the message
    };

    struct Focus {
        std::string name;
        std::size_t before = 0;  // segments that stand before it
        bool there = true;       // not removed
    };

    Message() = default;
    // message.cpp
    Result<void> read_header(std::string_view bytes);
    void index_segments();
    bool lf_is_text(std::string_view text, std::size_t at) const;
    void add_line(std::string_view text, std::string_view terminator);
    // `name` has three characters.
    bool is(Slot const& slot, std::string_view name) const {
        std::string_view const text = slot.text;
        return text.size() >= 3 && text[0] == name[0] && text[1] == name[1] && text[2] == name[2] &&
               (text.size() == 3 || text[3] == delimiters_.field) &&
               (foci_.empty() || !out_of_focus(slot, name));
    }
    bool out_of_focus(Slot const& slot, std::string_view name) const;
    std::string_view field_in(std::string_view segment, Path const& path) const;
    Value value_in(std::string_view repetition, Path const& path) const;
    Value value_of(std::string_view segment, Path const& path) const;
    template <class F>
    void each_value(std::string_view segment, Path const& path, F&& f) const;
    // message_charset.cpp
    void find_charset(std::optional<Charset> as);
    Charset charset_to_write() const;
    Result<void> encode(Path const& path, std::string& raw) const;
    Result<void> follow_msh18(Path const& path, std::string_view raw);
    Result<void> recode(Charset to, std::string_view msh);
    // message_segments.cpp
    Slot& place(Slot slot, std::size_t after);
    std::size_t keep(std::vector<bool> const& kept);
    std::size_t erase_segments(Path const& path);
    // message_edit.cpp
    Result<std::string> as_raw(Path const& path, std::string_view text) const;
    Result<void> put_everywhere(Path const& path, std::string_view raw);
    Result<void> put_one(Slot& slot, Path const& path, std::string_view raw);
    Result<void> put(Slot& slot, Path const& path, std::string_view raw);
    void rewrite(Slot& slot, std::string text);
    void keep_line_feeds(std::string& text) const;
    std::string escaped_line_feed() const;
    Result<Slot*> slot_for(Path const& path);
    Slot& add_segment(std::string_view name);
    void splice(Slot& slot, std::size_t at, std::size_t removed, std::string_view inserted);
    std::size_t erase_value(Slot& slot, Path const& path);
    std::size_t erase_in(Slot& slot, Path const& path);
    std::size_t erase_repetition(Slot& slot, Path const& path);

    std::string owned_;        // what bytes_ points into: with parse(), or masked
    std::string_view bytes_;   // all that came, masked
    std::string_view prefix_;  // leading_bytes
    Delimiters delimiters_;
    Charset charset_;
    std::optional<Charset> given_;
    std::uint16_t tolerances_ = 0;
    bool edited_ = false;
    std::uint32_t structure_revision_ = 0;
    boost::container::small_vector<Slot, 32> segments_;
    std::forward_list<std::string> edits_;  // texts that slots point into; stable addresses
    std::vector<Focus> foci_;
};

template <class F>
void Message::for_each(Path const& path, F&& f) const {
    std::uint32_t seen = 0;
    for (auto const& slot : segments_) {
        if (!is(slot, path.segment_name())) continue;
        if (path.occurrence != Path::all && ++seen != path.occurrence) continue;
        each_value(slot.text, path, f);
        if (path.occurrence != Path::all) return;
    }
}

template <class F>
void Message::for_each_in(std::size_t segment, Path const& path, F&& f) const {
    if (segment != 0 && segment <= segments_.size()) each_value(segments_[segment - 1].text, path, f);
}

template <class F>
void Message::each_value(std::string_view segment, Path const& path, F&& f) const {
    std::string_view rest = field_in(segment, path);
    std::uint32_t number = 1;
    bool more = rest.data() != nullptr && !(rest.empty() && path.repetition == Path::all);
    while (more) {
        // The delimiters of MSH-2 do not split it.
        std::size_t const end = delimiters_.repetition == '\0' || path.field == 0 || fixed(path)
                                    ? std::string_view::npos
                                    : rest.find(delimiters_.repetition);
        if (path.repetition == Path::all || path.repetition == number) {
            Value const v = value_in(rest.substr(0, end), path);
            if (v.presence != Presence::absent) f(v);
        }
        more = end != std::string_view::npos && number++ != path.repetition;
        if (more) rest.remove_prefix(end + 1);
    }
}

}  // namespace hilum::hl7
