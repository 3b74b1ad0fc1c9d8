#include <algorithm>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/charset.h"
#include "parsers/hl7/lookup.h"
#include "parsers/hl7/scan.h"
#include "parsers/hl7/structure.h"
#include "parsers/hl7/utf8.h"
#include "parsers/hl7/xml.h"

namespace hilum::hl7 {

namespace {

// What may stand between two escape characters and in an attribute: the sequences of §2.7, and most that
// senders make up.
bool sequence_body(std::string_view body) {
    return !body.empty() && std::all_of(body.begin(), body.end(), [](char c) {
        return letter_or_digit(c) || c == '.' || c == '+' || c == '-';
    });
}

bool root_name(std::string_view text) {
    return text.size() >= 3 && text.size() <= 16 && text[0] >= 'A' && text[0] <= 'Z' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (letter_or_digit(c) && (c < 'a')) || c == '_'; });
}

class XmlWriter {
  public:
    XmlWriter(Message const& message, Dictionary const& dictionary, XmlOptions const& options)
        : message_(message),
          options_(options),
          lookup_(dictionary, message),
          structure_(MessageStructure::of(message, dictionary)),
          d_(message.delimiters()) {}
    Result<std::string> run();

  private:
    // Where a value stands: the name of its element and, where one is known, its datatype.
    struct Place {
        std::string name;
        std::string_view datatype;
    };

    std::string find_root() const;
    void find_places();
    void enter(std::size_t number);
    void leave_to(std::size_t depth);
    void segment(std::string_view text);
    void fields(std::string_view name, std::string_view text);
    void field(Place const& place, std::string_view raw);
    void value(Place const& place, std::string_view raw, int level);
    void leaf(std::string_view raw, bool sequences);
    void sequence(std::string_view body);
    void run_of_text(std::string_view raw);
    void bytewise(std::string_view raw);
    void characters(std::string_view text);
    void raw_bytes(std::string_view bytes);
    void raw_mark() { out_ += "<?hilum raw?>"; }
    void xml_escaped(char c);

    void line_start() {
        if (options_.indented) (out_ += '\n').append(2 * indent_, ' ');
    }
    void open(std::string_view name) {
        line_start();
        ((out_ += '<') += name) += '>';
        ++indent_;
    }
    void close(std::string_view name) {
        --indent_;
        line_start();
        close_inline(name);
    }
    void close_inline(std::string_view name) { ((out_ += "</") += name) += '>'; }
    void empty(std::string_view name) {
        line_start();
        ((out_ += '<') += name) += "/>";
    }
    bool too_large() const { return out_.size() > options_.bytes_max; }

    Message const& message_;
    XmlOptions const& options_;
    Lookup lookup_;
    MessageStructure structure_;
    Delimiters const d_;
    Charset declared_;  // what from_xml will write in
    std::string out_, root_;
    std::size_t indent_ = 0;
    std::vector<std::uint32_t> open_;   // group occurrences, from the outermost; without the message
    std::vector<char> opened_, aside_;  // by group occurrence, by segment number
};

std::string XmlWriter::find_root() const {
    if (auto const& known = structure_.structure(); known && root_name(known->name()))
        return std::string(known->name());
    std::string const named = message_.text("MSH-9.3");
    if (root_name(named)) return named;
    std::string const by_event = message_.text("MSH-9.1") + "_" + message_.text("MSH-9.2");
    if (root_name(by_event)) return by_event;
    std::string const type = message_.text("MSH-9.1");
    return root_name(type) ? type : "MESSAGE";
}

// Opens the groups that this segment begins. The order of the message wins over its groups: a segment out of
// place stays where it came, in whatever group is open there, as a second element for its own group would
// read as one more occurrence.
void XmlWriter::enter(std::size_t number) {
    if (aside_[number] != 0) return;
    auto const& groups = structure_.groups();
    std::vector<std::uint32_t> chain;
    for (std::uint32_t g = structure_.place(number).group; g != 0; g = groups[g].parent) chain.push_back(g);
    std::reverse(chain.begin(), chain.end());
    std::size_t shared = 0;
    while (shared < chain.size() && shared < open_.size() && chain[shared] == open_[shared]) ++shared;
    for (std::size_t i = shared; i < chain.size(); ++i)
        if (opened_[chain[i]] != 0) return;
    leave_to(shared);
    for (std::size_t i = shared; i < chain.size(); ++i) {
        open(root_ + "." + std::string(groups[chain[i]].name));
        open_.push_back(chain[i]);
        opened_[chain[i]] = 1;
    }
}

void XmlWriter::leave_to(std::size_t depth) {
    while (open_.size() > depth) {
        close(root_ + "." + std::string(structure_.groups()[open_.back()].name));
        open_.pop_back();
    }
}

void XmlWriter::segment(std::string_view text) {
    std::string_view const name = text.substr(0, 3);
    bool const named =
        name.size() == 3 && name[0] >= 'A' && name[0] <= 'Z' &&
        std::all_of(name.begin() + 1, name.end(), [](char c) { return letter_or_digit(c) && c < 'a'; }) &&
        (text.size() == 3 || text[3] == d_.field);
    if (!named) {
        line_start();
        ((out_ += "<line xmlns=\"") += xml_namespace_own) += "\">";
        leaf(text, false);
        close_inline("line");
        return;
    }
    if (text.size() == 3) {
        empty(name);
        return;
    }
    open(name);
    fields(name, text);
    close(name);
}

