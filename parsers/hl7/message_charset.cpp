// What charset a message is in; its text decoded and encoded.
#include <algorithm>
#include <vector>

#include "parsers/hl7/charset_mask.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/message.h"
#include "parsers/hl7/scan.h"
#include "parsers/hl7/utf8.h"

namespace hilum::hl7 {

namespace {

constexpr std::uint32_t msh18 = 18;

// The masked form of a message or its MSH, appended to `out`. MSH-1 and MSH-2 are delimiters and in no
// charset (§2.5.4): a byte above 0x7f that ends MSH-2 makes no character with the delimiter behind it.
bool mask_behind_msh2(std::string_view text, Charset charset, Delimiters const& d, std::string& out) {
    std::size_t end = std::min(text.find(d.field, 4), text.size());
    if (text.substr(0, end).find('\xff') != std::string_view::npos) end = 0;  // mask() writes it twice
    std::size_t const before = out.size();
    out += text.substr(0, end);
    if (mask(text.substr(end), charset, d, out)) return true;
    out.resize(before);
    return false;
}

// MSH-18 as it is declared in an MSH segment. A charset whose characters have bytes that look like delimiters
// counts when it stands at MSH-18 once the segment is read in it: such characters before it move it to a
// later place in the plain reading. One that would move itself away contradicts itself, and is as good as
// unknown.
Charset declared_in(std::string_view msh, Delimiters const& d) {
    Charset const plain = Charset::declared(part(msh, d.field, msh18), d.repetition);
    if (is_ascii(msh) && msh.find('\x1b') == std::string_view::npos) return plain;
    std::string masked;
    constexpr std::uint32_t moved_at_most = 16;
    for (std::uint32_t n = msh18; n <= msh18 + moved_at_most; ++n) {
        std::string_view const field = part(msh, d.field, n);
        if (field.data() == nullptr) break;
        Charset const candidate = Charset::declared(field, d.repetition);
        if (!candidate.masks()) continue;
        masked.clear();
        if (!mask_behind_msh2(msh, candidate, d, masked)) masked = msh;
        if (Charset::declared(part(masked, d.field, msh18), d.repetition) == candidate) return candidate;
    }
    return plain.masks() ? Charset{Coding::unknown} : plain;
}

}  // namespace

void Message::find_charset(std::optional<Charset> as) {
    std::string_view const text = bytes_.substr(prefix_.size());
    if (as) {
        charset_ = *as;
        given_ = as;
    } else if (prefix_.find("\xef\xbb\xbf") != std::string_view::npos) {
        charset_ = {Coding::utf8};
    } else {
        charset_ = declared_in(segment(1), delimiters_);
    }
    if (!charset_.masks()) return;
    std::string masked;
    masked.reserve(64);  // on the heap, where it keeps its address when the message is moved
    masked = prefix_;
    if (!mask_behind_msh2(text, charset_, delimiters_, masked)) return;
    owned_ = std::move(masked);
    bytes_ = owned_;
    prefix_ = bytes_.substr(0, prefix_.size());
}

std::string_view Message::decode(std::string_view raw, std::string& scratch) const {
    char const escape = delimiters_.escape;
    bool const escaped = escape != '\0' && raw.find(escape) != std::string_view::npos;
    bool const shifts = charset_.coding == Coding::iso2022 || charset_.coding == Coding::korean;
    if (is_ascii(raw) && (!shifts || raw.find('\x1b') == std::string_view::npos)) {
        if (!escaped) return raw;
        char const charset[] = {escape, 'C', '\0'}, multiple[] = {escape, 'M', '\0'};
        if (raw.find(charset) == std::string_view::npos && raw.find(multiple) == std::string_view::npos)
            return unescape(raw, delimiters_, charset_, scratch);
    } else if (!escaped && charset_.coding <= Coding::utf8 && valid_utf8(raw) == raw.size()) {
        return raw;
    }
    std::string bytes, text;
    if (charset_.masks()) {
        unmask(raw, bytes);
        raw = bytes;
    }
    to_utf8(raw, charset_, text, escape);
    std::string_view const plain = unescape(text, delimiters_, charset_, scratch);
    if (plain.data() == text.data()) scratch = std::move(text);
    return scratch;
}

bool Message::plain() const {
    auto const said = [this](char c) {
        auto const byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte < 0x7f && (c != delimiters_.escape || c == '\0');
    };
    bool header = true;
    for (auto const& slot : segments_) {
        // The escape character itself stands in MSH-2.
        std::string_view const text = slot.text;
        auto const from = std::exchange(header, false)
                              ? std::min<std::size_t>(text.find(delimiters_.field, 4), text.size())
                              : 0;
        if (!std::all_of(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), said)) return false;
    }
    return true;
}

