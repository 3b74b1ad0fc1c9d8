#include "parsers/hl7/ack.h"

#include <algorithm>
#include <array>
#include <utility>

#include "parsers/hl7/charset_mask.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/msh.h"
#include "parsers/hl7/scan.h"
#include "parsers/hl7/utf8.h"
#include "parsers/hl7/version.h"

namespace hilum::hl7 {

namespace {

constexpr std::array<std::string_view, 6> code_names = {"AA", "AE", "AR", "CA", "CE", "CR"};

// Table HL70357, message error condition codes.
constexpr std::array<std::pair<std::string_view, std::string_view>, 16> conditions = {{
    {"0", "Message accepted"},
    {"100", "Segment sequence error"},
    {"101", "Required field missing"},
    {"102", "Data type error"},
    {"103", "Table value not found"},
    {"104", "Value too long"},
    {"198", "Non-Conformant Cardinality"},
    {"199", "Other HL7 Error"},
    {"200", "Unsupported message type"},
    {"201", "Unsupported event code"},
    {"202", "Unsupported processing id"},
    {"203", "Unsupported version id"},
    {"204", "Unknown key identifier"},
    {"205", "Duplicate key identifier"},
    {"206", "Application record locked"},
    {"207", "Application internal error"},
}};

std::string_view condition_text(std::string_view code) {
    auto const* found =
        std::find_if(conditions.begin(), conditions.end(), [&](auto const& c) { return c.first == code; });
    return found == conditions.end() ? std::string_view{} : found->second;
}

constexpr std::size_t max_fragment = 4096;  // of an unreadable MSH that is looked at

// What an answer repeats from the message, raw, in the delimiters of the answer.
struct Header {
    Delimiters delimiters;
    std::string_view encoding_characters;  // MSH-2
    std::string_view sending_application, sending_facility, receiving_application, receiving_facility;
    std::string_view trigger;        // MSH-9.2
    std::string_view control_id;     // MSH-10
    std::string_view processing_id;  // MSH-11
    std::string_view version;        // MSH-12
    std::string_view character_set;  // MSH-18
};

// Writes segments field by field.
class Writer {
  public:
    Writer(std::string& out, Delimiters const& delimiters) : out_(out), delimiters_(delimiters) {}

    void segment(std::string_view name) { out_ += name; }
    void end() { out_ += '\r'; }
    void put(char delimiter) { out_ += delimiter; }
    void raw(std::string_view text) {
        out_ += delimiters_.field;
        out_ += text;
    }
    void text(std::string_view plain) {
        out_ += delimiters_.field;
        append(plain);
    }
    void skip(int fields) { out_.append(static_cast<std::size_t>(fields), delimiters_.field); }
    void append(std::string_view plain) { escape(plain, delimiters_, out_); }
    void component_raw(std::string_view raw) {
        out_ += delimiters_.component;
        out_ += raw;
    }
    // Parts divided by a delimiter; only the first where the message declares none.
    void divide(char delimiter, std::initializer_list<std::string_view> parts) {
        bool first = true;
        for (auto const part : parts) {
            if (!first && delimiter == '\0') return;
            if (!first) out_ += delimiter;
            append(part);
            first = false;
        }
    }