void XmlWriter::fields(std::string_view name, std::string_view text) {
    bool const header = header_name(name);
    auto const named = [&](std::size_t number) { return std::string(name) + "." + std::to_string(number); };
    if (header) {
        line_start();
        ((out_ += '<') += named(1)) += '>';
        leaf(text.substr(3, 1), false);
        close_inline(named(1));
    }
    std::size_t number = header ? 1 : 0;
    for (std::size_t begin = 4; !too_large();) {
        ++number;
        std::size_t const end = std::min(text.find(d_.field, begin), text.size());
        std::string_view const raw = text.substr(begin, end - begin);
        bool const last = end == text.size();
        if (header && number == 2) {
            line_start();
            ((out_ += '<') += named(2)) += '>';
            // Delimiters are in no charset (§2.5.4): two of their bytes make no character.
            std::string delimiters;
            message_.append_bytes(raw, delimiters);
            bytewise(delimiters);
            close_inline(named(2));
        } else if (!raw.empty()) {
            field({named(number), lookup_.datatype_of(text, number, d_)}, raw);
        } else if (last) {
            empty(named(number));  // so that the delimiters before it come back
        }
        if (last) return;
        begin = end + 1;
    }
}

void XmlWriter::field(Place const& place, std::string_view raw) {
    while (!too_large()) {
        std::size_t const end =
            d_.repetition == '\0' ? std::string_view::npos : find_nth(raw, d_.repetition, 1);
        value(place, raw.substr(0, end), 1);
        if (end == std::string_view::npos) return;
        raw.remove_prefix(end + 1);
    }
}

// Level 1 holds components, level 2 subcomponents. At level 3 and below, ER7 has no delimiter left: a
// composite datatype there has its first component alone.
void XmlWriter::value(Place const& place, std::string_view raw, int level) {
    if (raw.empty()) {
        empty(place.name);
        return;
    }
    constexpr int deepest = 8;
    auto const datatype = level < deepest ? lookup_.datatype(place.datatype) : std::nullopt;
    bool const composite = datatype && !datatype->primitive();
    char const delimiter = level == 1 ? d_.component : level == 2 ? d_.subcomponent : '\0';
    bool const several = delimiter != '\0' && raw.find(delimiter) != std::string_view::npos;
    if (!composite && !several) {
        line_start();
        ((out_ += '<') += place.name) += '>';
        leaf(raw, true);
        close_inline(place.name);
        return;
    }
    open(place.name);
    std::string const prefix = (composite ? std::string(datatype->name) : place.name) + ".";
    for (std::uint32_t number = 1; !too_large(); ++number) {
        std::size_t const end = several ? find_nth(raw, delimiter, 1) : std::string_view::npos;
        std::string_view const one = raw.substr(0, end);
        bool const last = end == std::string_view::npos;
        if (!one.empty() || last) {
            auto const position = composite ? datatype->components.at(number) : std::nullopt;
            value({prefix + std::to_string(number), position ? position->datatype : std::string_view{}}, one,
                  level + 1);
        }
        if (last) break;
        raw.remove_prefix(end + 1);
    }
    close(place.name);
}

void XmlWriter::leaf(std::string_view raw, bool sequences) {
    if (!sequences) {
        run_of_text(raw);
        return;
    }
    char const special[] = {d_.escape, d_.subcomponent};
    std::string_view const wanted(special + (d_.escape == '\0' ? 1 : 0),
                                  (d_.escape == '\0' ? 0U : 1U) + (d_.subcomponent == '\0' ? 0U : 1U));
    std::size_t copied = 0;
    for (std::size_t at = raw.find_first_of(wanted); at != std::string_view::npos;
         at = raw.find_first_of(wanted, copied)) {
        run_of_text(raw.substr(copied, at - copied));
        copied = at + 1;
        std::size_t const end =
            raw[at] == d_.escape ? raw.find_first_of(wanted, copied) : std::string_view::npos;
        bool const closed = end != std::string_view::npos && raw[end] == d_.escape;
        std::string_view const body = closed ? raw.substr(copied, end - copied) : std::string_view{};
        if (!sequence_body(body)) {
            // An escape character that begins no sequence (in a file path, say), or a subcomponent delimiter
            // in a text that has no subcomponents ("AT&T").
            xml_escaped(raw[at]);
            raw_mark();
            continue;
        }
        sequence(body);
        copied = end + 1;
    }
    run_of_text(raw.substr(copied));
}

void XmlWriter::sequence(std::string_view body) {
    char const letter = body.size() == 1 ? body[0] : '\0';
    char const meant = letter == 'F'   ? d_.field
                       : letter == 'S' ? d_.component
                       : letter == 'T' ? d_.subcomponent
                       : letter == 'R' ? d_.repetition
                       : letter == 'E' ? d_.escape
                                       : '\0';
    if (meant != '\0') {
        xml_escaped(meant);
    } else {
        ((out_ += "<escape V=\"") += body) += "\"/>";
    }
}

