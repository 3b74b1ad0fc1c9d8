#include "parsers/hl7/message_json.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/escape.h"
#include "parsers/hl7/message_findings.h"
#include "parsers/hl7/msh.h"
#include "parsers/json.h"

namespace hilum::hl7 {
namespace {

using json::Writer;

std::string delimiters_of(Message const& message) {
    return message.text("MSH-1") + message.text("MSH-2");
}

void write_value(Writer& w, ValueView const& value) {
    w.object([&] {
        w.field("path", value.path);
        w.field_if("name", value.name);
        w.field_if("datatype", value.datatype);
        w.field("value", value.text);
        if (value.whole) w.field("whole", true);
        if (value.null) w.field("null", true);
        if (value.table != 0) {
            w.field("table", value.table);
            w.field_if("table_name", value.table_name);
            w.field_if("meaning", value.meaning);
        }
    });
}

void write_segment(Writer& w, MessageView const& view, std::size_t number) {
    auto const segment = view.segment(number);
    w.object([&] {
        w.field("segment", segment.name);
        w.field("path", segment.path);
        w.field_if("name", segment.title);
        w.field_if("group", view.group_path(segment.group));
        w.key("values");
        w.array([&] {
            for (auto const& value : segment.values) write_value(w, value);
        });
    });
}

constexpr std::size_t fields_max = 100'000;  // of one segment

Error not_a_message(std::string place, std::string what) {
    return error("not_a_message", std::move(place), std::move(what),
                 "the shape is that of hilum convert --to json");
}

// The delimiters as the key has them: MSH-1 and MSH-2.
Result<Delimiters> delimiters_from(std::string_view text) {
    std::string const head = "MSH" + std::string(text) + std::string(text.substr(0, 1)) + "\r";
    auto const message = Message::view(head);
    if (text.size() < 2 || !message) return not_a_message("delimiters", "these are none");
    return message->delimiters();
}

// The number of the field that a value is; 0 for one inside a field, which the field holds as well.
std::optional<std::size_t> field_number(std::string_view path) {
    auto const digits = path.substr(std::min(path.rfind('-') + 1, path.size()));
    std::size_t number = 0;
    auto const [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (problem != std::errc() || number == 0 || number > fields_max) return std::nullopt;
    if (end == digits.data() + digits.size()) return number;
    return *end == '.' || *end == '[' ? std::optional<std::size_t>(0) : std::nullopt;
}

Result<void> add_segment(json::Value const& segment, Delimiters const& delimiters, std::string& out) {
    auto const name = segment.text("segment");
    bool const header = header_name(name);
    out += name;
    std::size_t last = header ? 1 : 0;  // the first field of a header is the delimiter behind its name
    for (auto const& value : segment["values"].items) {
        auto const number = field_number(value.text("path"));
        if (!number) return not_a_message("path", "there is a value without a field");
        if (*number == 0) continue;
        auto const text = value.text("value");
        if (header && *number == 1) {
            out += text;
            continue;
        }
        if (*number <= last && !(header && *number == 2 && last == 1))
            return not_a_message("path", "the fields are not in order");
        if (!(header && *number == 2)) out.append(*number - last, delimiters.field);
        last = *number;
        if (value["null"].boolean) {
            out += "\"\"";
        } else if (value["whole"].boolean || (header && *number == 2)) {
            out += text;
        } else {
            escape(text, delimiters, out);
        }
    }
    out += '\r';
    return {};
}

}  // namespace

Result<std::string> to_json(MessageView const& view, std::size_t number, std::size_t bytes,
                            std::size_t bytes_max) {
    auto const& message = view.message();
    bool fits = true;
    Writer w;
    w.object([&] {
        w.field("message", number);
        w.field("type", message.text("MSH-9"));
        w.field("version", message.text("MSH-12"));
        if (view.structure().structure()) w.field("structure", view.structure().structure()->name());
        w.field("control_id", message.text("MSH-10"));
        w.field("charset", message.charset().name());
        w.field("delimiters", delimiters_of(message));
        w.field("bytes", bytes);
        w.key("tolerated");
        w.array([&] {
            for (auto const& [tolerance, name] : tolerance_names) {
                if (message.has(tolerance)) w.value(name);
            }
        });
        w.key("findings");
        w.array([&] {
            for (auto const& finding : findings_of(view)) {
                w.object([&] {
                    w.field("source", finding.source);
                    w.field("severity", finding.severity);
                    w.field("code", finding.code);
                    w.field("place", finding.place);
                    w.field("text", finding.text);
                });
            }
        });
        w.key("segments");
        w.array([&] {
            for (std::size_t n = 1; n <= view.segment_count() && fits; ++n) {
                write_segment(w, view, n);
                fits = w.size() <= bytes_max;
            }
        });
    });
    if (!fits)
        return error("json_too_large", "",
                     "as JSON the message would have more than " + std::to_string(bytes_max) + " bytes",
                     "send it as it is, or without its documents");
    return {boost::system::in_place_value, w.text()};
}

Result<std::string> from_json(std::string_view text) {
    auto const read = json::parse(text);
    if (!read) return read.error();
    auto const given = read->text("delimiters");
    auto const delimiters = delimiters_from(given);
    if (!delimiters) return delimiters.error();
    std::string out;
    for (auto const& segment : (*read)["segments"].items)
        if (auto const added = add_segment(segment, *delimiters, out); !added) return added.error();
    if (out.empty()) return not_a_message("segments", "there is no segment");
    // JSON is UTF-8 (RFC 8259 section 8.1), whatever the message was sent in.
    if (std::all_of(out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; }))
        return {boost::system::in_place_value, std::move(out)};
    auto message = Message::parse(std::move(out), Charset::named("UTF-8"));
    if (!message) return message.error();
    if (auto const done = message->set_raw(msh_field(18), "UNICODE UTF-8"); !done) return done.error();
    return {boost::system::in_place_value, message->bytes()};
}

}  // namespace hilum::hl7
