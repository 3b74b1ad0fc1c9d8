#include <algorithm>
#include <pugixml.hpp>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/charset.h"
#include "parsers/hl7/xml.h"

namespace hilum::hl7 {

namespace {

using pugi::xml_node;

bool blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

std::string_view local_name(xml_node node) {
    std::string_view const name = node.name();
    std::size_t const colon = name.find(':');
    return colon == std::string_view::npos ? name : name.substr(colon + 1);
}

bool is_element(xml_node node) {
    return node.type() == pugi::node_element;
}
bool is_text(xml_node node) {
    return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
}
bool is_escape(xml_node node) {
    return is_element(node) && local_name(node) == "escape";
}
bool is_raw_mark(xml_node node) {
    return node.type() == pugi::node_pi && std::string_view(node.name()) == "hilum" &&
           std::string_view(node.value()) == "raw";
}
// "X0B0C" to bytes; false when it is none.
bool hex_bytes(std::string_view body, std::string& bytes) {
    if (body.size() < 3 || body.size() % 2 == 0 || body[0] != 'X') return false;
    for (std::size_t i = 1; i < body.size(); i += 2) {
        if (hex_value(body[i]) < 0 || hex_value(body[i + 1]) < 0) return false;
        bytes += static_cast<char>(hex_value(body[i]) * 16 + hex_value(body[i + 1]));
    }
    return true;
}

class XmlReader {
  public:
    XmlReader(std::size_t offset, XmlLimits const& limits) : offset_(offset), limits_(limits) {}
    Result<std::string> run(xml_node root);

  private:
    struct Numbered {
        std::uint32_t number = 0;
        xml_node node;
    };
    enum class Text : unsigned char { escaped, literal };

    Error refuse(xml_node node, char const* code, std::string what, std::string next = {}) const {
        auto const at = static_cast<std::size_t>(std::max<std::ptrdiff_t>(node.offset_debug(), 0));
        return error(code, "byte " + std::to_string(at + offset_ + 1), std::move(what), std::move(next));
    }
    Result<void> header(xml_node msh);
    Result<void> group(xml_node node, std::size_t depth);
    Result<void> segment(xml_node node, std::string_view name);
    Result<void> field(xml_node node);
    Result<void> value(xml_node node, int level);
    Result<void> parts(xml_node node, int level);
    Result<void> leaf(xml_node node, Text kind);
    Result<void> escape(xml_node node, Text kind);
    Result<void> add_text(xml_node node, std::string_view text, Text kind);
    Result<void> in_charset(xml_node node, std::string_view text);
    Result<std::vector<Numbered>> numbered(xml_node node, std::string_view prefix) const;
    Result<void> delimiters(xml_node node, char delimiter, std::uint32_t count);

