#include "parsers/hl7/message.h"

#include <algorithm>
#include <array>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/line_ends.h"
#include "parsers/hl7/scan.h"

namespace hilum::hl7 {

namespace {

bool letter_digit_or_blank(char c) {
    return upper(c) || (c >= 'a' && c <= 'z') || digit(c) || c == ' ' || control(c);
}

// What may stand before MSH and be skipped: white space, a UTF-8 byte order mark.
std::size_t leading_bytes(std::string_view bytes) {
    std::size_t at = 0;
    while (at < bytes.size()) {
        char const c = bytes[at];
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            ++at;
        } else if (bytes.substr(at, 3) == "\xef\xbb\xbf") {
            at += 3;
        } else {
            break;
        }
    }
    return at;
}

// A byte order mark of UTF-16 or UTF-32, or MSH in one of them.
bool is_wide(std::string_view text) {
    using namespace std::string_view_literals;
    std::string_view const begin = text.substr(0, 2);
    return begin == "\xff\xfe" || begin == "\xfe\xff" || begin == "M\0"sv || begin == "\0M"sv ||
           text.substr(0, 4) == "\0\0\0M"sv || text.substr(0, 4) == "\0\0\xfe\xff"sv;
}

// The length of the character at the start of `text`: a well-formed UTF-8 sequence, else one byte.
std::size_t character_length(std::string_view text) {
    auto const lead = static_cast<unsigned char>(text[0]);
    std::size_t const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (length > text.size()) return 1;
    for (std::size_t i = 1; i < length; ++i) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 1;
    }
    return length;
}

std::uint16_t bit(Tolerance t) {
    return static_cast<std::uint16_t>(t);
}

constexpr std::size_t msh2_longest = 8;
// How nearly all messages begin; read_header() needs a tenth of its time for them.
constexpr std::string_view usual_header = "MSH|^~\\&|";

struct Declared {
    Delimiters delimiters;
    std::uint16_t tolerances = 0;
};

// Gives each character of MSH-2 its role, by position.
Declared declare(char field, std::string_view msh2) {
    Declared result;
    Delimiters& d = result.delimiters;
    if (msh2.empty()) {
        msh2 = "^~\\&";
        result.tolerances = bit(Tolerance::short_msh2);
    }
    d = Delimiters{field, '\0', '\0', '\0', '\0', '\0'};
    std::array<char*, 5> const roles = {&d.component, &d.repetition, &d.escape, &d.subcomponent,
                                        &d.truncation};
    std::size_t role = 0;
    while (!msh2.empty()) {
        std::size_t const length = character_length(msh2);
        char const c = msh2[0];
        bool const doubled_escape = role == 3 && c == d.escape && c != '\0' && msh2.size() > 1;
        bool const repeated =
            c == field || std::any_of(roles.begin(), roles.end(), [c](char const* r) { return *r == c; });
        if (doubled_escape || repeated || !ascii(c) || role >= roles.size()) {
            result.tolerances |= bit(Tolerance::odd_msh2);
        } else {
            *roles[role] = c;
        }
        if (!doubled_escape) ++role;
        msh2.remove_prefix(length);
    }
    if (role < 4) result.tolerances |= bit(Tolerance::short_msh2);
    return result;
}

Value classify(std::string_view raw) {
    if (raw.data() == nullptr) return {};
    if (raw.empty()) return {raw, Presence::empty};
    return {raw, raw == "\"\"" ? Presence::null : Presence::value};
}

}  // namespace

Message::Message(Message&&) noexcept = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

Result<Message> Message::view(std::string_view bytes, std::optional<Charset> as) {
    Result<Message> result(boost::system::in_place_value, Message());
    auto const header = result->read_header(bytes);
    if (header) {
        auto const tolerances = result->tolerances_;
        char const* const received = result->bytes_.data();
        result->index_segments();
        result->find_charset(as);
        if (result->bytes_.data() != received) {  // masked: other bytes
            result->segments_.clear();
            result->tolerances_ = tolerances;
            result->index_segments();
        }
    } else {
        result = header.error();
    }
    return result;
}

Result<Message> Message::parse(std::string bytes, std::optional<Charset> as) {
    // The views point into the string; on the heap it keeps its address when the message is moved.
    bytes.reserve(64);
    std::string_view const all = bytes;
    auto result = view(all, as);
    if (result && result->owned_.empty()) result->owned_ = std::move(bytes);
    return result;
}

