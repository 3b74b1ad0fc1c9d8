#include "parsers/hl7/charset_check.h"

#include <map>
#include <string>

#include "parsers/hl7/characters.h"
#include "parsers/hl7/scan.h"
#include "parsers/hl7/utf8.h"

namespace hilum::hl7 {

namespace {

bool plain(std::string_view text) {
    return is_ascii(text) && text.find('\x1b') == std::string_view::npos;
}

Error undecodable(std::string place, std::size_t count, Charset charset) {
    return error("undecodable", std::move(place),
                 std::to_string(count) +
                     (count == 1 ? " byte is no character of " : " bytes are no characters of ") +
                     charset.name(),
                 "have the sender put its charset into MSH-18, or give it to the listener as charset");
}

class Check {
  public:
    Check(Message const& message, std::size_t at_most) : message_(message), at_most_(at_most) {}

    std::vector<Error> run() {
        bool more = false;
        for (std::size_t i = 1; i <= message_.segment_count() && !more; ++i)
            more = !plain(message_.segment(i));
        if (!more || at_most_ == 0) return {};
        declaration();
        std::map<std::string, std::size_t, std::less<>> seen;
        for (std::size_t i = 1; i <= message_.segment_count() && findings_.size() < at_most_; ++i) {
            std::string_view const text = message_.segment(i);
            // Names of anything can stand at a segment's beginning: only that of a real one is shown.
            std::string const name(text.substr(0, 3));
            std::size_t const occurrence = ++seen[name];
            if (!plain(text)) segment(plain(name) ? name : "segment", occurrence, text);
        }
        return std::move(findings_);
    }

  private:
    void declaration() {
        Coding const coding = message_.charset().coding;
        if (coding == Coding::unknown) {
            findings_.push_back(error("unknown_charset", "MSH[1]-18",
                                      "no known charset is named, and the message is more than ASCII",
                                      "use a name of table HL70211, such as UNICODE UTF-8"));
        } else if (coding == Coding::undeclared || coding == Coding::ascii) {
            findings_.push_back(
                error("undeclared_charset", "MSH[1]-18",
                      "no charset beyond ASCII is declared, and the message is more than that",
                      "have the sender declare it, or give it to the listener as charset"));
        }
    }

    void segment(std::string const& name, std::size_t occurrence, std::string_view text) {
        bool const header = header_name(name);
        std::size_t number = header ? 0 : static_cast<std::size_t>(-1);
        char const delimiter = message_.delimiters().field;
        for (std::size_t begin = 0; begin <= text.size() && findings_.size() < at_most_;) {
            std::size_t const hit = find_nth(text, delimiter, 1, begin);
            std::size_t const end = hit == nowhere ? text.size() : hit;
            ++number;
            std::string_view const field = text.substr(begin, end - begin);
            begin = end + 1;
            if (plain(field)) continue;
            bytes_.clear();
            text_.clear();
            message_.append_bytes(field, bytes_);
            std::size_t const count =
                to_utf8(bytes_, message_.charset(), text_, message_.delimiters().escape);
            if (count == 0) continue;
            std::string place = name + "[" + std::to_string(occurrence) + "]";
            if (number != 0) place += "-" + std::to_string(number);
            findings_.push_back(undecodable(std::move(place), count, message_.charset()));
        }
    }

    Message const& message_;
    std::size_t at_most_;
    std::vector<Error> findings_;
    std::string bytes_, text_;
};

}  // namespace

std::vector<Error> check_charset(Message const& message, std::size_t at_most) {
    return Check(message, at_most).run();
}

}  // namespace hilum::hl7