    std::size_t offset_;  // of what the parser saw in the document
    XmlLimits const& limits_;
    Delimiters d_;
    Charset charset_;
    std::string out_, scratch_;
    std::size_t segments_ = 0;
};

// MSH alone, to know the delimiters and the charset before anything is written.
Result<void> XmlReader::header(xml_node msh) {
    auto const children = numbered(msh, "MSH");
    if (!children) return children.error();
    std::string first = "MSH", msh1 = "|", msh2 = "^~\\&";
    for (auto const& child : *children) {
        if (child.number > 2) break;
        out_.clear();
        if (auto done = leaf(child.node, Text::literal); !done) return done;
        (child.number == 1 ? msh1 : msh2) = out_;
    }
    if (msh1.size() != 1) return refuse(msh, "not_a_message", "MSH.1 is not one character");
    first += msh1 + msh2 + msh1;
    auto const message = Message::view(first);
    if (!message) {
        Error e = message.error();
        e.place = refuse(msh, "", "").place;
        return e;
    }
    d_ = message->delimiters();
    out_.clear();
    bool again = false;
    for (auto const& child : *children) {
        if (child.number != 18) continue;
        if (again) out_ += d_.repetition;
        again = true;
        if (auto done = value(child.node, 1); !done) return done;
    }
    charset_ = Charset::declared(out_, d_.repetition);
    out_.clear();
    return {};
}

Result<void> XmlReader::group(xml_node node, std::size_t depth) {
    for (xml_node const child : node.children()) {
        if (is_text(child) && !blank(child.value()))
            return refuse(child, "not_a_message", "text outside of a field");
        if (!is_element(child)) continue;
        std::string_view const name = local_name(child);
        if (name == "line") {
            ++segments_;
            if (auto done = leaf(child, Text::literal); !done) return done;
            out_ += '\r';
        } else if (segment_name(name)) {
            ++segments_;
            if (auto done = segment(child, name); !done) return done;
            out_ += '\r';
        } else if (name.find('.') != std::string_view::npos && depth < limits_.depth_max) {
            if (auto done = group(child, depth + 1); !done) return done;
        } else {
            return refuse(child, "not_a_message", "an element that is neither a group nor a segment",
                          "groups are named like ORU_R01.PATIENT_RESULT, segments like PID");
        }
        if (out_.size() > limits_.message_bytes_max)
            return refuse(
                child, "message_too_large",
                "the message is larger than " + std::to_string(limits_.message_bytes_max) + " bytes");
    }
    return {};
}

// The element children by the number that their names end with, in its order; names begin with `prefix` and
// a full stop where it is given.
Result<std::vector<XmlReader::Numbered>> XmlReader::numbered(xml_node node, std::string_view prefix) const {
    std::vector<Numbered> found;
    for (xml_node const child : node.children()) {
        if (is_text(child) && !blank(child.value()))
            return refuse(child, "not_a_message", "text beside elements");
        if (!is_element(child)) continue;
        std::string_view const name = local_name(child);
        std::size_t const dot = name.rfind('.');
        std::uint32_t number = 0;
        if (dot != std::string_view::npos && name.size() - dot <= 9) {
            for (char const c : name.substr(dot + 1)) {
                if (c < '0' || c > '9') {
                    number = 0;
                    break;
                }
                number = number * 10 + static_cast<std::uint32_t>(c - '0');
            }
        }
        if (number == 0)
            return refuse(child, "bad_position", "an element's name does not end with a position",
                          "fields are named like PID.3, components like CX.1");
        if (!prefix.empty() && name.substr(0, dot) != prefix)
            return refuse(child, "bad_position", "an element that is no field of its segment");
        found.push_back({number, child});
    }
    std::stable_sort(found.begin(), found.end(),
                     [](Numbered const& a, Numbered const& b) { return a.number < b.number; });
    return found;
}

Result<void> XmlReader::delimiters(xml_node node, char delimiter, std::uint32_t count) {
    if (count == 0) return {};
    if (delimiter == '\0')
        return refuse(node, "bad_position", "MSH.2 declares no delimiter for this position");
    if (count > limits_.message_bytes_max - std::min(limits_.message_bytes_max, out_.size()))
        return refuse(node, "message_too_large",
                      "a position that would make the message larger than " +
                          std::to_string(limits_.message_bytes_max) + " bytes");
    out_.append(count, delimiter);
    return {};
}

Result<void> XmlReader::segment(xml_node node, std::string_view name) {
    if (segments_ == 1 && name != "MSH") return refuse(node, "not_a_message", "the first segment is not MSH");
    auto const fields = numbered(node, name);
    if (!fields) return fields.error();
    out_ += name;
    bool const with_header = header_name(name);
    std::uint32_t at = 0, last = 0;
    if (with_header && (!fields->empty() || segments_ == 1)) {
        out_ += d_.field;
        at = 2;  // where the first field after its delimiter is
        bool const has_msh2 =
            std::any_of(fields->begin(), fields->end(), [](Numbered const& f) { return f.number == 2; });
        if (name == "MSH" && segments_ == 1 && !has_msh2) out_ += "^~\\&";
    }
    for (auto const& [number, child] : *fields) {
        bool const again = number == last;
        if (with_header && number <= 2) {
            if (again) return refuse(child, "bad_position", "delimiters can't repeat");
            last = number;
            if (number == 1) continue;
            if (auto done = leaf(child, Text::literal); !done) return done;
            continue;
        }
        auto done = again ? delimiters(child, d_.repetition, 1) : delimiters(child, d_.field, number - at);
        if (!done) return done;
        at = last = number;
        if (auto value_done = value(child, 1); !value_done) return value_done;
    }
    return {};
}

Result<void> XmlReader::value(xml_node node, int level) {
    for (xml_node const child : node.children()) {
        if (is_element(child) && !is_escape(child)) return parts(node, level);
    }
    return leaf(node, Text::escaped);
}

Result<void> XmlReader::parts(xml_node node, int level) {
    auto const found = numbered(node, {});
    if (!found) return found.error();
    // Below subcomponents there is no delimiter: what is there must be the first and only part.
    char const delimiter = level == 1 ? d_.component : level == 2 ? d_.subcomponent : '\0';
    std::uint32_t at = 1;
    bool first = true;
    for (auto const& [number, child] : *found) {
        if (!first && number == at) return refuse(child, "bad_position", "a component that is there twice");
        if (level > 2 && number != 1)
            return refuse(child, "bad_position", "a part of a subcomponent, for which ER7 has no delimiter");
        if (auto done = delimiters(child, delimiter, number - at); !done) return done;
        at = number;
        first = false;
        if (auto done = value(child, level + 1); !done) return done;
    }
    return {};
}

Result<void> XmlReader::leaf(xml_node node, Text kind) {
    for (xml_node const child : node.children()) {
        if (is_escape(child)) {
            if (auto done = escape(child, kind); !done) return done;
            continue;
        }
        if (is_element(child)) return refuse(child, "not_a_message", "an element inside a text");
        if (!is_text(child)) continue;
        std::string_view text = child.value();
        // The delimiter before the mark stood as it is.
        bool const marked = kind == Text::escaped && is_raw_mark(child.next_sibling()) && !text.empty();
        char const raw = marked ? text.back() : '\0';
        bool const stray = raw != '\0' && (raw == d_.escape || raw == d_.subcomponent);
        if (stray) text.remove_suffix(1);
        if (auto done = add_text(child, text, kind); !done) return done;
        if (stray) out_ += raw;
    }
    return {};
}

Result<void> XmlReader::escape(xml_node node, Text kind) {
    std::string_view const body = node.attribute("V").value();
    if (is_raw_mark(node.next_sibling())) {
        std::string bytes;
        if (!hex_bytes(body, bytes) || bytes.find('\r') != std::string::npos)
            return refuse(node, "bad_escape", "raw bytes that are not in hexadecimal, or a segment's end");
        out_ += bytes;
        return {};
    }
    bool const plain = !body.empty() && std::all_of(body.begin(), body.end(), [&](char c) {
        return c >= ' ' && c != 0x7f && c != d_.field && c != d_.component && c != d_.repetition &&
               c != d_.subcomponent && c != d_.escape;
    });
    if (!plain || kind == Text::literal)
        return refuse(node, "bad_escape", "an escape element without a sequence in its attribute V",
                      "write it like <escape V=\".br\"/>");
    if (d_.escape == '\0')
        return refuse(node, "bad_escape", "MSH.2 declares no escape character for this sequence");
    ((out_ += d_.escape) += body) += d_.escape;
    return {};
}

Result<void> XmlReader::add_text(xml_node node, std::string_view text, Text kind) {
    if (kind == Text::literal) {
        if (text.find_first_of("\r\n") != std::string_view::npos)
            return refuse(node, "bad_escape", "a line break in a line or a delimiter");
        return in_charset(node, text);
    }
    scratch_.clear();
    for (char const c : text) {
        std::string_view body;
        if (c == '\n') body = ".br";
        if (c == '\r') body = "X0D";
        if (c == d_.field) body = "F";
        if (c == d_.component) body = "S";
        if (c == d_.repetition) body = "R";
        if (c == d_.subcomponent) body = "T";
        if (c == d_.escape) body = "E";
        if (body.empty()) {
            scratch_ += c;
            continue;
        }
        if (d_.escape == '\0')
            return refuse(node, "bad_escape",
                          "a delimiter or line break in a text, and MSH.2 declares no escape character");
        ((scratch_ += d_.escape) += body) += d_.escape;
    }
    return in_charset(node, scratch_);
}

Result<void> XmlReader::in_charset(xml_node node, std::string_view text) {
    bool const ascii =
        std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (ascii) {
        out_ += text;
        return {};
    }
    if (!from_utf8(text, charset_, out_))
        return refuse(node, "not_in_charset",
                      "a character that the charset of MSH.18, " + charset_.name() + ", does not have",
                      "set MSH.18 to UNICODE UTF-8");
    return {};
}

Result<std::string> XmlReader::run(xml_node root) {
    xml_node msh;
    for (xml_node const child : root.children()) {
        if (!is_element(child)) continue;
        msh = child;
        break;
    }
    if (!msh || local_name(msh) != "MSH")
        return refuse(msh ? msh : root, "not_a_message", "the first element of the message is not MSH",
                      "the element at the top is named by the message's structure, like ADT_A01");
    if (auto done = header(msh); !done) return done.error();
    if (auto done = group(root, 0); !done) return done.error();
    auto const message = Message::view(out_);
    if (!message) return message.error();
    // A raw line feed may stand where a segment would end.
    if (message->segment_count() != segments_)
        return refuse(root, "bad_escape", "raw bytes or lines that would end a segment or be none");
    return {boost::system::in_place_value, std::move(out_)};
}

}  // namespace

Result<std::string> from_xml(std::string_view text, XmlLimits const& limits) {
    if (auto good = check_xml(text, limits); !good) return good.error();
    std::size_t const mark = text.substr(0, 3) == "\xef\xbb\xbf" ? 3 : 0;
    text.remove_prefix(mark);
    pugi::xml_document document;
    unsigned const flags = pugi::parse_cdata | pugi::parse_escapes | pugi::parse_eol |
                           pugi::parse_wconv_attribute | pugi::parse_ws_pcdata | pugi::parse_pi;
    auto const parsed = document.load_buffer(text.data(), text.size(), flags, pugi::encoding_utf8);
    if (!parsed) {
        auto const at = static_cast<std::size_t>(std::max<std::ptrdiff_t>(parsed.offset, 0)) + mark + 1;
        return error("not_xml", "byte " + std::to_string(at), "the document can't be parsed");
    }
    return XmlReader(mark, limits).run(document.document_element());
}

}  // namespace hilum::hl7