Result<void> Message::read_header(std::string_view bytes) {
    bytes_ = bytes;
    std::size_t const start = leading_bytes(bytes);
    prefix_ = bytes.substr(0, start);
    if (start != 0) tolerances_ |= bit(Tolerance::leading_bytes);
    std::string_view const text = bytes.substr(start);
    if (is_wide(text)) {
        return error("wide_charset", "byte " + std::to_string(start),
                     "the message is UTF-16 or UTF-32, whose bytes can't be framed or split",
                     "have the sender write UNICODE UTF-8");
    }
    if (text.substr(0, 3) != "MSH") {
        return error("no_msh", "byte " + std::to_string(start), "an HL7 message begins with the segment MSH",
                     "check that the sender sends HL7 v2 in the vertical bar encoding (ER7)");
    }
    if (text.substr(0, usual_header.size()) == usual_header) return {};  // delimiters_ is made for it
    std::string_view const to_cr = text.substr(0, text.find('\r'));
    std::string_view const line = to_cr.substr(0, to_cr.find('\n'));
    if (line.size() < 5) {
        return error("short_msh", "MSH[1]", "MSH ends before MSH-2",
                     "send MSH with its fields, as MSH|^~\\&|...");
    }
    char const field = line[3];
    if (letter_digit_or_blank(field) || !ascii(field)) {
        return error(
            "bad_delimiters", "MSH[1]-1",
            "the field delimiter is a letter, a digit, a blank, a control byte or no ASCII character",
            "use | as in MSH|^~\\&|");
    }
    std::size_t const end = line.find(field, 4);
    std::string_view const msh2 = line.substr(4, end == std::string_view::npos ? end : end - 4);
    if (msh2.size() > msh2_longest || std::any_of(msh2.begin(), msh2.end(), letter_digit_or_blank)) {
        return error("bad_delimiters", "MSH[1]-2",
                     "MSH-2 holds a letter, a digit, a blank, a control byte or more than " +
                         std::to_string(msh2_longest) + " bytes",
                     "send the encoding characters, as ^~\\& or ^~\\&#");
    }
    auto const declared = declare(field, msh2);
    delimiters_ = declared.delimiters;
    tolerances_ |= declared.tolerances;
    return {};
}

// Of an LF where segments end with CR: whether it belongs to the text around it. At the end of a line and
// before what looks like a segment it does not.
bool Message::lf_is_text(std::string_view text, std::size_t at) const {
    std::string_view const after = text.substr(at + 1, 4);
    if (after.empty() || after[0] == '\r' || after[0] == '\n') return false;
    return !segment_name(after.substr(0, 3)) || after.size() < 4 || after[3] != delimiters_.field;
}

void Message::index_segments() {
    std::string_view const body = bytes_.substr(prefix_.size());
    char const* const data = body.data();
    std::size_t const size = body.size();
    LineEnds ends(body);
    std::size_t begin = 0;
    bool cr_ends = false;  // MSH ends with a bare CR
    while (begin < size) {
        std::size_t end = ends.next();
        if (end == nowhere) end = size;
        if (end < begin) continue;  // the LF of a CR LF
        std::size_t next = end + 1;
        if (end == size) {
            tolerances_ |= bit(Tolerance::no_final_terminator);
            next = end;
        } else if (data[end] == '\n') {
            if (cr_ends && end != begin && lf_is_text(body, end)) {  // at the beginning it is a blank line
                tolerances_ |= bit(Tolerance::lf_in_text);
                continue;
            }
            tolerances_ |= bit(Tolerance::lf_terminator);
        } else if (next < size && data[next] == '\n') {
            tolerances_ |= bit(Tolerance::crlf_terminator);
            ++next;
        } else if (segments_.empty()) {
            cr_ends = true;
        }
        add_line(body.substr(begin, end - begin), body.substr(end, next - end));
        begin = next;
    }
}

void Message::add_line(std::string_view text, std::string_view terminator) {
    if (text.empty()) {
        // A blank line belongs to what ends the segment before it; MSH is not blank, so there is one.
        tolerances_ |= bit(Tolerance::blank_lines);
        std::string_view& before = segments_.back().terminator;
        before = {before.data(), before.size() + terminator.size()};
        return;
    }
    bool const good = text.size() > 3 ? named(text.data()) && text[3] == delimiters_.field
                                      : text.size() == 3 && named(text.data());
    if (!good) tolerances_ |= bit(Tolerance::bad_segment_name);
    // In place: a slot put together first and copied then costs as much as all else here.
    Slot& slot = segments_.emplace_back();
    slot.text = text;
    slot.terminator = terminator;
}

