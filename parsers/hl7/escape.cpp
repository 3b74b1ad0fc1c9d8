#include "parsers/hl7/escape.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "parsers/hl7/characters.h"

namespace hilum::hl7 {

namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";

bool all_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return hex_value(c) >= 0; });
}

// The body of \Xhh..\.
bool spells_bytes(std::string_view body) {
    return body.size() >= 3 && body[0] == 'X' && body.size() % 2 == 1 && all_hex(body.substr(1));
}

// The character that a one-letter sequence stands for; '\0' when it stands for none in this message.
char named_character(char letter, Delimiters const& d) {
    switch (letter) {
        case 'F':
            return d.field;
        case 'S':
            return d.component;
        case 'T':
            return d.subcomponent;
        case 'R':
            return d.repetition;
        case 'E':
            return d.escape;
        case 'P':
            return d.truncation;
        default:
            return '\0';
    }
}

// The letter of the sequence for `c`; '\0' when `c` needs none.
char letter_for(char c, Delimiters const& d) {
    if (c == '\0') return '\0';
    if (c == d.field) return 'F';
    if (c == d.component) return 'S';
    if (c == d.subcomponent) return 'T';
    if (c == d.repetition) return 'R';
    if (c == d.escape) return 'E';
    if (c == d.truncation) return 'P';
    return '\0';
}

// \Zdd..\ means what sender and receiver have agreed on (§2.7.5).
bool local_sequence(std::string_view body) {
    return body.size() >= 2 && body.size() <= 64 && body[0] == 'Z' &&
           std::all_of(body.begin(), body.end(), letter_or_digit);
}

// A sequence that stays as it is, though we know what it is: a charset's (§2.7.2), a local one, a formatting
// command of another standard.
bool kept_sequence(std::string_view body) {
    if (body.size() < 2 || body.size() > 64) return false;
    std::string_view const rest = body.substr(1);
    switch (body[0]) {
        case '.': {
            if (rest.size() < 2 || !letter_or_digit(rest[0]) || !letter_or_digit(rest[1])) return false;
            std::string_view number = rest.substr(2);
            if (!number.empty() && (number[0] == '+' || number[0] == '-')) number.remove_prefix(1);
            return std::all_of(number.begin(), number.end(), digit);
        }
        case 'C':
            return rest.size() == 4 && all_hex(rest);
        case 'M':
            return (rest.size() == 4 || rest.size() == 6) && all_hex(rest);
        case 'Z':
            return local_sequence(body);
        default:
            return false;
    }
}

// Has the form of a sequence, though none that we know.
bool looks_like_sequence(std::string_view body) {
    return !body.empty() && body.size() <= 64 && std::all_of(body.begin(), body.end(), letter_or_digit);
}

// The text of a formatting command (§2.7.6); false when the body is none.
bool append_formatting(std::string_view body, std::string& out) {
    constexpr std::size_t most = 64;  // a short sequence must not make a long text
    if (body.size() < 3 || body.size() > 12 || body[0] != '.') return false;
    auto const small = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    char const name[] = {small(body[1]), small(body[2]), '\0'};
    std::string_view const command(name, 2);
    std::string_view number = body.substr(3);
    bool const counts = command == "sp" || command == "sk" || command == "in" || command == "ti";
    if (!counts && !number.empty()) return false;
    if (!number.empty() && number[0] == ' ') number.remove_prefix(1);
    bool const negative = !number.empty() && number[0] == '-';
    if (!number.empty() && (number[0] == '+' || number[0] == '-')) number.remove_prefix(1);
    if (!std::all_of(number.begin(), number.end(), digit)) return false;
    std::size_t n = 0;
    for (char const c : number) n = std::min(n * 10 + static_cast<std::size_t>(c - '0'), most);
    if (number.empty()) n = 1;

    if (command == "br" || command == "ce") {
        out += '\n';
    } else if (command == "sp") {
        out.append(n, '\n');
    } else if (command == "sk" || command == "ti") {
        if (!negative) out.append(n, ' ');
    } else if (command != "in" && command != "fi" && command != "nf") {
        return false;
    }
    return true;
}

// Reads the sequences of one text.
class Unescaper {
  public:
    // `charset` null: the bytes of \X..\ are text as they are.
    Unescaper(Delimiters const& delimiters, Charset const* charset, std::string& out)
        : delimiters_(delimiters), charset_(charset), out_(out) {}

    void text(std::string_view plain) {
        if (plain.empty()) return;
        end_of_hex();
        out_ += plain;
    }
    // False when the body is no sequence that stands for text.
    bool sequence(std::string_view body) {
        if (body.size() == 1) {
            char const c = named_character(body[0], delimiters_);
            if (c == '\0' && body[0] != 'H' && body[0] != 'N') return false;
            end_of_hex();
            if (c != '\0') out_ += c;
            return true;
        }
        if (spells_bytes(body)) {
            std::string& bytes = charset_ == nullptr ? out_ : hex_;
            for (std::size_t i = 1; i < body.size(); i += 2)
                bytes += static_cast<char>(hex_value(body[i]) * 16 + hex_value(body[i + 1]));
            return true;
        }
        if (body.empty() || body[0] != '.') return false;
        end_of_hex();
        return append_formatting(body, out_);
    }
    void end_of_hex() {
        if (!hex_.empty()) to_utf8(hex_, *charset_, out_);
        hex_.clear();
    }

  private:
    Delimiters const& delimiters_;
    Charset const* charset_;
    std::string& out_;
    std::string hex_;  // bytes of a character may come in sequences of one each
};

