// The bounds of an XML document, checked before a parser that recurses and allocates gets to see it.
#include <algorithm>

#include "parsers/hl7/utf8.h"
#include "parsers/hl7/xml.h"

namespace hilum::hl7 {

namespace {

bool space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool name_part(char c) {
    return name_start(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

// XML 1.0 §2.2.
bool xml_character(std::uint32_t point) {
    return point == 9 || point == 10 || point == 13 || (point >= 0x20 && point <= 0xd7ff) ||
           (point >= 0xe000 && point <= 0xfffd) || (point >= 0x10000 && point <= 0x10ffff);
}

class Checker {
  public:
    Checker(std::string_view text, XmlLimits const& limits) : text_(text), limits_(limits) {}
    Result<void> run();

  private:
    Error refuse(std::string code, std::size_t at, std::string what, std::string next = {}) const {
        return error(std::move(code), "byte " + std::to_string(at + 1), std::move(what), std::move(next));
    }
    Error broken(std::string what) const {
        return refuse("not_xml", std::min(at_, text_.size()), std::move(what));
    }
    bool starts(std::string_view with) const { return text_.compare(at_, with.size(), with) == 0; }
    Result<void> characters();
    Result<void> skip_past(std::string_view end, std::string_view what);
    Result<void> markup();
    Result<void> start_tag();
    Result<void> end_tag();
    Result<void> attribute();
    Result<void> references(std::string_view text, std::size_t from) const;
    Result<void> instruction();
    std::string_view name();
    void spaces() {
        while (at_ < text_.size() && space(text_[at_])) ++at_;
    }
    Result<void> count() {
        if (++nodes_ <= limits_.nodes_max) return {};
        return refuse("xml_too_large", at_,
                      "the document has more than " + std::to_string(limits_.nodes_max) + " parts");
    }

    std::string_view text_;
    XmlLimits const& limits_;
    std::size_t at_ = 0, nodes_ = 0;
    std::vector<std::string_view> open_;
    bool root_seen_ = false;
};

Result<void> Checker::characters() {
    for (std::size_t i = 0; i < text_.size();) {
        auto const c = first_utf8(text_.substr(i));
        if (c.length == 0)
            return refuse("xml_not_utf8", i, "the document is not UTF-8",
                          "write it in UTF-8; other encodings are not read");
        if (!xml_character(c.point)) return refuse("not_xml", i, "a character that XML does not allow");
        i += c.length;
    }
    return {};
}

Result<void> Checker::skip_past(std::string_view end, std::string_view what) {
    std::size_t const found = text_.find(end, at_);
    if (found == std::string_view::npos) return broken(std::string(what) + " has no end");
    at_ = found + end.size();
    return count();
}

std::string_view Checker::name() {
    std::size_t const from = at_;
    if (at_ < text_.size() && name_start(text_[at_])) {
        while (at_ < text_.size() && name_part(text_[at_])) ++at_;
    }
    return text_.substr(from, at_ - from);
}

// `text` stands at `from`. The entities of a document type would be a way to write much with little.
Result<void> Checker::references(std::string_view text, std::size_t from) const {
    for (std::size_t i = text.find('&'); i != std::string_view::npos; i = text.find('&', i + 1)) {
        std::string_view const rest = text.substr(i + 1, 12);
        std::string_view const body = rest.substr(0, rest.find(';'));
        if (body.size() == rest.size())
            return refuse("not_xml", from + i, "an & that begins no reference", "write &amp;");
        if (body.empty() || body[0] != '#') {
            static constexpr std::string_view known[] = {"lt", "gt", "amp", "quot", "apos"};
            if (std::find(std::begin(known), std::end(known), body) == std::end(known))
                return refuse("xml_entity", from + i, "an entity that XML itself does not define",
                              "write the character itself");
            continue;
        }
        bool const hex = body.size() > 1 && body[1] == 'x';
        std::uint32_t point = 0;
        std::string_view const digits = body.substr(hex ? 2 : 1);
        bool good = !digits.empty() && digits.size() <= 8;
        for (char const c : digits) {
            char const lower = static_cast<char>(c | 0x20);
            bool const decimal = c >= '0' && c <= '9';
            good = good && (decimal || (hex && lower >= 'a' && lower <= 'f'));
            if (!good) break;
            auto const value = static_cast<std::uint32_t>(decimal ? c - '0' : lower - 'a' + 10);
            point = std::min<std::uint32_t>(point * (hex ? 16U : 10U) + value, 0x110000);
        }
        if (!good || !xml_character(point))
            return refuse("not_xml", from + i, "a reference to a character that XML does not allow");
    }
    return {};
}

Result<void> Checker::attribute() {
    if (name().empty()) return broken("an attribute without a name");
    spaces();
    if (!starts("=")) return broken("an attribute without a value");
    ++at_;
    spaces();
    if (!starts("\"") && !starts("'")) return broken("an attribute value without quotes");
    char const quote = text_[at_++];
    std::size_t const end = text_.find(quote, at_);
    if (end == std::string_view::npos) return broken("an attribute value without an end");
    std::string_view const value = text_.substr(at_, end - at_);
    if (value.find('<') != std::string_view::npos) return broken("a < in an attribute value");
    if (auto good = references(value, at_); !good) return good;
    at_ = end + 1;
    return count();
}

Result<void> Checker::start_tag() {
    if (open_.empty() && root_seen_) return broken("a second element at the top");
    root_seen_ = true;
    std::size_t const from = at_++;
    std::string_view const tag = name();
    if (tag.empty()) return broken("a < that begins no element");
    if (open_.size() >= limits_.depth_max)
        return refuse("xml_too_deep", from,
                      "elements are nested deeper than " + std::to_string(limits_.depth_max) + " levels");
    for (std::size_t attributes = 0;; ++attributes) {
        bool const apart = at_ < text_.size() && space(text_[at_]);
        spaces();
        if (starts(">")) {
            ++at_;
            open_.push_back(tag);
            return count();
        }
        if (starts("/>")) {
            at_ += 2;
            return count();
        }
        if (!apart) return broken("an element's tag that has no end");
        if (attributes == limits_.attributes_max)
            return refuse(
                "xml_too_large", from,
                "an element has more than " + std::to_string(limits_.attributes_max) + " attributes");
        if (auto good = attribute(); !good) return good;
    }
}

Result<void> Checker::end_tag() {
    at_ += 2;
    std::string_view const tag = name();
    if (open_.empty() || tag != open_.back()) return broken("an end tag for an element that is not open");
    open_.pop_back();
    spaces();
    if (!starts(">")) return broken("an end tag that has no end");
    ++at_;
    return {};
}

// The XML declaration or a processing instruction.
Result<void> Checker::instruction() {
    std::size_t const from = at_;
    at_ += 2;
    std::string_view const target = name();
    if (target.empty()) return broken("a processing instruction without a name");
    if (auto good = skip_past("?>", "a processing instruction"); !good) return good;
    if (target.size() != 3 || (target[0] | 0x20) != 'x' || (target[1] | 0x20) != 'm' ||
        (target[2] | 0x20) != 'l')
        return {};
    if (from != 0 && !(from == 3 && text_.substr(0, 3) == "\xef\xbb\xbf"))
        return refuse("not_xml", from, "an XML declaration that is not the beginning");
    std::string declaration(text_.substr(from, at_ - from));
    std::transform(declaration.begin(), declaration.end(), declaration.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; });
    if (declaration.find("encoding") == std::string::npos) return {};
    for (char const* good : {"\"utf-8\"", "'utf-8'", "\"us-ascii\"", "'us-ascii'"}) {
        if (declaration.find(good) != std::string::npos) return {};
    }
    return refuse("xml_not_utf8", from, "the document declares an encoding other than UTF-8",
                  "write it in UTF-8; other encodings are not read");
}

Result<void> Checker::markup() {
    if (starts("<!--")) {
        at_ += 4;
        std::size_t const dashes = text_.find("--", at_);
        if (dashes != std::string_view::npos && text_.substr(dashes, 3) != "-->")
            return broken("a comment with -- in it");
        return skip_past("-->", "a comment");
    }
    if (starts("<![CDATA[")) {
        if (open_.empty()) return broken("text outside the element at the top");
        return skip_past("]]>", "a CDATA section");
    }
    if (starts("<!"))
        return refuse("xml_doctype", at_, "a document type declaration",
                      "leave it out; a message has none, and it may be used for attacks");
    if (starts("<?")) return instruction();
    if (starts("</")) return end_tag();
    return start_tag();
}

Result<void> Checker::run() {
    if (text_.size() > limits_.bytes_max)
        return refuse("xml_too_large", limits_.bytes_max,
                      "the document is larger than " + std::to_string(limits_.bytes_max) + " bytes");
    if (auto good = characters(); !good) return good;
    if (starts("\xef\xbb\xbf")) at_ = 3;
    while (at_ < text_.size()) {
        if (text_[at_] == '<') {
            if (auto good = markup(); !good) return good;
            continue;
        }
        std::size_t const end = std::min(text_.find('<', at_), text_.size());
        std::string_view const run = text_.substr(at_, end - at_);
        if (open_.empty() && !std::all_of(run.begin(), run.end(), space))
            return broken("text outside the element at the top");
        if (auto good = references(run, at_); !good) return good;
        at_ = end;
        if (auto good = count(); !good) return good;
    }
    if (!open_.empty()) return broken("an element that is never closed");
    if (!root_seen_) return broken("there is no element");
    return {};
}

}  // namespace

Result<void> check_xml(std::string_view text, XmlLimits const& limits) {
    return Checker(text, limits).run();
}

}  // namespace hilum::hl7
