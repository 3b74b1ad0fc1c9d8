#include "parsers/fhir/xml_tags.h"

#include <charconv>
#include <cstdint>

namespace hilum::fhir {
namespace {

void append_utf8(std::string& out, std::uint32_t point) {
    auto const put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xc0U | point >> 6U);
        put(0x80U | (point & 0x3fU));
    } else if (point < 0x10000) {
        put(0xe0U | point >> 12U);
        put(0x80U | (point >> 6U & 0x3fU));
        put(0x80U | (point & 0x3fU));
    } else {
        put(0xf0U | point >> 18U);
        put(0x80U | (point >> 12U & 0x3fU));
        put(0x80U | (point >> 6U & 0x3fU));
        put(0x80U | (point & 0x3fU));
    }
}

void append_reference(std::string& out, std::string_view body) {
    if (body.starts_with('#')) {
        bool const hex = body.size() > 1 && body[1] == 'x';
        body.remove_prefix(hex ? 2 : 1);
        std::uint32_t point = 0;
        std::from_chars(body.data(), body.data() + body.size(), point, hex ? 16 : 10);
        append_utf8(out, point);
    } else {
        out += body == "lt" ? '<' : body == "gt" ? '>' : body == "amp" ? '&' : body == "quot" ? '"' : '\'';
    }
}

}  // namespace

void XmlTags::next(XmlTag& tag) {
    tag.attributes.clear();
    tag.kind = XmlTag::Kind::none;
    tag.empty = tag.text_before = false;
    if (at_ == 0 && text_.starts_with("\xef\xbb\xbf")) at_ = 3;
    auto const skip_past = [&](std::string_view end) { at_ = text_.find(end, at_) + end.size(); };
    while (at_ < text_.size()) {
        auto const open = std::min(text_.find('<', at_), text_.size());
        tag.text_before = tag.text_before || !is_blank(text_.substr(at_, open - at_));
        at_ = open;
        auto const rest = text_.substr(at_);
        if (rest.starts_with("<!--")) {
            at_ += 4;
            skip_past("-->");
        } else if (rest.starts_with("<![CDATA[")) {
            tag.text_before = true;
            skip_past("]]>");
        } else if (rest.starts_with("<?")) {
            skip_past("?>");
        } else if (!rest.empty()) {
            break;
        }
    }
    if (at_ >= text_.size()) return;
    tag.at = at_++;
    bool const closes = text_[at_] == '/';
    if (closes) ++at_;
    tag.kind = closes ? XmlTag::Kind::end : XmlTag::Kind::start;
    auto const name = [&] {
        auto const from = at_;
        at_ = text_.find_first_of(" \t\r\n/>=", at_);
        return text_.substr(from, at_ - from);
    };
    auto const spaces = [&] { at_ = text_.find_first_not_of(" \t\r\n", at_); };
    tag.name = name();
    for (spaces(); text_[at_] != '>' && text_[at_] != '/'; spaces()) {
        XmlAttribute attribute;
        attribute.at = at_;
        attribute.name = name();
        at_ = text_.find_first_of("\"'", at_);
        auto const from = at_ + 1;
        at_ = text_.find(text_[at_], from) + 1;
        attribute.value = text_.substr(from, at_ - 1 - from);
        tag.attributes.push_back(attribute);
    }
    tag.empty = text_[at_] == '/';
    at_ = tag.end = at_ + (tag.empty ? 2 : 1);
}

void append_xml_value(std::string& out, std::string_view written) {
    while (!written.empty()) {
        auto const plain = written.find_first_of("&\t\r\n");
        out += written.substr(0, plain);
        if (plain == std::string_view::npos) return;
        written.remove_prefix(plain);
        if (written[0] != '&') {
            out += ' ';
            written.remove_prefix(written.starts_with("\r\n") ? 2 : 1);
            continue;
        }
        auto const end = written.find(';');
        append_reference(out, written.substr(1, end - 1));
        written.remove_prefix(end + 1);
    }
}

}  // namespace hilum::fhir
