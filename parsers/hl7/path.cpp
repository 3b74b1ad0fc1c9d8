#include "parsers/hl7/path.h"

#include <algorithm>

#include "parsers/hl7/characters.h"

namespace hilum::hl7 {

namespace {

// Reads left to right; a part that does not parse leaves the position where it was.
class Reader {
  public:
    explicit Reader(std::string_view text) : text_(text) {}

    std::size_t at() const { return at_; }
    char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

    bool segment(Path& path) {
        if (text_.size() < 3 || !upper(text_[0])) return false;
        if (!std::all_of(text_.begin() + 1, text_.begin() + 3, [](char c) { return upper(c) || digit(c); }))
            return false;
        std::copy_n(text_.begin(), 3, path.segment);
        at_ = 3;
        return true;
    }

    // lead followed by a number from 1 to Path::largest
    bool number(char lead, std::uint32_t& value) {
        if (peek() != lead) return false;
        std::size_t at = at_ + 1;
        std::uint32_t n = 0;
        while (at < text_.size() && digit(text_[at]) && n <= Path::largest) {
            n = n * 10 + static_cast<std::uint32_t>(text_[at++] - '0');
        }
        if (n == 0 || n > Path::largest) return false;
        value = n;
        at_ = at;
        return true;
    }

    // "[3]" or "[*]"
    bool index(std::uint32_t& value) {
        if (peek() != '[') return false;
        std::size_t const start = at_;
        if (text_.substr(at_, 3) == "[*]") {
            value = Path::all;
            at_ += 3;
            return true;
        }
        std::uint32_t n = 0;
        if (number('[', n) && peek() == ']') {
            value = n;
            ++at_;
            return true;
        }
        at_ = start;
        return false;
    }

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

std::string index_text(std::uint32_t index) {
    return index == Path::all ? "[*]" : '[' + std::to_string(index) + ']';
}

}  // namespace

Path::Prefix Path::parse_prefix(std::string_view text) {
    Prefix found;
    Path& path = found.path;
    Reader reader(text);
    if (!reader.segment(path)) return {};
    bool const indexed = reader.index(path.occurrence);
    if (reader.number('-', path.field)) {
        path.repetition_given = reader.index(path.repetition);
        if (reader.number('.', path.component)) reader.number('.', path.subcomponent);
    } else if (!indexed) {
        char const after = reader.peek();
        if (letter(after) || digit(after) || after == '_' || after == '(' || after == '.') return {};
    }
    found.length = reader.at();
    return found;
}

Result<Path> Path::parse(std::string_view text) {
    Prefix const found = parse_prefix(text);
    if (found.length == text.size() && found.length != 0) return found.path;
    std::string const place = "column " + std::to_string(found.length + 1);
    if (found.length == 0) {
        return error("bad_path", place, "no HL7 path begins here",
                     "write a path like PID-3.1, OBX[2]-5 or PID-3[2].4.2; segment names have three capitals "
                     "or digits");
    }
    std::string what = "the path ends at " + found.path.text() + " and more follows";
    return error("bad_path", place, std::move(what),
                 "a path is SEG[n]-field[n].component.subcomponent; positions count from 1 to " +
                     std::to_string(largest));
}

std::string Path::text() const {
    std::string out(segment_name());
    if (occurrence != 1) out += index_text(occurrence);
    if (field == 0) return out;
    out += '-' + std::to_string(field);
    if (repetition_given || repetition != 1) out += index_text(repetition);
    if (component == 0) return out;
    out += '.' + std::to_string(component);
    if (subcomponent != 0) out += '.' + std::to_string(subcomponent);
    return out;
}

}  // namespace hilum::hl7