// Text without escape sequences, in the message's charset. Where it would not come back as it is, its bytes
// are written in hexadecimal.
void XmlWriter::run_of_text(std::string_view raw) {
    Charset const charset = message_.charset();
    std::string bytes;
    if (charset.masks()) {
        message_.append_bytes(raw, bytes);
        raw = bytes;
    }
    bool const shifts = charset.coding == Coding::iso2022 || charset.coding == Coding::korean;
    if (is_ascii(raw) && (!shifts || raw.find('\x1b') == std::string_view::npos)) {
        characters(raw);
        return;
    }
    auto const unicode = [](Charset c) {
        return c.coding == Coding::utf8 || c.coding == Coding::undeclared || c.coding == Coding::unknown;
    };
    if (unicode(charset) && unicode(declared_)) {
        characters(raw);
        return;
    }
    std::string text, back;
    bool good = to_utf8(raw, charset, text) == 0 && text.find("\xef\xbf\xbe") == std::string::npos &&
                text.find("\xef\xbf\xbf") == std::string::npos;
    // In another charset than declared (a byte order mark, a listener's own) the text counts, not its bytes;
    // but not where the declaration contradicts itself.
    bool const contradiction = declared_.masks() && charset.coding == Coding::unknown;
    bool const exact = contradiction || charset == declared_;
    good = good && from_utf8(text, declared_, back) && (back == raw || !exact);
    if (good) {
        characters(text);
    } else if (charset.masks()) {
        raw_bytes(raw);
    } else {
        bytewise(raw);
    }
}

// What is no ASCII in hexadecimal.
void XmlWriter::bytewise(std::string_view raw) {
    for (std::size_t i = 0; i < raw.size();) {
        auto const high = [&](std::size_t at) { return static_cast<unsigned char>(raw[at]) >= 0x80; };
        std::size_t end = i + 1;
        while (end < raw.size() && high(end) == high(i)) ++end;
        high(i) ? raw_bytes(raw.substr(i, end - i)) : characters(raw.substr(i, end - i));
        i = end;
    }
}

// UTF-8; what is none, or is no character of XML 1.0, in hexadecimal.
void XmlWriter::characters(std::string_view text) {
    std::size_t bad_from = 0, bad = 0;  // bytes that have gathered
    for (std::size_t i = 0; i < text.size();) {
        auto const c = first_utf8(text.substr(i));
        bool const illegal =
            c.length == 0 || (c.point < 0x20 && c.point != '\t') || c.point == 0xfffe || c.point == 0xffff;
        std::size_t const length = std::max<std::size_t>(c.length, 1);
        if (illegal) {
            if (bad == 0) bad_from = i;
            bad += length;
        } else {
            if (bad != 0) raw_bytes(text.substr(bad_from, bad));
            bad = 0;
            if (length == 1) {
                xml_escaped(text[i]);
            } else {
                out_ += text.substr(i, length);
            }
        }
        i += length;
    }
    if (bad != 0) raw_bytes(text.substr(bad_from, bad));
}

void XmlWriter::raw_bytes(std::string_view bytes) {
    static constexpr char hex[] = "0123456789ABCDEF";
    out_ += "<escape V=\"X";
    for (char const c : bytes) {
        auto const byte = static_cast<unsigned char>(c);
        (out_ += hex[byte >> 4]) += hex[byte & 15];
    }
    out_ += "\"/>";
    raw_mark();
}

void XmlWriter::xml_escaped(char c) {
    switch (c) {
        case '&':
            out_ += "&amp;";
            break;
        case '<':
            out_ += "&lt;";
            break;
        case '>':
            out_ += "&gt;";
            break;
        default:
            out_ += c;
    }
}

void XmlWriter::find_places() {
    opened_.assign(structure_.groups().size(), 0);
    aside_.assign(message_.segment_count() + 1, 0);
    for (auto const& finding : structure_.findings()) {
        if (finding.code == StructureFinding::Code::out_of_place ||
            finding.code == StructureFinding::Code::too_many)
            aside_[finding.segment] = 1;
    }
    declared_ = Charset::declared(part(message_.segment(1), d_.field, 18), d_.repetition);
}

Result<std::string> XmlWriter::run() {
    root_ = find_root();
    find_places();
    out_ = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    out_ += "<" + root_ + " xmlns=\"" + std::string(xml_namespace) + "\">";
    indent_ = 1;
    for (std::size_t number = 1; number <= message_.segment_count() && !too_large(); ++number) {
        enter(number);
        segment(message_.segment(number));
    }
    leave_to(0);
    close(root_);
    out_ += '\n';
    if (too_large())
        return error("xml_too_large", "",
                     "the message as XML is larger than " + std::to_string(options_.bytes_max) + " bytes");
    return {boost::system::in_place_value, std::move(out_)};
}

}  // namespace

Result<std::string> to_xml(Message const& message, Dictionary const& dictionary, XmlOptions const& options) {
    return XmlWriter(message, dictionary, options).run();
}

}  // namespace hilum::hl7
