#include "parsers/hl7/charset_mask.h"

#include <cstddef>

#include "parsers/hl7/charset_tables.h"
#include "parsers/hl7/iso2022.h"

namespace hilum::hl7 {

namespace {

constexpr char marker = '\xff';

unsigned byte_of(char c) {
    return static_cast<unsigned char>(c);
}

bool is_delimiter(char c, Delimiters const& d) {
    return c != '\0' && (c == d.field || c == d.component || c == d.repetition || c == d.escape ||
                         c == d.subcomponent || c == d.truncation);
}

Table table_of(Coding coding) {
    return coding == Coding::big5      ? Table::big5
           : coding == Coding::gb18030 ? Table::gb18030
                                       : Table::windows_31j;
}

bool lead_byte(unsigned byte, Coding coding) {
    if (coding == Coding::shift_jis) return (byte >= 0x81 && byte <= 0x9f) || (byte >= 0xe0 && byte <= 0xfc);
    return byte >= 0x81 && byte <= 0xfe;
}

// The length of the character at the front. A lead byte before a delimiter that is no character with it
// stands alone: a text was cut off in the middle of a character.
std::size_t double_byte_length(std::string_view rest, Coding coding, Delimiters const& delimiters) {
    if (rest.size() < 2 || !lead_byte(byte_of(rest[0]), coding)) return 1;
    unsigned const second = byte_of(rest[1]);
    if (coding == Coding::gb18030 && second >= 0x30 && second <= 0x39) {
        bool const four =
            rest.size() >= 4 && lead_byte(byte_of(rest[2]), coding) && rest[3] >= '0' && rest[3] <= '9';
        return four ? 4 : 1;
    }
    if (second < 0x40 || second == 0x7f || second == 0xff) return 1;
    if (is_delimiter(rest[1], delimiters) && !in_table(table_of(coding), rest.substr(0, 2))) return 1;
    return 2;
}

// Appends what `bytes` are in the masked form; one that stands for a character or, ASCII as it is.
class Writer {
  public:
    Writer(std::string_view bytes, Delimiters const& delimiters, std::string& out)
        : bytes_(bytes), delimiters_(delimiters), out_(out) {}

    // The next `length` bytes, which are a character when `shifted`.
    void take(std::size_t at, std::size_t length, bool shifted) {
        for (std::size_t i = at; i < at + length; ++i) {
            char const c = bytes_[i];
            bool const hidden = shifted && is_delimiter(c, delimiters_);
            if (!hidden && c != marker) continue;
            out_ += bytes_.substr(copied_, i - copied_);
            out_ += marker;
            out_ += static_cast<char>(byte_of(c) | 0x80U);
            copied_ = i + 1;
            changed_ = true;
        }
    }
    bool finish() {
        if (changed_) out_ += bytes_.substr(copied_);
        return changed_;
    }

  private:
    std::string_view bytes_;
    Delimiters const& delimiters_;
    std::string& out_;
    std::size_t copied_ = 0;
    bool changed_ = false;
};

}  // namespace

bool mask(std::string_view bytes, Charset charset, Delimiters const& delimiters, std::string& out) {
    Writer writer(bytes, delimiters, out);
    if (charset.coding == Coding::iso2022) {
        Iso2022Reader reader(charset, delimiters.escape);
        for (std::size_t at = 0; at < bytes.size();) {
            auto const piece = reader.next(bytes.substr(at));
            // The bytes of an escape sequence are no delimiters either: `ESC & @`. But \C2842\ has real ones.
            writer.take(at, piece.length, piece.shifted || (piece.sequence && bytes[at] == '\x1b'));
            at += piece.length;
        }
        return writer.finish();
    }
    for (std::size_t at = 0; at < bytes.size();) {
        std::size_t const length = double_byte_length(bytes.substr(at), charset.coding, delimiters);
        writer.take(at, length, length > 1);
        at += length;
    }
    return writer.finish();
}

void unmask(std::string_view masked, std::string& out) {
    while (true) {
        std::size_t const at = masked.find(marker);
        out += masked.substr(0, at);
        if (at == std::string_view::npos || at + 1 == masked.size()) {
            if (at != std::string_view::npos) out += marker;
            return;
        }
        char const c = masked[at + 1];
        out += c == marker ? marker : static_cast<char>(byte_of(c) & 0x7fU);
        masked.remove_prefix(at + 2);
    }
}

}  // namespace hilum::hl7