std::string_view unescape(std::string_view raw, Delimiters const& delimiters, Charset const* charset,
                          std::string& scratch) {
    char const escape = delimiters.escape;
    if (escape == '\0') return raw;
    std::size_t open = raw.find(escape);
    if (open == std::string_view::npos) return raw;

    scratch.clear();
    scratch.reserve(raw.size());
    Unescaper out(delimiters, charset, scratch);
    std::size_t copied = 0;
    while (open != std::string_view::npos) {
        std::size_t const close = raw.find(escape, open + 1);
        if (close == std::string_view::npos) break;
        std::string_view const body = raw.substr(open + 1, close - open - 1);
        out.text(raw.substr(copied, open - copied));
        copied = open;
        if (out.sequence(body)) {
            copied = close + 1;
            open = raw.find(escape, copied);
        } else if (kept_sequence(body) || looks_like_sequence(body)) {
            open = raw.find(escape, close + 1);
        } else {
            open =
                close;  // a stray escape character (a file path, say): the next one may open a real sequence
        }
    }
    out.end_of_hex();
    out.text(raw.substr(copied));
    return scratch;
}

}  // namespace

std::string_view unescape(std::string_view raw, Delimiters const& delimiters, std::string& scratch) {
    return unescape(raw, delimiters, nullptr, scratch);
}

std::string_view unescape(std::string_view raw, Delimiters const& delimiters, Charset charset,
                          std::string& scratch) {
    return unescape(raw, delimiters, &charset, scratch);
}

namespace {

void append_spelt(char c, char escape, std::string& out) {
    auto const byte = static_cast<unsigned char>(c);
    for (char const part : {escape, 'X', hex_digits[byte >> 4], hex_digits[byte & 15], escape}) out += part;
}

}  // namespace

std::size_t decode_spelt_bytes(std::string& raw, Delimiters const& delimiters, Charset charset) {
    char const escape = delimiters.escape;
    if (escape == '\0') return 0;
    std::string_view const text = raw;
    std::string out, bytes, characters, ignored;
    std::size_t undecodable = 0, copied = 0, run = 0;  // run: where adjacent sequences began
    auto const end_run = [&](std::size_t end) {
        bool const plain = std::all_of(bytes.begin(), bytes.end(), [](char c) {
            return static_cast<unsigned char>(c) < 0x80 && c != '\x1b';
        });
        if (!plain) {
            out += text.substr(copied, run - copied);
            characters.clear();
            undecodable += to_utf8(bytes, charset, characters);
            for (char const c : characters) {
                if (static_cast<unsigned char>(c) >= 0x80) {
                    out += c;
                } else {
                    append_spelt(c, escape, out);
                }
            }
            copied = end;
        }
        bytes.clear();
    };
    std::size_t at = text.find(escape);
    while (at != std::string_view::npos) {
        std::size_t const close = text.find(escape, at + 1);
        if (close == std::string_view::npos) break;
        std::string_view const body = text.substr(at + 1, close - at - 1);
        if (spells_bytes(body)) {
            if (bytes.empty()) run = at;
            for (std::size_t i = 1; i < body.size(); i += 2)
                bytes += static_cast<char>(hex_value(body[i]) * 16 + hex_value(body[i + 1]));
            at = text.find(escape, close + 1);
            if (at != close + 1) end_run(close + 1);
            continue;
        }
        end_run(at);
        ignored.clear();
        bool const sequence =
            kept_sequence(body) || looks_like_sequence(body) || append_formatting(body, ignored);
        at = sequence ? text.find(escape, close + 1) : close;
    }
    if (at != std::string_view::npos) end_run(at);
    if (copied == 0) return undecodable;
    out += text.substr(copied);
    raw = std::move(out);
    return undecodable;
}

void escape(std::string_view text, Delimiters const& delimiters, std::string& out) {
    bool hex_open = false;  // a run of control bytes shares one \X..\ sequence
    auto const close_hex = [&] {
        if (hex_open) out += delimiters.escape;
        hex_open = false;
    };
    // Where the next escape character is; found once, so that a text of nothing else stays linear.
    std::size_t next_escape = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        char const letter = letter_for(c, delimiters);
        if (letter == '\0' && !control(c)) {
            close_hex();
            out += c;
            continue;
        }
        if (delimiters.escape == '\0') {
            out += '?';
            continue;
        }
        if (c == '\n' && !hex_open && letter_for('.', delimiters) == '\0') {
            out += delimiters.escape;
            out += ".br";
            out += delimiters.escape;
            continue;
        }
        if (letter == '\0') {
            if (!hex_open) {
                out += delimiters.escape;
                out += 'X';
            }
            hex_open = true;
            out += hex_digits[static_cast<unsigned char>(c) >> 4];
            out += hex_digits[static_cast<unsigned char>(c) & 15];
            continue;
        }
        close_hex();
        if (letter == 'E') {
            if (next_escape <= i) next_escape = std::min(text.find(c, i + 1), text.size());
            std::string_view const body = text.substr(i + 1, next_escape - i - 1);
            bool const plain = std::none_of(
                body.begin(),
                body.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(body.size(), 64)),
                [&](char b) { return letter_for(b, delimiters) != '\0'; });
            if (next_escape < text.size() && plain && local_sequence(body)) {
                out += text.substr(i, body.size() + 2);
                i = next_escape;
                continue;
            }
        }
        out += delimiters.escape;
        out += letter;
        out += delimiters.escape;
    }
    close_hex();
}

}  // namespace hilum::hl7