  private:
    std::string& out_;
    Delimiters const& delimiters_;
};

void write_msh(Writer& writer, Header const& header, Version version, AckOptions const& options) {
    Delimiters const& d = header.delimiters;
    writer.segment("MSH");
    writer.raw(header.encoding_characters);
    writer.raw(header.receiving_application);
    writer.raw(header.receiving_facility);
    writer.raw(header.sending_application);
    writer.raw(header.sending_facility);
    writer.text(options.timestamp);
    writer.skip(1);
    writer.text("ACK");
    if (version >= Version::v2_2 && d.component != '\0' && !header.trigger.empty()) {
        // The trigger is raw text of the message; the message structure came with 2.3.1 (§2.24.1.9 there).
        writer.component_raw(header.trigger);
        if (version >= Version::v2_3_1) writer.component_raw("ACK");
    }
    writer.text(options.control_id);
    writer.raw(header.processing_id);
    writer.raw(header.version);
    // MSH-15 and MSH-16 came with 2.2, MSH-18 with 2.3.
    bool const asks = version >= Version::v2_2 && !(options.accept.empty() && options.application.empty());
    if (asks) {
        writer.skip(2);
        writer.text(options.accept);
        writer.text(options.application);
    }
    if (!header.character_set.empty()) {
        writer.skip(asks ? 1 : 5);
        writer.raw(header.character_set);
    }
    writer.end();
}

// "PID^1^3" in the message's own delimiters, at most `parts` of it; returns how many were written.
int write_location(Writer& writer, Delimiters const& d, std::string_view location, int parts) {
    int written = 0;
    while (written < parts) {
        std::size_t const end = location.find('^');
        if (written != 0) writer.component_raw({});
        writer.append(location.substr(0, end));
        ++written;
        if (end == std::string_view::npos || d.component == '\0') break;
        location.remove_prefix(end + 1);
    }
    return written;
}

void write_eld(Writer& writer, Delimiters const& d, AckError const& error) {
    int written = write_location(writer, d, error.location, 3);
    if (d.component == '\0') return;
    for (; written < 4; ++written) writer.component_raw({});
    writer.divide(d.subcomponent, {error.code, condition_text(error.code), "HL70357"});
}

void write_err(Writer& writer, Delimiters const& d, Version version, AckError const& error) {
    std::string_view const condition = condition_text(error.code);
    writer.segment("ERR");
    if (version < Version::v2_5) {
        // ERR-1 (ELD): segment ^ sequence ^ field position ^ code identifying error, a CE in subcomponents.
        writer.skip(1);
        write_eld(writer, d, error);
        for (AckError const& other : error.further) {
            if (d.repetition == '\0') break;
            writer.put(d.repetition);
            write_eld(writer, d, other);
        }
        writer.end();
        return;
    }
    writer.skip(2);
    write_location(writer, d, error.location, 6);
    writer.skip(1);
    writer.divide(d.component, {error.code, condition, "HL70357"});
    writer.text({&error.severity, 1});
    writer.skip(3);
    writer.raw(error.text);
    writer.end();
    for (AckError const& other : error.further) write_err(writer, d, version, other);
}

// Escaped text in a charset. What that lacks, and what is no UTF-8, becomes a question mark.
std::string in_charset(std::string_view text, Charset charset) {
    bool const as_it_is = charset.coding <= Coding::utf8;
    std::string out;
    if (valid_utf8(text) == text.size()) {
        if (as_it_is) return std::string(text);
        if (from_utf8(text, charset, out)) return out;
    }
    while (!text.empty()) {
        std::size_t const length = first_utf8(text).length;
        std::string_view const character = text.substr(0, std::max<std::size_t>(length, 1));
        if (length != 0 && as_it_is) {
            out += character;
        } else if (length == 0 || !from_utf8(character, charset, out)) {
            out += '?';
        }
        text.remove_prefix(character.size());
    }
    return out;
}

// The same with its texts raw: as they stand in an answer in `charset`, in its masked form.
AckError with_raw_texts(AckError error, Delimiters const& delimiters, Charset charset) {
    std::string escaped, masked;
    escape(error.text, delimiters, escaped);
    error.text = in_charset(escaped, charset);
    if (charset.masks() && mask(error.text, charset, delimiters, masked)) error.text = std::move(masked);
    for (AckError& other : error.further) other = with_raw_texts(std::move(other), delimiters, charset);
    return error;
}

// The error's texts are raw.
void write_answer(Header const& header, AckCode code, AckOptions const& options, AckError const* error,
                  std::string& out) {
    Delimiters const& d = header.delimiters;
    std::string_view const version_id = header.version.substr(0, header.version.find(d.component));
    Version const version = version_of(d.component == '\0' ? header.version : version_id);
    Writer writer(out, d);
    write_msh(writer, header, version, options);
    writer.segment("MSA");
    writer.raw(name(code));
    writer.raw(header.control_id);
    bool const text = error != nullptr && !error->text.empty() && version < Version::v2_7;
    if (text) writer.raw(error->text);
    if (options.expected_sequence) {
        if (!text) writer.skip(1);
        writer.text(std::to_string(*options.expected_sequence));
    }
    writer.end();
    if (error != nullptr) write_err(writer, d, version, *error);
}

}  // namespace

std::string_view name(AckCode code) {
    return code_names[static_cast<std::size_t>(code)];
}

std::optional<AckCode> ack_code(std::string_view text) {
    auto const* found = std::find(code_names.begin(), code_names.end(), text);
    if (found == code_names.end()) return std::nullopt;
    return static_cast<AckCode>(found - code_names.begin());
}

void build_ack(Message const& message, AckCode code, AckOptions const& options, AckError const* error,
               std::string& out) {
    Header header;
    header.delimiters = message.delimiters();
    header.encoding_characters = message.get(msh_field(2)).raw;
    header.sending_application = message.get(msh_field(3)).raw;
    header.sending_facility = message.get(msh_field(4)).raw;
    header.receiving_application = message.get(msh_field(5)).raw;
    header.receiving_facility = message.get(msh_field(6)).raw;
    header.trigger = message.get(msh_field(9, 2)).raw;
    header.control_id = message.get(msh_field(10)).raw;
    header.processing_id = message.get(msh_field(11)).raw;
    header.version = message.get(msh_field(12)).raw;
    // All of them: the first may be left empty, as in "~ISO IR87". MSH-n is the n-th part.
    header.character_set = part(message.segment(1), header.delimiters.field, 18);
    // What the message is not read in can't be said of the answer: there it might swallow a delimiter.
    auto const declared = Charset::declared(header.character_set, header.delimiters.repetition);
    if (declared.masks() && !(declared == message.charset())) header.character_set = {};
    std::optional<AckError> raw;
    if (error != nullptr) raw = with_raw_texts(*error, header.delimiters, message.charset());
    AckError const* const told = raw ? &*raw : nullptr;
    if (!message.charset().masks()) {
        write_answer(header, code, options, told, out);
        return;
    }
    std::string masked;
    write_answer(header, code, options, told, masked);
    message.append_bytes(masked, out);
}

std::string build_nak_for_fragment(std::string_view bytes, AckOptions const& options, AckError const& error) {
    std::size_t at = bytes.find("MSH");
    // The name of a segment, not the end of a word.
    while (at != std::string_view::npos && at != 0 && static_cast<unsigned char>(bytes[at - 1]) > ' ' &&
           static_cast<unsigned char>(bytes[at - 1]) < 0x80) {
        at = bytes.find("MSH", at + 1);
    }
    std::string answer;
    if (at == std::string_view::npos) return answer;
    std::string_view const fragment = bytes.substr(at);
    if (auto const message = Message::view(fragment)) {
        build_ack(*message, AckCode::AR, options, &error, answer);
        return answer;
    }

    // The delimiters can't be used: answer in the recommended ones, with the fields as the fourth byte
    // divides them.
    std::string_view const line = fragment.substr(0, std::min(max_fragment, fragment.find_first_of("\r\n")));
    std::array<std::string, 12> fields;
    Header header;
    header.encoding_characters = "^~\\&";
    std::size_t from = std::min<std::size_t>(4, line.size());
    for (std::size_t field = 1; field < fields.size() && from < line.size(); ++field) {
        std::size_t const end = std::min(line.find(line[3], from), line.size());
        escape(line.substr(from, end - from), header.delimiters, fields[field]);
        from = end + 1;
    }
    // fields[n - 1] is MSH-n.
    header.sending_application = fields[2];
    header.sending_facility = fields[3];
    header.receiving_application = fields[4];
    header.receiving_facility = fields[5];
    header.control_id = fields[9];
    header.processing_id = fields[10].empty() ? std::string_view("P") : fields[10];
    header.version = fields[11].empty() ? std::string_view("2.5.1") : fields[11];
    AckError const raw = with_raw_texts(error, header.delimiters, {});
    write_answer(header, AckCode::AR, options, &raw, answer);
    return answer;
}

}  // namespace hilum::hl7