std::string_view Message::segment(std::size_t number) const {
    return number == 0 || number > segments_.size() ? std::string_view{} : segments_[number - 1].text;
}

std::size_t Message::find(std::string_view name, std::uint32_t occurrence) const {
    if (name.size() != 3 || occurrence == 0) return 0;
    for (std::size_t i = 0; i < segments_.size(); ++i) {
        if (is(segments_[i], name) && --occurrence == 0) return i + 1;
    }
    return 0;
}

std::size_t Message::count(std::string_view name) const {
    if (name.size() != 3) return 0;
    return static_cast<std::size_t>(
        std::count_if(segments_.begin(), segments_.end(), [&](Slot const& slot) { return is(slot, name); }));
}

bool Message::fixed(Path const& path) {
    return (path.field == 1 || path.field == 2) && header_name(path.segment_name());
}

std::string_view Message::field_in(std::string_view segment, Path const& path) const {
    if (path.field == 0) return segment;
    if (!header_name(path.segment_name())) return part(segment, delimiters_.field, path.field + 1);
    // MSH-1 is the delimiter itself, so MSH-n is the n-th part.
    if (path.field == 1) return segment.size() < 4 ? std::string_view{} : segment.substr(3, 1);
    return part(segment, delimiters_.field, path.field);
}

// The component or subcomponent of one repetition.
Value Message::value_in(std::string_view repetition, Path const& path) const {
    if (path.field == 0 || path.component == 0) return classify(repetition);
    if (fixed(path)) return path.component == 1 && path.subcomponent <= 1 ? classify(repetition) : Value{};
    std::string_view found = part(repetition, delimiters_.component, path.component);
    if (path.subcomponent != 0) found = part(found, delimiters_.subcomponent, path.subcomponent);
    return classify(found);
}

Value Message::get(Path const& path) const {
    std::size_t const number = find(path.segment_name(), path.occurrence == Path::all ? 1 : path.occurrence);
    return number == 0 ? Value{} : value_of(segments_[number - 1].text, path);
}

Value Message::get_in(std::size_t segment, Path const& path) const {
    bool const there = segment != 0 && segment <= segments_.size();
    return there ? value_of(segments_[segment - 1].text, path) : Value{};
}

Value Message::value_of(std::string_view segment, Path const& path) const {
    std::string_view const field = field_in(segment, path);
    if (path.field == 0) return classify(field);
    std::uint32_t const repetition = path.repetition == Path::all ? 1 : path.repetition;
    if (fixed(path)) return repetition == 1 ? value_in(field, path) : Value{};
    return value_in(part(field, delimiters_.repetition, repetition), path);
}

std::string_view Message::text(Path const& path, std::string& scratch) const {
    Value const value = get(path);
    if (value.presence != Presence::value) return {};
    return fixed(path) ? value.raw : decode(value.raw, scratch);
}

std::string Message::text(std::string_view path) const {
    auto const parsed = Path::parse(path);
    std::string scratch;
    return parsed ? std::string(text(*parsed, scratch)) : std::string{};
}

std::size_t Message::repetitions(Path const& path) const {
    std::size_t const number = find(path.segment_name(), path.occurrence == Path::all ? 1 : path.occurrence);
    if (number == 0) return 0;
    std::string_view const field = field_in(segments_[number - 1].text, path);
    if (field.empty()) return 0;
    return path.field == 0 || fixed(path) ? 1 : count_parts(field, delimiters_.repetition);
}

void Message::append_to(std::string& out) const {
    if (!edited_) {
        append_bytes(bytes_, out);
        return;
    }
    std::size_t size = prefix_.size();
    for (auto const& slot : segments_) size += slot.text.size() + slot.terminator.size();
    out.reserve(out.size() + size);
    out += prefix_;
    for (auto const& slot : segments_) {
        append_bytes(slot.text, out);
        out += slot.terminator;
    }
}

std::string Message::bytes() const {
    std::string out;
    append_to(out);
    return out;
}

}  // namespace hilum::hl7