void Message::append_bytes(std::string_view raw, std::string& out) const {
    if (charset_.masks()) {
        unmask(raw, out);
    } else {
        out += raw;
    }
}

// What no declaration says is what the other bytes are in.
Charset Message::charset_to_write() const {
    bool const vague = charset_.coding == Coding::undeclared || charset_.coding == Coding::unknown ||
                       charset_.coding == Coding::ascii;
    if (!vague) return charset_;
    bool plain = true, valid = true;
    for (auto const& slot : segments_) {
        plain = plain && is_ascii(slot.text);
        valid = valid && valid_utf8(slot.text) == slot.text.size();
    }
    if (plain) return charset_;
    return valid ? Charset{Coding::utf8} : Charset{Coding::single_byte, 1};
}

// Escaped UTF-8 to raw text of this message.
Result<void> Message::encode(Path const& path, std::string& raw) const {
    if (is_ascii(raw)) return {};
    Charset const charset = charset_to_write();
    if (charset.coding == Coding::utf8 || charset.coding == Coding::undeclared) return {};
    std::string bytes;
    if (!from_utf8(raw, charset, bytes)) {
        return error("not_in_charset", path.text(),
                     "the text has a character that the message's charset, " + charset.name() + ", lacks",
                     "set MSH-18 to UNICODE UTF-8 first, which writes the whole message in it");
    }
    raw.clear();
    if (!charset.masks() || !mask(bytes, charset, delimiters_, raw)) raw = std::move(bytes);
    return {};
}

// An edit of MSH-18: what it then declares is what the message is written in.
Result<void> Message::follow_msh18(Path const& path, std::string_view from) {
    std::string const raw(from);  // which may be a view into the segment that is rewritten
    Slot& msh = segments_.front();
    std::string const before(msh.text);
    bool const edited = edited_;
    // Without an index the whole of it is meant: what the message may switch to goes with what it was in.
    if (!path.repetition_given && path.component == 0) {
        std::string_view const field = field_in(msh.text, path);
        if (!field.empty())
            splice(msh, static_cast<std::size_t>(field.data() - msh.text.data()), field.size(), {});
    }
    auto const refuse = [&](Result<void> why) {
        rewrite(msh, before);
        edited_ = edited;
        return why;
    };
    if (auto done = put(msh, path, raw); !done) return refuse(std::move(done));
    Charset const to = Charset::declared(part(msh.text, delimiters_.field, msh18), delimiters_.repetition);
    bool const vague = to.coding == Coding::undeclared || to.coding == Coding::unknown;
    if (vague || to == charset_) {
        if (!vague) given_.reset();
        return {};
    }
    auto done = recode(to, path.text());
    return done ? std::move(done) : refuse(std::move(done));
}

// Writes every segment in another charset; none when one can't be.
Result<void> Message::recode(Charset to, std::string_view place) {
    std::vector<std::string> texts;
    std::string bytes, text, written;
    for (auto const& slot : segments_) {
        texts.emplace_back();
        bytes.clear();
        append_bytes(slot.text, bytes);
        bool const shifts = charset_.coding == Coding::iso2022 || charset_.coding == Coding::korean;
        char const spelt[] = {delimiters_.escape, 'X', '\0'};
        bool const plain = is_ascii(bytes) && (!shifts || bytes.find('\x1b') == std::string::npos);
        if (plain && bytes.find(spelt) == std::string::npos) {
            texts.back() = bytes;
            continue;
        }
        text.clear();
        std::size_t const undecodable = to_utf8(bytes, charset_, text, '\0');
        if (undecodable + decode_spelt_bytes(text, delimiters_, charset_) != 0) {
            return error("undecodable", std::string(place),
                         "the message has bytes that are no characters of its charset, " + charset_.name(),
                         "leave MSH-18 as it is, or give the listener the charset that the sender uses");
        }
        written.clear();
        if (!from_utf8(text, to, written)) {
            return error("not_in_charset", std::string(place),
                         "the message has a character that " + to.name() + " lacks",
                         "choose UNICODE UTF-8, which has them all");
        }
        if (!to.masks() || !mask(written, to, delimiters_, texts.back())) texts.back() = written;
    }
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (texts[i] != segments_[i].text) rewrite(segments_[i], std::move(texts[i]));
    }
    if (to.coding != Coding::utf8) prefix_ = {};  // a byte order mark would say otherwise
    charset_ = to;
    given_.reset();
    return {};
}

}  // namespace hilum::hl7
